// Where a VM's file stands, who may change it, and how it is read although pmxcfs may be replacing it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "system/file_system.hpp"
#include "text/result.hpp"

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
std::string lock_path(std::uint32_t vmid);

/// Is the path below /etc/pve?
bool in_cluster(std::string_view path);

/// A Failure: nothing below /etc/pve can be written now, for it is not mounted, or the cluster has no quorum.
Status cluster_writable(const FileSystem&);

/// The text as it is now, nothing if there is no file. A Failure: it cannot be read, or a link stands in its way.
Result<std::optional<std::string>> read_target(const FileSystem&, const std::string& path);

}  // namespace hostpci
