// The locks of a transaction, taken in one order within one time: the host's (ours), the VMs' ascending, the cluster's last.
// Source: pve-guest-common AbstractConfig.pm (lock_config), pve-cluster Cluster.pm (cfs_lock).
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// One time for all locks together, as long as PVE waits for one.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(int milliseconds = 10000) : end_(Clock::now() + std::chrono::milliseconds(milliseconds)) {}
  /// Milliseconds; 0 when it is over.
  int left() const;

 private:
  Clock::time_point end_;
};

/// Which of Proxmox VE's locks a transaction needs.
struct PveScope {
  std::set<std::uint32_t> vmids;
  bool mapping = false;  ///< /etc/pve/mapping/pci.cfg
};

/// The one file below /etc/pve that is written under the cluster's lock.
inline constexpr const char* mapping_path = "/etc/pve/mapping/pci.cfg";

/// /run/lock/hostpci.lock: one writer of ours at a time, to the end of its refresh commands. Who holds it may take what it finds
/// half done for left by someone who died. Refused: a link, or a file of another user, who could hold us up for ever.
Result<std::unique_ptr<FileLock>> lock_host(FileSystem&, const Deadline&);

/// The cluster's lock of pci.cfg: a directory that pmxcfs lets one node make. Removed with this object.
class ClusterLock {
 public:
  static Result<std::unique_ptr<ClusterLock>> take(FileSystem&, const Deadline&);
  ~ClusterLock();
  ClusterLock(const ClusterLock&) = delete;
  ClusterLock& operator=(const ClusterLock&) = delete;
  /// To be asked right before the file is written: refuses when the lock is so old that another node may soon take it, and tells
  /// pmxcfs that its owner lives.
  Status keep();

 private:
  explicit ClusterLock(FileSystem& system) : system_(system) {}
  FileSystem& system_;
  Deadline::Clock::time_point taken_ = Deadline::Clock::now(), told_ = taken_;
};

/// Where no pmxcfs runs (below --root) a lock directory does not expire. Whoever holds the host's lock removes the one that a
/// process of ours left when it died.
Status drop_stale_cluster_lock(FileSystem&);
bool has_stale_cluster_lock(const FileSystem&);

/// Proxmox VE's locks, released with this object.
class PveLocks {
 public:
  static Result<PveLocks> take(FileSystem&, PveScope, const Deadline&);
  bool cover(const PveScope&) const;
  /// As ClusterLock::keep().
  Status keep() { return cluster_ ? cluster_->keep() : Status(Done{}); }

 private:
  PveScope scope_;
  std::vector<std::unique_ptr<FileLock>> vms_;
  std::unique_ptr<ClusterLock> cluster_;  // released first
};

}  // namespace hostpci
