// The `map` of a device: all that Proxmox VE compares with the host when a VM starts.
#pragma once
#include <string>

#include "host/host.hpp"
#include "text/result.hpp"

namespace hostpci {

/// "node=pve1,path=0000:01:00,id=10de:1b80,iommugroup=2,subsystem-id=10de:119e"; empty where the ids or the group are not known.
/// Source: pve-guest-common Mapping/PCI.pm (assert_valid).
std::string mapping_entry(const std::string& node, const std::string& path, const Device& first);

/// Of the device or slot ("01:00.0", "0000:01:00") on this host.
Result<std::string> mapping_entry_of(const Host&, const std::string& address);

/// Does it make mediated devices? Proxmox VE wants `mdev` of its mapping then.
bool is_mediated(const Device&);

}  // namespace hostpci
