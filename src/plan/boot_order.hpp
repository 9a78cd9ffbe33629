// Who gets a device at the next boot: vfio-pci, or a driver of the host.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "plan/workspace.hpp"

namespace hostpci {

/// Functions that the wanted VMs take from their drivers; those that exist, bridges left out.
std::set<PciAddress> wanted_functions(Workspace&);
/// The same, and all that leaves the host with them (rules/setup_ids.hpp, goes_along()).
std::set<PciAddress> leaving_functions(Workspace&);
/// An id of the `ids=` in effect means the device.
bool bound_by_id(const Facts&, const Device&);
/// Modules that may take the device first, by its driver, else by its vendor and class.
std::vector<std::string> rivals(const Device&);
/// Something holds the module back until vfio-pci has taken its devices. That /etc/initramfs-tools/modules lists vfio-pci
/// does not: udev loads the drivers that the initramfs has before anything listed there (initramfs-tools, init).
bool vfio_comes_first(const Facts&, const std::string& module);
/// Devices on a driver of the host that vfio-pci takes at the next boot, by id and before that driver.
std::set<PciAddress> taken_at_boot(const Facts&);

}  // namespace hostpci
