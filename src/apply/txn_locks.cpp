// The order keeps us and PVE from waiting for each other: PVE, too, takes a VM's lock before the cluster's.
#include "apply/txn_locks.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <thread>

#include "apply/vm_place.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* host_lock_directory = "/run/lock";
constexpr const char* pve_lock_base = "/var/lock";
constexpr const char* cluster_lock_directory = "/etc/pve/priv/lock";
constexpr const char* cluster_lock_path = "/etc/pve/priv/lock/file-mapping_pci_cfg";
constexpr seconds work_time(60);   // PVE gives its own work so long (alarm(60)); pmxcfs lets the lock be taken after 120
constexpr seconds refresh_time(30);

std::string directory_of(const std::string& path) { return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)); }

/// The directory of lock files, which is empty after a boot. On a disk that is not booted the link /var/lock -> /run/lock
/// leads to nothing yet.
Status make_lock_directory(FileSystem& system, const std::string& directory) {
  if (system.stat(directory)) return Done{};
  if (auto base = system.canonical(pve_lock_base))
    if (Status made = system.make_directory(*base); !made) return made;
  return system.make_directory(directory);
}

/// Root shares one with all others who change a root; someone else on a live system, who cannot open root's, has one of his own.
std::string host_lock_path(const FileSystem& system) {
  bool own = system.root() == "/" && ::geteuid() != 0;
  return std::string(host_lock_directory) + (own ? "/hostpci-" + std::to_string(::geteuid()) + ".lock" : "/hostpci.lock");
}

Failure without_lock(Failure failure) {
  bool forbidden = failure.code == EACCES || failure.code == EPERM;
  if (forbidden && ::geteuid() != 0) failure.message += "; a change needs Proxmox VE's lock, which root can take";
  return failure;
}

/// Anyone may put something into /run/lock. A link would have us open what it names; a lock of another user would stop us for as
/// long as that user likes.
Status check_host_lock(const FileSystem& system, const std::string& path) {
  auto there = system.stat(path, false);
  if (!there) return there.error().code == ENOENT ? Status(Done{}) : Status(there.error());
  std::string name = "`" + path + "`";
  if (there->kind != FileKind::regular) return Failure{name + " is no regular file: remove it", EPERM};
  if (there->uid != ::geteuid() && there->uid != 0)
    return Failure{name + " belongs to user " + std::to_string(there->uid) + ": remove it", EPERM};
  return Done{};
}

/// pmxcfs, which drops a lock that nobody refreshes, shows its version in this file. A copy of /etc/pve below --root is no pmxcfs.
bool pmxcfs_runs(const FileSystem& system) {
  std::string root = system.root();
  return (root == "/" || root.empty()) && system.stat("/etc/pve/.version").has_value();
}

/// Tried again so often that a writer who lets a lock go for a moment between two changes cannot keep others out.
Result<std::unique_ptr<FileLock>> lock_in_time(FileSystem& system, const std::string& path, const Deadline& deadline) {
  while (true) {
    auto lock = system.lock(path, 0);
    if (lock || lock.error().code != ETIMEDOUT || deadline.left() == 0) return lock;
    std::this_thread::sleep_for(milliseconds(1));
  }
}

Failure cluster_lock_held(int code) {
  return {"the cluster's lock of `" + std::string(mapping_path) +
              "` is held by someone else (a lock that was left behind goes after two minutes)",
          code};
}

}  // namespace

int Deadline::left() const {
  auto left = std::chrono::duration_cast<milliseconds>(end_ - Clock::now()).count();
  return int(std::max<long long>(left, 0));
}

Result<std::unique_ptr<FileLock>> lock_host(FileSystem& system, const Deadline& deadline) {
  if (Status made = make_lock_directory(system, host_lock_directory); !made) return made.error();
  std::string path = host_lock_path(system);
  if (Status fit = check_host_lock(system, path); !fit) return fit.error();
  auto lock = lock_in_time(system, path, deadline);
  if (!lock && lock.error().code == ETIMEDOUT) return Failure{lock.error().message + " (another hostpci is at work)", ETIMEDOUT};
  if (!lock) return without_lock(lock.error());
  if (Status fit = check_host_lock(system, path); !fit) return fit.error();
  return lock;
}

/// A lock that exists may be one that nobody holds any more: times of 0 ask pmxcfs to drop it if it has expired, and refuse else.
Result<std::unique_ptr<ClusterLock>> ClusterLock::take(FileSystem& system, const Deadline& deadline) {
  if (Status allowed = cluster_writable(system); !allowed) return allowed.error();
  if (Status made = system.make_directory(cluster_lock_directory); !made) return made.error();
  if (!pmxcfs_runs(system))
    if (Status dropped = drop_stale_cluster_lock(system); !dropped) return dropped.error();
  while (true) {
    Status made = system.make_one_directory(cluster_lock_path);
    if (made) return std::unique_ptr<ClusterLock>(new ClusterLock(system));
    if (made.error().code != EEXIST) return made.error();
    (void)system.touch(cluster_lock_path, 0);
    int left = deadline.left();
    if (left == 0) return cluster_lock_held(ETIMEDOUT);
    std::this_thread::sleep_for(milliseconds(std::min(left, 1000)));
  }
}

ClusterLock::~ClusterLock() { (void)system_.remove_directory(cluster_lock_path); }

Status ClusterLock::keep() {
  auto now = Deadline::Clock::now();
  if (now - taken_ > work_time) return Failure{"the cluster's lock was held too long; another node may take it", ETIMEDOUT};
  if (now - told_ < refresh_time) return Done{};
  told_ = now;
  return system_.touch(cluster_lock_path, std::int64_t(std::time(nullptr)));
}

bool has_stale_cluster_lock(const FileSystem& system) { return system.stat(cluster_lock_path, false) && !pmxcfs_runs(system); }

Status drop_stale_cluster_lock(FileSystem& system) {
  if (!has_stale_cluster_lock(system)) return Done{};
  Status removed = system.remove_directory(cluster_lock_path);
  return removed || removed.error().code == ENOENT ? Status(Done{}) : removed;
}

Result<PveLocks> PveLocks::take(FileSystem& system, PveScope scope, const Deadline& deadline) {
  PveLocks locks;
  for (std::uint32_t vmid : scope.vmids) {
    std::string path = lock_path(vmid);
    if (Status made = make_lock_directory(system, directory_of(path)); !made) return without_lock(made.error());
    auto lock = lock_in_time(system, path, deadline);
    if (!lock) return without_lock(lock.error());
    locks.vms_.push_back(std::move(*lock));
  }
  if (scope.mapping) {
    auto cluster = ClusterLock::take(system, deadline);
    if (!cluster) return cluster.error();
    locks.cluster_ = std::move(*cluster);
  }
  locks.scope_ = std::move(scope);
  return locks;
}

bool PveLocks::cover(const PveScope& needed) const {
  bool all = std::includes(scope_.vmids.begin(), scope_.vmids.end(), needed.vmids.begin(), needed.vmids.end());
  return all && (scope_.mapping || !needed.mapping);
}

}  // namespace hostpci
