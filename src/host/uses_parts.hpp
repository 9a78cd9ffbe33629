// What disks, networks and consoles below a device carry: the parts of scan_uses that need more than the path.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/parts.hpp"

namespace hostpci {

/// Uses by device. `unknown`: devices with something on them whose role could not be read.
struct UseTable {
  std::set<PciAddress> endpoints;  ///< the host's devices that are known to be no bridges
  std::map<PciAddress, std::vector<Use>> uses;
  std::set<PciAddress> unknown;
};

/// An entry of /sys/class/CLASS with the text of its link.
struct ClassEntry {
  std::string name, target;
};

/// The devices that whatever stands at this path goes with: the last one of the path, and every endpoint above it (Intel
/// VMD has a PCI bus of its own below it).
std::set<PciAddress> carriers(const UseTable&, std::string_view path);
/// Disks, and what is mounted or swapped on them through partitions, LVM, MD, multipath and ZFS.
void find_block_uses(const FileSystem&, const std::vector<ClassEntry>& blocks, UseTable&);
/// Network interfaces, and the bridges, bonds and VLANs above them.
void find_net_uses(const FileSystem&, const std::vector<ClassEntry>& nets, const std::string& node, UseTable&);
/// Consoles beside the framebuffers of graphics drivers: the firmware's framebuffer and serial lines; then which device
/// has the only console.
void find_console_uses(const FileSystem&, const Host&, const std::vector<ClassEntry>& graphics, UseTable&);

}  // namespace hostpci
