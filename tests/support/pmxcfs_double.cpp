// pmxcfs as it was seen to behave (pve-cluster 9.1, libfuse 2): what it refuses, what it hides, what it never promises.
#include "tests/support/pmxcfs_double.hpp"

#include <algorithm>
#include <cerrno>

#include "system/failure.hpp"
#include "tests/support/pmxcfs_names.hpp"

namespace hostpci::test {
namespace {

const std::string mount_point = "/etc/pve";

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

Status told(std::string_view verb, const std::string& path, int code) {
  if (code != 0) return system_failure(verb, path, code);
  return Done{};
}

}  // namespace

bool PmxcfsDouble::in_cluster(std::string_view place) const {
  return mounted_ && place.starts_with(mount_point) && (place.size() == mount_point.size() || place[mount_point.size()] == '/');
}

/// The last part is not followed.
Result<std::string> PmxcfsDouble::place_of(std::string_view verb, const std::string& path) const {
  std::size_t slash = path.rfind('/');
  if (slash == path.npos || slash + 1 == path.size()) return system_failure(verb, path, EINVAL);
  Result<std::string> directory = MemoryFileSystem::canonical(slash == 0 ? "/" : path.substr(0, slash));
  if (!directory) return system_failure(verb, path, directory.error().code);
  Result<FileStat> status = MemoryFileSystem::stat(*directory);
  if (!status) return system_failure(verb, path, status.error().code);
  if (status->kind != FileKind::directory) return system_failure(verb, path, ENOTDIR);
  std::string place = (*directory == "/" ? "" : *directory) + path.substr(slash);
  if (int code = reachable(place)) return system_failure(verb, path, code);
  return place;
}

bool PmxcfsDouble::vanished(const std::string& place) const {
  auto hidden = hidden_reads_.find(place);
  return hidden != hidden_reads_.end() && hidden->second > 0 && hidden->second-- > 0;
}

void PmxcfsDouble::erase(const std::string& place) {
  files_.erase(place), attributes_.erase(place);
  directories_.insert(parent(place));  // the directory does not go with its last file
}

/// Does another file than these two stand for the same guest?
bool PmxcfsDouble::taken(const std::string& place, const std::string& except) const {
  auto guest = guest_name(place);
  if (!guest) return false;
  return std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
    if (file.first == place || file.first == except) return false;
    auto other = guest_name(file.first);
    return other && other->vmid == guest->vmid;
  });
}

int PmxcfsDouble::step(std::string_view name, const std::string& place, const std::function<int()>& change) {
  if (dead_) return ENOTCONN;
  if (!quorate_) return EACCES;
  Mishap mishap = interrupt ? interrupt(name, place) : Mishap{};
  if (mishap.late) late_.push_back(change);
  bool taken = mishap.code == 0 || mishap.applied;
  int code = !taken ? 0 : failed_ && !mishap.applied ? EIO : change();
  if (mishap.fatal) dead_ = true;
  return mishap.code != 0 ? mishap.code : code;
}

std::string PmxcfsDouble::generated(const std::string& place) const {
  if (place.ends_with("/.vmlist")) return vm_list(files_);
  if (place.ends_with("/.members"))
    return "{\n\"nodename\": \"pve1\",\n\"version\": 4,\n\"cluster\": { \"name\": \"demo\", \"version\": 2, \"nodes\": 2, \"quorate\": " +
           std::to_string(int(quorate_)) +
           " },\n\"nodelist\": {\n  \"pve1\": { \"id\": 1, \"online\": 1, \"ip\": \"192.0.2.1\"},\n"
           "  \"pve2\": { \"id\": 2, \"online\": 1, \"ip\": \"192.0.2.2\"}\n  }\n}\n";
  return place.ends_with("/.version") ? "{\n\"starttime\": 1700000000,\n\"clinfo\": 4,\n\"vmlist\": 1\n}\n" : "";
}

std::uint32_t PmxcfsDouble::cluster_mode(const std::string& place, FileKind kind) const {
  if (is_generated(place)) return 0440;
  std::uint32_t mode = kind == FileKind::link ? 0777 : kind == FileKind::directory ? 0755 : 0640;
  if (is_private(place)) mode &= 0700;
  return quorate_ ? mode : mode & 0555;
}

Result<std::string> PmxcfsDouble::read(const std::string& path) const {
  Result<std::string> place = canonical(path);
  if (!place) return system_failure("read", path, place.error().code);
  if (vanished(*place)) return system_failure("read", path, ENOENT);
  if (in_cluster(*place) && is_generated(*place)) return generated(*place);
  return MemoryFileSystem::read(path);
}

Result<std::vector<std::string>> PmxcfsDouble::list(const std::string& directory) const {
  Result<std::string> place = canonical(directory);
  if (!place) return system_failure("list", directory, place.error().code);
  return MemoryFileSystem::list(directory);
}

Result<std::string> PmxcfsDouble::read_link(const std::string& path) const {
  Result<std::string> place = place_of("read the link", path);
  return place ? MemoryFileSystem::read_link(path) : place;
}

Result<FileStat> PmxcfsDouble::stat(const std::string& path, bool follow) const {
  Result<std::string> place = follow || path == "/" ? canonical(path) : place_of("inspect", path);
  if (!place) return system_failure("inspect", path, place.error().code);
  if (vanished(*place)) return system_failure("inspect", path, ENOENT);
  Result<FileStat> found = MemoryFileSystem::stat(path, follow);
  if (!found || !in_cluster(*place)) return found;
  found->mode = cluster_mode(*place, found->kind);
  found->uid = 0, found->gid = www_data;
  found->device = 2, found->inode = next_inode_++;
  if (is_generated(*place)) found->size = generated(*place).size(), found->mtime = 0;
  auto late = late_sizes_.find(*place);
  if (late != late_sizes_.end() && clock_ < late->second.until) found->size = late->second.size;
  return found;
}

Result<std::string> PmxcfsDouble::canonical(const std::string& path) const {
  Result<std::string> place = MemoryFileSystem::canonical(path);
  if (place)
    if (int code = reachable(*place)) return system_failure("resolve", path, code);
  return place;
}

int PmxcfsDouble::create_in_cluster(const std::string& place, std::string_view bytes, bool& made) {
  int code = step("create", place, [=, this] {
    if (taken(place, "")) return EEXIST;
    files_[place].clear();
    stamp(place);
    return 0;
  });
  made = code == 0;
  for (std::size_t at = 0; code == 0 && at < bytes.size(); at += largest_write) {
    std::string part(bytes.substr(at, largest_write));
    code = at + part.size() > largest_file ? EFBIG : step("write", place, [=, this] { return files_[place] += part, 0; });
  }
  return code;
}

Status PmxcfsDouble::create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) {
  Result<std::string> place = place_of("create", path);
  if (!place) return place.error();
  if (!in_cluster(*place)) {
    Status status = MemoryFileSystem::create(path, bytes, mode, durable);
    if (status) stamp(*place);
    return status;
  }
  if (MemoryFileSystem::stat(*place, false)) return system_failure("create", path, EEXIST);
  bool made = false;
  int code = create_in_cluster(*place, bytes, made);
  if (code != 0 && made) step("remove", *place, [this, at = *place] { return erase(at), 0; });  // as RealFileSystem does; it may fail too
  return told(made ? "write" : "create", path, code);
}

/// What libfuse does with a file that is open here, before it is replaced or removed.
int PmxcfsDouble::hide(const std::string& place) {
  auto open = open_files_.find(place);
  if (open == open_files_.end() || open->second != place || !is_file(place)) return 0;
  std::string number = std::to_string(++hidden_count_);
  std::string hidden = parent(place) + "/.fuse_hidden" + std::string(16 - number.size(), '0') + number;
  return step("hide", place, [=, this] {
    files_[hidden] = files_[place];
    files_.erase(place);
    open_files_[place] = hidden;
    return 0;
  });
}

int PmxcfsDouble::rename_in_cluster(const std::string& from, const std::string& to) {
  for (const std::string& place : {from, to})
    if (is_generated(place) || is_virtual_link(place) || is_cluster_lock(place)) return EACCES;
  Result<FileStat> source = MemoryFileSystem::stat(from, false), target = MemoryFileSystem::stat(to, false);
  if (!source) return ENOENT;
  bool directory = source->kind == FileKind::directory;
  if (directory && !MemoryFileSystem::list(from)->empty()) return ENOTEMPTY;
  if (target && (target->kind == FileKind::directory) != directory) return directory ? ENOTDIR : EISDIR;
  auto old_guest = guest_name(from), new_guest = guest_name(to);
  bool migration = old_guest && new_guest && old_guest->vmid == new_guest->vmid;
  if (int code = hide(to)) return code;
  return step("rename", to, [=, this] {
    if (taken(to, migration ? from : "")) return EEXIST;
    Status moved = MemoryFileSystem::rename(from, to);
    if (moved) stamp(to);
    return moved ? 0 : moved.error().code;
  });
}

Status PmxcfsDouble::rename(const std::string& from, const std::string& to) {
  Result<std::string> source = place_of("rename", from), target = place_of("rename", to);
  if (!source) return source.error();
  if (!target) return target.error();
  if (in_cluster(*source) != in_cluster(*target)) return system_failure("rename", from, EXDEV);
  if (!in_cluster(*source)) return MemoryFileSystem::rename(from, to);
  return told("rename", from, rename_in_cluster(*source, *target));
}

Status PmxcfsDouble::remove(const std::string& path) {
  Result<std::string> place = place_of("remove", path);
  if (!place) return place.error();
  if (!in_cluster(*place)) return MemoryFileSystem::remove(path);
  Result<FileStat> found = MemoryFileSystem::stat(*place, false);
  if (!found || found->kind == FileKind::directory) return system_failure("remove", path, found ? EISDIR : ENOENT);
  if (is_generated(*place) || is_virtual_link(*place)) return system_failure("remove", path, EACCES);
  auto open = open_files_.find(*place);
  if (open != open_files_.end() && open->second == *place) return told("remove", path, hide(*place));
  return told("remove", path, step("remove", *place, [this, at = *place] { return erase(at), 0; }));
}

Status PmxcfsDouble::copy_metadata(const std::string& from, const std::string& to) {
  constexpr std::string_view verb = "give its attributes to";
  Result<std::string> source = place_of(verb, from), target = place_of(verb, to);
  if (!source) return source.error();
  if (!target) return target.error();
  if (!in_cluster(*target)) return MemoryFileSystem::copy_metadata(from, to);
  Result<FileStat> given = stat(from, false), present = stat(to, false);
  if (!given) return given.error();
  if (!present) return present.error();
  bool owner = given->uid == 0 && given->gid == www_data, mode = given->mode == (is_private(*target) ? 0600u : 0640u);
  return told(verb, to, owner && mode ? 0 : EPERM);
}

int PmxcfsDouble::touch_in_cluster(const std::string& place, std::int64_t seconds) {
  auto lock = cluster_locks_.find(place);
  if (lock == cluster_locks_.end())
    return step("utime", place, [=, this] { return attributes_[place].mtime = std::int64_t(std::uint32_t(seconds)), 0; });
  bool expired = clock_ - lock->second.refreshed >= lock_lifetime;
  if (seconds == 0 && !expired) return EACCES;
  if (seconds != 0 && !lock->second.ours) return EACCES;
  return step("utime", place, [=, this] {
    if (seconds != 0) return cluster_locks_[place].refreshed = clock_, 0;
    directories_.erase(place);
    cluster_locks_.erase(place);
    return 0;
  });
}

Status PmxcfsDouble::touch(const std::string& path, std::int64_t seconds) {
  Result<std::string> place = place_of("touch", path);
  if (!place) return place.error();
  if (!in_cluster(*place)) return MemoryFileSystem::touch(path, seconds);
  if (!MemoryFileSystem::stat(*place, false)) return system_failure("touch", path, ENOENT);
  return told("touch", path, touch_in_cluster(*place, seconds));
}

Status PmxcfsDouble::make_directory(const std::string& path) {
  for (std::size_t end = 0; end != path.npos;) {
    end = path.find('/', end + 1);
    std::string part = path.substr(0, end);
    Result<FileStat> found = stat(part);
    if (found && found->kind == FileKind::directory) continue;
    if (found) return system_failure("make the directory", part, ENOTDIR);
    if (found.error().code != ENOENT) return system_failure("make the directory", part, found.error().code);
    if (Status made = make_one_directory(part); !made) return made;
  }
  return Done{};
}

Status PmxcfsDouble::make_one_directory(const std::string& path) {
  Result<std::string> place = place_of("make the directory", path);
  if (!place) return place.error();
  if (!in_cluster(*place)) return MemoryFileSystem::make_one_directory(path);
  if (MemoryFileSystem::stat(*place, false)) return system_failure("make the directory", path, EEXIST);
  return told("make the directory", path, step("mkdir", *place, [this, at = *place] {
                directories_.insert(at);
                if (is_cluster_lock(at)) cluster_locks_[at] = {true, clock_};
                return 0;
              }));
}

Status PmxcfsDouble::remove_directory(const std::string& path) {
  Result<std::string> place = place_of("remove", path);
  if (!place) return place.error();
  if (!in_cluster(*place)) return MemoryFileSystem::remove_directory(path);
  Result<FileStat> found = MemoryFileSystem::stat(*place, false);
  if (!found || found->kind != FileKind::directory) return system_failure("remove", path, found ? ENOTDIR : ENOENT);
  if (!MemoryFileSystem::list(*place)->empty()) return system_failure("remove", path, ENOTEMPTY);
  return told("remove", path, step("rmdir", *place, [this, at = *place] {
                cluster_locks_.erase(at);
                Status removed = MemoryFileSystem::remove_directory(at);
                return removed ? 0 : removed.error().code;
              }));
}

Status PmxcfsDouble::sync_directory(const std::string& path) {
  Result<std::string> place = canonical(path);
  if (!place) return system_failure("sync", path, place.error().code);
  return MemoryFileSystem::sync_directory(path);
}

Status PmxcfsDouble::sync_file(const std::string& path) {
  Result<std::string> place = place_of("sync", path);
  if (!place) return place.error();
  return MemoryFileSystem::sync_file(path);
}

Result<std::unique_ptr<FileLock>> PmxcfsDouble::lock(const std::string& path, int) {
  Result<std::string> place = canonical(path);
  if (!place) return system_failure("lock", path, place.error().code);
  if (!is_file(*place) && in_cluster(*place)) {
    if (int code = step("create", *place, [this, at = *place] { return files_[at].clear(), 0; })) return system_failure("lock", path, code);
  }
  files_.try_emplace(*place);
  if (held_->count(*place)) return Failure{"can't lock file `" + printable(path) + "` - got timeout", ETIMEDOUT};
  return hold(*place);
}

}  // namespace hostpci::test
