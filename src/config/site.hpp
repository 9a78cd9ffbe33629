// All VM configurations of a node or a cluster: found by VMID, path or directory, read once.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config/vm.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// Where a VM's file stands: /etc/pve/qemu-server/VMID.conf (the own node's; a link into nodes/NODE on a real node).
std::string vm_path(std::uint32_t vmid);
/// A VM as the user names it: VMID -> vm_path; anything with '/' or ending in .conf -> that path, made absolute against
/// `working_directory` unless --root is in use.
Result<std::string> vm_file(const FileSystem&, std::string_view name);

/// Paths of all VM files of this node (VMID.conf, in numeric order); a directory gives those in it. A directory that
/// does not exist has none (code ENOENT), one that cannot be read is a Failure.
Result<std::vector<std::string>> list_vms(const FileSystem&, const std::string& directory = "/etc/pve/qemu-server");

/// Why a VM's file is not there: on which other node the VM is, or which VMID may have been meant.
Failure no_such_vm(const FileSystem&, const std::string& path);

/// The own node's name: the link /etc/pve/local (nodes/NAME), else /etc/hostname, else "".
std::string node_name(const FileSystem&);

}  // namespace hostpci
