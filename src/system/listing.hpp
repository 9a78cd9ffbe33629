// The names of the directory that was listed last, kept for the reads that follow.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// Knows which entries of one directory were regular files when it was listed: to read them takes no look at their kind.
class Listing {
 public:
  struct Entry {
    std::string name;
    bool regular = false;
  };

  /// All names, sorted.
  std::vector<std::string> keep(const std::string& directory, std::vector<Entry> entries) {
    directory_ = directory.ends_with('/') ? directory : directory + '/';
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (const Entry& entry : entries) names.push_back(entry.name);
    entries_ = std::move(entries);
    next_ = 0;
    return names;
  }
  void forget() { entries_.clear(); }
  const std::string& directory() const { return directory_; }  ///< with a slash at its end

  /// Is the path a regular file of the directory? Names that are asked for in their order are found at once.
  bool holds(std::string_view path) {
    if (entries_.empty() || !path.starts_with(directory_)) return false;
    path.remove_prefix(directory_.size());
    if (next_ >= entries_.size() || entries_[next_].name != path) next_ = place_of(path);
    return next_ < entries_.size() && entries_[next_].name == path && entries_[next_++].regular;
  }

 private:
  std::size_t place_of(std::string_view name) const {
    auto before = [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; };
    return std::size_t(std::lower_bound(entries_.begin(), entries_.end(), name, before) - entries_.begin());
  }

  std::string directory_;
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

}  // namespace hostpci
