// Which VMs of the cluster name a mapping, at the next start or in a snapshot they may go back to.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "system/file_system.hpp"

namespace hostpci {

struct MappingUser {
  std::uint32_t vmid = 0;
  std::string node;  ///< that has the VM; "" if it is not known
  std::string key;   ///< "hostpci0"
  std::string text() const;  ///< "VM 100 (hostpci0 on node pve1)"
};

/// By node and VMID, each line once. `own_node` has the VMs of /etc/pve/qemu-server. A file that cannot be read is a Failure: it may be one.
Result<std::vector<MappingUser>> mapping_users(const FileSystem&, const std::string& id, const std::string& own_node);

}  // namespace hostpci
