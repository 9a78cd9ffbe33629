// Files, links and directories in maps, with the refusals of a real file system.
#include "system/memory.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "system/failure.hpp"

namespace hostpci {
namespace {

constexpr int max_links = 40;

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// Any key below the directory ("" is the root).
template <class Container>
auto first_below(const Container& container, const std::string& directory) {
  return container.lower_bound(directory + "/");
}

const std::string& key(const std::string& entry) { return entry; }
template <class T>
const std::string& key(const std::pair<const std::string, T>& entry) {
  return entry.first;
}

template <class Container>
bool has_below(const Container& container, const std::string& directory) {
  auto entry = first_below(container, directory);
  return entry != container.end() && key(*entry).starts_with(directory + "/");
}

/// Adds the names directly below the directory; what lies deeper is stepped over.
template <class Container>
void add_names(std::set<std::string>& names, const Container& container, const std::string& directory) {
  std::string prefix = directory + "/";
  for (auto entry = first_below(container, directory); entry != container.end() && key(*entry).starts_with(prefix);) {
    const std::string& path = key(*entry);
    std::size_t slash = path.find('/', prefix.size());
    std::string name = path.substr(prefix.size(), slash == path.npos ? slash : slash - prefix.size());
    if (slash == path.npos)
      ++entry;
    else
      entry = container.lower_bound(prefix + name + char('/' + 1));
    names.insert(std::move(name));
  }
}

void rename_key(std::string& entry, const std::string& to, std::size_t cut) { entry = to + entry.substr(cut); }
template <class T>
void rename_key(std::pair<std::string, T>& entry, const std::string& to, std::size_t cut) {
  rename_key(entry.first, to, cut);
}

template <class Container>
struct Entry {
  using Type = typename Container::value_type;
};
template <class T>
struct Entry<std::map<std::string, T>> {
  using Type = std::pair<std::string, T>;
};

/// Gives every entry at or below `from` its place at or below `to`.
template <class Container>
void move_tree(Container& container, const std::string& from, const std::string& to) {
  std::vector<typename Entry<Container>::Type> moved;
  for (auto entry = container.lower_bound(from); entry != container.end() && key(*entry).starts_with(from);) {
    bool inside = key(*entry).size() == from.size() || key(*entry)[from.size()] == '/';
    if (inside) rename_key(moved.emplace_back(*entry), to, from.size());
    entry = inside ? container.erase(entry) : std::next(entry);
  }
  container.insert(moved.begin(), moved.end());
}

class NoLock : public FileLock {};

}  // namespace

/// "" is the root.
bool MemoryFileSystem::is_directory(const std::string& resolved) const {
  return resolved.empty() || directories_.count(resolved) || has_below(files_, resolved) ||
         has_below(links_, resolved) || has_below(directories_, resolved);
}

bool MemoryFileSystem::exists(const std::string& resolved) const {
  return files_.count(resolved) || links_.count(resolved) || is_directory(resolved);
}

/// The path without links ("" is the root): nothing is said on whether it exists.
Result<std::string> MemoryFileSystem::resolve(std::string_view verb, const std::string& path, bool follow) const {
  if (path.empty()) return system_failure(verb, path, ENOENT);
  std::string at;
  std::vector<std::string> pending{path};  // paths still to go, the next one last
  for (int links = 0; !pending.empty();) {
    std::string rest = std::move(pending.back());
    pending.pop_back();
    std::size_t begin = rest.find_first_not_of('/');
    if (begin == rest.npos) continue;
    std::size_t end = std::min(rest.find('/', begin), rest.size());
    std::string name = rest.substr(begin, end - begin);
    bool last = pending.empty() && rest.find_first_not_of('/', end) == rest.npos;
    if (!last && end < rest.size()) pending.push_back(rest.substr(end));
    if (name == "..") at = at.empty() ? at : parent(at);
    if (name == "." || name == "..") continue;
    at += "/" + name;
    auto link = links_.find(at);
    if (!last && files_.count(at)) return system_failure(verb, path, ENOTDIR);
    if (link == links_.end() || (last && !follow)) continue;
    if (++links > max_links) return system_failure(verb, path, ELOOP);
    at = link->second.starts_with('/') ? "" : parent(at);
    pending.push_back(link->second);
  }
  return at;
}

Result<std::string> MemoryFileSystem::read(const std::string& path) const {
  Result<std::string> resolved = resolve("read", path, true);
  if (!resolved) return resolved;
  auto file = files_.find(*resolved);
  if (file == files_.end()) return system_failure("read", path, is_directory(*resolved) ? EISDIR : ENOENT);
  return file->second;
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& directory) const {
  Result<std::string> resolved = resolve("list", directory, true);
  if (!resolved) return resolved.error();
  if (files_.count(*resolved)) return system_failure("list", directory, ENOTDIR);
  if (!is_directory(*resolved)) return system_failure("list", directory, ENOENT);
  std::set<std::string> names;
  add_names(names, files_, *resolved);
  add_names(names, links_, *resolved);
  add_names(names, directories_, *resolved);
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::string> MemoryFileSystem::read_link(const std::string& path) const {
  Result<std::string> resolved = resolve("read the link", path, false);
  if (!resolved) return resolved;
  auto link = links_.find(*resolved);
  if (link != links_.end()) return link->second;
  return system_failure("read the link", path, exists(*resolved) ? EINVAL : ENOENT);
}

Result<FileStat> MemoryFileSystem::stat(const std::string& path, bool follow) const {
  Result<std::string> resolved = resolve("inspect", path, follow);
  if (!resolved) return resolved.error();
  FileStat stat;
  stat.inode = std::hash<std::string>()(*resolved);
  if (auto file = files_.find(*resolved); file != files_.end()) {
    stat.size = file->second.size();
    stat.mode = 0644;
  } else if (auto link = links_.find(*resolved); link != links_.end()) {
    stat.kind = FileKind::link;
    stat.size = link->second.size();
    stat.mode = 0777;
  } else if (is_directory(*resolved)) {
    stat.kind = FileKind::directory;
    stat.mode = 0755;
  } else {
    return system_failure("inspect", path, ENOENT);
  }
  if (auto own = attributes_.find(*resolved); own != attributes_.end()) {
    if (stat.kind == FileKind::regular) stat.mode = own->second.mode;
    stat.uid = own->second.uid, stat.gid = own->second.gid, stat.mtime = own->second.mtime;
  }
  return stat;
}

Result<std::string> MemoryFileSystem::canonical(const std::string& path) const {
  Result<std::string> resolved = resolve("resolve", path, true);
  if (!resolved) return resolved;
  if (resolved->empty()) return std::string("/");
  if (!is_directory(parent(*resolved))) return system_failure("resolve", path, ENOENT);
  return resolved;
}

Status MemoryFileSystem::create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool) {
  Result<std::string> resolved = resolve("create", path, false);
  if (!resolved) return resolved.error();
  if (exists(*resolved)) return system_failure("create", path, EEXIST);
  files_[*resolved] = bytes;
  attributes_[*resolved] = {.mode = mode};
  return Done{};
}

Status MemoryFileSystem::write_attribute(const std::string& path, std::string_view value, int) {
  Result<std::string> resolved = resolve("write to", path, true);
  if (!resolved) return resolved.error();
  if (!files_.count(*resolved)) return system_failure("write to", path, is_directory(*resolved) ? EISDIR : ENOENT);
  files_[*resolved] = value;
  return Done{};
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  Result<std::string> source = resolve("rename", from, false), target = resolve("rename", to, false);
  if (!source) return source.error();
  if (!target) return target.error();
  bool is_file = files_.count(*source) || links_.count(*source);
  if (!is_file && !is_directory(*source)) return system_failure("rename", from, ENOENT);
  if (*source == *target) return Done{};
  if (is_file && is_directory(*target)) return system_failure("rename", from, EISDIR);
  if (!is_file && target->starts_with(*source + "/")) return system_failure("rename", from, EINVAL);
  files_.erase(*target), links_.erase(*target), attributes_.erase(*target);
  directories_.insert(parent(*source));  // the directory does not go with its last entry
  if (!is_file) directories_.insert(*source);
  move_tree(files_, *source, *target);
  move_tree(links_, *source, *target);
  move_tree(attributes_, *source, *target);
  move_tree(directories_, *source, *target);
  return Done{};
}

Status MemoryFileSystem::remove(const std::string& path) {
  Result<std::string> resolved = resolve("remove", path, false);
  if (!resolved) return resolved.error();
  attributes_.erase(*resolved);
  if (files_.erase(*resolved) || links_.erase(*resolved)) {
    directories_.insert(parent(*resolved));  // the directory does not go with its last file
    return Done{};
  }
  return system_failure("remove", path, is_directory(*resolved) ? EISDIR : ENOENT);
}

Status MemoryFileSystem::copy_metadata(const std::string& from, const std::string& to) {
  constexpr std::string_view verb = "give its attributes to";
  Result<std::string> source = resolve(verb, from, false), target = resolve(verb, to, false);
  if (!source) return source.error();
  if (!target) return target.error();
  for (auto [path, resolved] : {std::pair(&from, &*source), std::pair(&to, &*target)}) {
    if (links_.count(*resolved)) return system_failure(verb, *path, ELOOP);
    if (!files_.count(*resolved)) return system_failure(verb, *path, exists(*resolved) ? EINVAL : ENOENT);
  }
  std::int64_t mtime = attributes_[*target].mtime;
  attributes_[*target] = attributes_[*source];
  attributes_[*target].mtime = mtime;
  return Done{};
}

Status MemoryFileSystem::touch(const std::string& path, std::int64_t seconds) {
  Result<std::string> resolved = resolve("touch", path, false);
  if (!resolved) return resolved.error();
  if (!exists(*resolved)) return system_failure("touch", path, ENOENT);
  attributes_[*resolved].mtime = seconds;
  return Done{};
}

Status MemoryFileSystem::make_one_directory(const std::string& path) {
  Result<std::string> resolved = resolve("make the directory", path, false);
  if (!resolved) return resolved.error();
  if (exists(*resolved)) return system_failure("make the directory", path, EEXIST);
  if (!is_directory(parent(*resolved))) return system_failure("make the directory", path, ENOENT);
  directories_.insert(*resolved);
  return Done{};
}

Status MemoryFileSystem::remove_directory(const std::string& path) {
  Result<std::string> resolved = resolve("remove", path, false);
  if (!resolved) return resolved.error();
  if (!is_directory(*resolved)) return system_failure("remove", path, exists(*resolved) ? ENOTDIR : ENOENT);
  if (resolved->empty()) return system_failure("remove", path, EBUSY);
  if (!MemoryFileSystem::list(*resolved)->empty()) return system_failure("remove", path, ENOTEMPTY);
  directories_.erase(*resolved);
  attributes_.erase(*resolved);
  directories_.insert(parent(*resolved));
  return Done{};
}

Status MemoryFileSystem::make_directory(const std::string& path) {
  Result<std::string> resolved = resolve("make the directory", path, true);
  if (!resolved) return resolved.error();
  if (files_.count(*resolved)) return system_failure("make the directory", path, ENOTDIR);
  directories_.insert(*resolved);
  return Done{};
}

Status MemoryFileSystem::sync_directory(const std::string& path) {
  Result<std::string> resolved = resolve("sync", path, true);
  if (!resolved) return resolved.error();
  if (!is_directory(*resolved)) return system_failure("sync", path, files_.count(*resolved) ? ENOTDIR : ENOENT);
  return Done{};
}

Status MemoryFileSystem::sync_file(const std::string& path) {
  Result<std::string> resolved = resolve("sync", path, false);
  if (!resolved) return resolved.error();
  if (files_.count(*resolved)) return Done{};
  int code = links_.count(*resolved) ? ELOOP : exists(*resolved) ? EINVAL : ENOENT;
  return system_failure("sync", path, code);
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string&, int) {
  return std::unique_ptr<FileLock>(new NoLock);
}

}  // namespace hostpci
