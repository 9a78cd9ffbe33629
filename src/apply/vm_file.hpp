// A VM's file under PVE's own lock: read, and written as PVE writes it.
// Source: pve-common File.pm (file_set_contents), pve-guest-common AbstractConfig.pm (lock_config), pve-cluster
// Cluster.pm.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "system/file_system.hpp"
#include "text/result.hpp"
#include "text/source.hpp"

namespace hostpci {

/// Where a configuration really stands, all links resolved.
struct VmPlace {
  std::string path;
  std::uint32_t vmid = 0;  ///< 0: a file outside /etc/pve that is not named VMID.conf, nor is a link to it
  bool cluster = false;    ///< below /etc/pve
};

/// Resolves the path. Refused: below /etc/pve anything but nodes/NODE/qemu-server/VMID.conf (or qemu-server/VMID.conf
/// where that is no link), a file of another node, a cluster without quorum or not mounted.
Result<VmPlace> vm_place(const FileSystem&, const std::string& path);

/// The file's text. Where pmxcfs replaces a file that someone has open, it is absent for a moment: such a read is tried
/// again.
Result<std::string> read_vm_text(const FileSystem&, const VmPlace&);

/// PVE's lock file of a VM: /var/lock/qemu-server/lock-VMID.conf.
std::string lock_path(const VmPlace&);

/// A VM's file, locked from open() until the end of the object's life.
class LockedVmFile {
 public:
  /// Waits for the lock as long as PVE does: 10 s.
  static Result<LockedVmFile> open(FileSystem&, const std::string& path, int milliseconds = 10000);

  const VmPlace& place() const { return place_; }
  /// As it was read under the lock. Its path is the real one.
  const SourcePtr& source() const { return source_; }

  /// Puts `text` in the file's place: FILE.tmp.PID, rename. On a failure the file has its old text, unless the message
  /// says otherwise. Refused if the file is not the one that was read.
  Status write(std::string_view text);

 private:
  LockedVmFile(FileSystem& system, VmPlace place, SourcePtr source, std::unique_ptr<FileLock> lock)
      : system_(&system), place_(std::move(place)), source_(std::move(source)), lock_(std::move(lock)) {}
  Status create(const std::string& temporary, std::string_view text);
  Status unchanged() const;
  Status renamed(const std::string& temporary, std::string_view text);

  FileSystem* system_;
  VmPlace place_;
  SourcePtr source_;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace hostpci
