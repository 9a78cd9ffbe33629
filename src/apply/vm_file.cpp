// The lock, the place and the replacement of a VM's file.
#include "apply/vm_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "config/site.hpp"
#include "config/vm.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view cluster_directory = "/etc/pve/";
constexpr const char* own_node_link = "/etc/pve/local";
constexpr const char* lock_directory = "/var/lock";
constexpr std::uint32_t default_mode = 0644;

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

std::string directory_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

/// "nodes/NODE/qemu-server/100.conf" or "qemu-server/100.conf": the node, "" for the second form; nothing for any other
/// path.
std::optional<std::string> node_of(std::string_view below) {
  auto parts = split(below, '/');
  bool own = parts.size() == 2, other = parts.size() == 4 && parts[0] == "nodes";
  if ((!own && !other) || parts[parts.size() - 2] != "qemu-server" || vmid_of_path(parts.back()) == 0)
    return std::nullopt;
  return other ? std::string(parts[1]) : std::string();
}

/// Why the cluster file system can't be written to now; pmxcfs takes the write bit from its links where quorum is lost.
std::string cluster_refusal(const FileSystem& system) {
  auto link = system.stat(own_node_link, false);
  if (!link) {
    bool live = system.root() == "/";
    return live ? "the cluster file system is not mounted: `/etc/pve/local` is missing" : "";
  }
  if (link->kind == FileKind::link && (link->mode & 0200) == 0)
    return "the cluster has no quorum: /etc/pve can only be read";
  return "";
}

Status check_cluster_place(const FileSystem& system, const VmPlace& place) {
  auto node = node_of(std::string_view(place.path).substr(cluster_directory.size()));
  if (!node)
    return Failure{
        quoted(place.path) + " is no configuration of a VM: below /etc/pve these are nodes/NODE/qemu-server/VMID.conf",
        EINVAL};
  std::string own = node_name(system);
  if (!node->empty() && !own.empty() && *node != own)
    return Failure{"VM " + std::to_string(place.vmid) + " belongs to node " + quoted(*node) +
                       "; only that node may change it (this is " + quoted(own) + ")",
                   EACCES};
  if (std::string why = cluster_refusal(system); !why.empty()) return Failure{why, EACCES};
  return Done{};
}

Failure changed_meanwhile(const VmPlace& place) {
  return {quoted(place.path) + " was changed meanwhile by someone else", EBUSY};
}

/// The text, if still no link stands in the way to it.
Result<std::string> read_again(const FileSystem& system, const VmPlace& place) {
  auto real = system.canonical(place.path);
  if (!real) return real.error();
  if (*real != place.path) return changed_meanwhile(place);
  return read_vm_text(system, place);
}

/// The directory of PVE's lock files, which is empty after a boot. On a disk that is not booted the link /var/lock ->
/// /run/lock leads to nothing yet.
Status make_lock_directory(FileSystem& system, const std::string& path) {
  std::string directory = directory_of(path);
  if (system.stat(directory)) return Done{};
  if (auto base = system.canonical(lock_directory))
    if (Status made = system.make_directory(*base); !made) return made;
  return system.make_directory(directory);
}

Failure without_lock(Failure failure) {
  bool forbidden = failure.code == EACCES || failure.code == EPERM;
  if (forbidden && ::geteuid() != 0) failure.message += "; a change needs Proxmox VE's lock, which root can take";
  return failure;
}

Failure with_hint(Failure failure, const VmPlace& place) {
  if (place.cluster && failure.code == EACCES && ::geteuid() == 0) failure.message += " (the cluster has no quorum)";
  if (place.cluster && failure.code == EIO) failure.message += " (is /var/lib/pve-cluster full?)";
  return failure;
}

}  // namespace

Result<VmPlace> vm_place(const FileSystem& system, const std::string& path) {
  auto real = system.canonical(path);
  if (!real) return real.error();
  VmPlace place{*real, vmid_of_path(*real), real->starts_with(cluster_directory)};
  if (place.vmid == 0) place.vmid = vmid_of_path(path);
  if (!place.cluster) return place;
  if (Status allowed = check_cluster_place(system, place); !allowed) return allowed.error();
  return place;
}

Result<std::string> read_vm_text(const FileSystem& system, const VmPlace& place) {
  constexpr int tries = 10;
  auto text = system.read(place.path);
  for (int i = 1; i < tries && !text && text.error().code == ENOENT && place.cluster && system.root() == "/"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    text = system.read(place.path);
  }
  return text;
}

std::string lock_path(const VmPlace& place) {
  if (place.vmid == 0) return "/var/lock/hostpci.lock";
  return "/var/lock/qemu-server/lock-" + std::to_string(place.vmid) + ".conf";
}

Result<LockedVmFile> LockedVmFile::open(FileSystem& system, const std::string& path, int milliseconds) {
  Result<VmPlace> place = vm_place(system, path);
  if (!place) return place.error();
  // A VM that does not exist gets no lock file.
  if (auto there = read_vm_text(system, *place); !there) return there.error();
  std::string lock_file = lock_path(*place);
  if (Status made = make_lock_directory(system, lock_file); !made) return without_lock(made.error());
  auto lock = system.lock(lock_file, milliseconds);
  if (!lock) return without_lock(lock.error());
  auto text = read_again(system, *place);
  if (!text) return text.error();
  SourcePtr source = make_source(place->path, std::move(*text));
  return LockedVmFile(system, std::move(*place), std::move(source), std::move(*lock));
}

/// A temporary file that is in the way was left by a process that had our number and died.
Status LockedVmFile::create(const std::string& temporary, std::string_view text) {
  auto old = system_->stat(place_.path);
  std::uint32_t mode = old ? old->mode & 07777 : default_mode;
  Status made = Done{};
  for (int i = 0; i < 3; ++i) {
    made = system_->create(temporary, text, mode, true);
    if (made || made.error().code != EEXIST) break;
    if (Status removed = system_->remove(temporary); !removed && removed.error().code != ENOENT) return removed;
  }
  if (!made) return with_hint(made.error(), place_);
  return Done{};
}

/// What stands in the file right before it is replaced must be what was read: not all who write take the lock.
Status LockedVmFile::unchanged() const {
  auto now = read_again(*system_, place_);
  if (!now) return now.error();
  if (*now != source_->text) return changed_meanwhile(place_);
  return Done{};
}

/// After a failed rename the target decides: pmxcfs may have done it, half done it (the target hidden, neither text in
/// its place), or not.
Status LockedVmFile::renamed(const std::string& temporary, std::string_view text) {
  Status done = system_->rename(temporary, place_.path);
  if (done) return done;
  Failure failure = with_hint(done.error(), place_);
  auto now = read_vm_text(*system_, place_);
  if (now && *now == text && *now != source_->text) return Done{};
  if (now) {
    (void)system_->remove(temporary);
    return failure;
  }
  failure.message += "; " + quoted(place_.path) + (now.error().code == ENOENT ? " is gone" : " cannot be read") +
                     " and the new text is kept in " + quoted(temporary);
  return failure;
}

Status LockedVmFile::write(std::string_view text) {
  if (text == source_->text) return Done{};
  std::string temporary = place_.path + ".tmp." + std::to_string(::getpid());
  if (Status made = create(temporary, text); !made) return made;
  if (Status same = unchanged(); !same) {
    (void)system_->remove(temporary);
    return same;
  }
  if (Status done = renamed(temporary, text); !done) return done;
  (void)system_->sync_directory(directory_of(place_.path));
  source_ = make_source(place_.path, std::string(text));
  return Done{};
}

}  // namespace hostpci
