// The names of the directory that was listed last, kept for the reads that follow.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// Knows which entries of one directory were regular files when it was listed: to read them takes no look at their kind.
class Listing {
 public:
  void begin(const std::string& directory) {
    forget();
    directory_ = directory.ends_with('/') ? directory : directory + '/';
  }
  void add(std::string_view name, bool regular) {
    entries_.push_back({std::uint32_t(text_.size()), std::uint32_t(name.size()), regular});
    text_ += name;
  }
  /// All names, sorted.
  std::vector<std::string> finish() {
    std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) { return name(a) < name(b); });
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const Entry& entry : entries_) names.emplace_back(name(entry));
    return names;
  }
  void forget() {
    entries_.clear();
    text_.clear();
    next_ = 0;
  }
  const std::string& directory() const { return directory_; }  ///< with a slash at its end

  /// Is the path a regular file of the directory? Names that are asked for in their order are found at once.
  bool holds(std::string_view path) {
    if (entries_.empty() || !path.starts_with(directory_)) return false;
    path.remove_prefix(directory_.size());
    if (next_ >= entries_.size() || name(entries_[next_]) != path) next_ = place_of(path);
    return next_ < entries_.size() && name(entries_[next_]) == path && entries_[next_++].regular;
  }

 private:
  /// A name in text_.
  struct Entry {
    std::uint32_t begin = 0, size = 0;
    bool regular = false;
  };

  std::string_view name(const Entry& entry) const { return std::string_view(text_).substr(entry.begin, entry.size); }
  std::size_t place_of(std::string_view wanted) const {
    auto before = [this](const Entry& entry, std::string_view other) { return name(entry) < other; };
    return std::size_t(std::lower_bound(entries_.begin(), entries_.end(), wanted, before) - entries_.begin());
  }

  std::string directory_;
  std::string text_;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

}  // namespace hostpci
