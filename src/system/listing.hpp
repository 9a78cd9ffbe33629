// The names of a directory that was listed, kept for the reads that follow.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// The names of the regular files of the large directory that was listed last: to read them all takes one system call
/// less each.
class Listing {
 public:
  void keep(const std::string& directory, std::vector<std::string> names) {
    if (names.size() < worth_keeping) return;
    directory_ = directory.ends_with('/') ? directory : directory + '/';
    names_ = std::move(names);
    std::sort(names_.begin(), names_.end());
    next_ = 0;
  }
  void forget() { names_.clear(); }
  /// Names that are asked for in their order are found at once.
  bool holds(std::string_view path) {
    if (names_.empty() || !path.starts_with(directory_)) return false;
    path.remove_prefix(directory_.size());
    if (next_ >= names_.size() || names_[next_] != path)
      next_ = std::size_t(std::lower_bound(names_.begin(), names_.end(), path) - names_.begin());
    return next_ < names_.size() && names_[next_++] == path;
  }

 private:
  static constexpr std::size_t worth_keeping = 64;
  std::string directory_;
  std::vector<std::string> names_;
  std::size_t next_ = 0;
};

}  // namespace hostpci
