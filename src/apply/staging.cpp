// Stage, rename, read back. pmxcfs answers fsync without doing anything and refuses most attributes; all else is asked of it too, so
// that a tree below --root, where /etc/pve is made of ordinary files, is as safe as any.
#include "apply/staging.hpp"

#include <algorithm>
#include <cerrno>

#include "apply/vm_place.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

std::string directory_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

Status absent_is_fine(const Status& removed) { return removed || removed.error().code == ENOENT ? Status(Done{}) : removed; }

Failure explained(Failure failure, const std::string& path) {
  if (!in_cluster(path)) return failure;
  if (failure.code == EACCES) failure.message += " (has the cluster lost its quorum?)";
  if (failure.code == EIO) failure.message += " (is /var/lib/pve-cluster full?)";
  return failure;
}

/// pmxcfs has its own idea of owners and modes, and knows no attributes.
bool can_do_without(const Failure& failure, const std::string& path) {
  return in_cluster(path) && (failure.code == EPERM || failure.code == EOPNOTSUPP);
}

/// Bytes and attributes, all on the disk: to copy the attributes syncs both.
Status create_like(FileSystem& system, const std::string& at, const std::string& bytes, const std::string& like) {
  auto model = system.stat(like, false);
  if (!model) return model.error();
  std::uint32_t mode = model->mode & 07777;
  if (Status made = system.create(at, bytes, mode, false); !made) return made;
  Status copied = system.copy_metadata(like, at);
  if (copied) return copied;
  if (Status removed = system.remove(at); !removed) return removed;
  return can_do_without(copied.error(), at) ? system.create(at, bytes, mode, true) : copied;
}

/// A file that stands there lends its attributes to the one that takes its place; else the image has them.
Status lay(FileSystem& system, const std::string& at, const std::string& bytes, const std::string& target, const std::string& image) {
  if (Status gone = absent_is_fine(system.remove(at)); !gone) return gone;
  Status made = create_like(system, at, bytes, system.stat(target, false) ? target : image);
  return made ? made : Status(explained(made.error(), target));
}

Status put(FileSystem& system, const Journal& journal, std::size_t file, bool old) {
  const JournalFile& f = journal.record().files[file];
  std::string at = stage_path(journal.id(), f.path);
  const std::string& bytes = old ? *f.before : *f.after;
  if (auto parked = old && !f.after ? system.read(at) : Result<std::string>(Failure{}); parked && *parked == bytes)
    return system.rename(at, f.path);
  if (Status laid = lay(system, at, bytes, f.path, journal.image_path(file, old)); !laid) return laid;
  return system.rename(at, f.path);
}

/// pmxcfs renames a target that someone has open to such a name first; where it died then, the target has no name of its own.
bool hidden_by_pmxcfs(const FileSystem& system, const JournalFile& f) {
  std::string directory = directory_of(f.path);
  auto names = system.list(directory);
  if (!names) return false;
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    if (!name.starts_with(".fuse_hidden")) return false;
    auto bytes = system.read(directory + "/" + name);
    return bytes && *bytes == *f.before;
  });
}

Settlement foreign(const Journal& journal, std::size_t file, const std::string& what) {
  const JournalFile& f = journal.record().files[file];
  std::string problem = quoted(f.path) + " " + what + ": left alone";
  if (f.before) problem += "; its old text is in " + quoted(journal.image_path(file, true));
  if (f.after) problem += std::string(f.before ? ", the new one in " : "; the new text is in ") + quoted(journal.image_path(file, false));
  return {Settled::foreign, problem};
}

Settlement failed(const Failure& failure) { return {Settled::failed, failure.message}; }

}  // namespace

std::string stage_path(const std::string& id, const std::string& path) {
  std::size_t name = path.rfind('/') + 1;
  return path.substr(0, name) + ".hostpci-" + id + "-" + path.substr(name);
}

Status stage(FileSystem& system, const Journal& journal, std::size_t file) {
  const JournalFile& f = journal.record().files[file];
  if (!f.after) return Done{};
  return lay(system, stage_path(journal.id(), f.path), *f.after, f.path, journal.image_path(file, false));
}

Status still_old(const FileSystem& system, const Journal& journal, std::size_t file) {
  const JournalFile& f = journal.record().files[file];
  auto now = read_target(system, f.path);
  if (!now) return now.error();
  if (*now == f.before) return Done{};
  return Failure{quoted(f.path) + (*now ? " was changed meanwhile by someone else" : " is gone"), EBUSY};
}

Status swap_in(FileSystem& system, const Journal& journal, std::size_t file) {
  const JournalFile& f = journal.record().files[file];
  std::string at = stage_path(journal.id(), f.path);
  Status moved = f.after ? system.rename(at, f.path) : system.rename(f.path, at);
  if (!moved) {
    auto then = read_target(system, f.path);
    bool done = then && *then == f.after && f.before != f.after;
    if (!done) return explained(moved.error(), f.path);
  }
  return system.sync_directory(directory_of(f.path));
}

Settlement settle(FileSystem& system, const Journal& journal, std::size_t file, bool to_old, bool ours) {
  const JournalFile& f = journal.record().files[file];
  const auto& wanted = to_old ? f.before : f.after;
  const auto& other = to_old ? f.after : f.before;
  auto now = read_target(system, f.path);
  if (!now) return now.error().code == EBUSY ? foreign(journal, file, "was replaced by a link") : failed(now.error());
  if (*now != wanted) {
    bool lost = !*now && other && (ours || hidden_by_pmxcfs(system, f));
    if (*now != other && !lost) {
      Status dropped = drop_stage(system, journal, file);
      return dropped ? foreign(journal, file, *now ? "was changed by someone else" : "is gone") : failed(dropped.error());
    }
    Status put_back = wanted ? put(system, journal, file, to_old) : system.remove(f.path);
    auto then = read_target(system, f.path);
    if (!then) return failed(then.error());
    if (*then != wanted && put_back) return failed({quoted(f.path) + " does not hold what was written"});
    if (*then != wanted) return failed(explained(put_back.error(), f.path));
  }
  if (Status dropped = drop_stage(system, journal, file); !dropped) return failed(dropped.error());
  if (Status synced = system.sync_directory(directory_of(f.path)); !synced && synced.error().code != ENOENT) return failed(synced.error());
  return {};
}

Status drop_stage(FileSystem& system, const Journal& journal, std::size_t file) {
  return absent_is_fine(system.remove(stage_path(journal.id(), journal.record().files[file].path)));
}

Status sync_database(FileSystem& system, const JournalRecord& record) {
  bool concerned = std::any_of(record.files.begin(), record.files.end(), [](const JournalFile& file) { return in_cluster(file.path); });
  return concerned ? absent_is_fine(system.sync_file("/var/lib/pve-cluster/config.db-wal")) : Status(Done{});
}

Status make_directories(FileSystem& system, const JournalRecord& record) {
  for (const std::string& directory : record.directories) {
    Status made = system.make_one_directory(directory);
    if (!made && made.error().code != EEXIST) return made;
    if (Status synced = system.sync_directory(directory_of(directory)); !synced) return synced;
  }
  return Done{};
}

void remove_directories(FileSystem& system, const std::vector<std::string>& innermost_first) {
  for (const std::string& directory : innermost_first)
    if (system.remove_directory(directory)) (void)system.sync_directory(directory_of(directory));
}

}  // namespace hostpci
