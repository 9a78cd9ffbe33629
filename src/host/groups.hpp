// What can be said of an IOMMU group: is it isolated, could VFIO take it now, and what stands in the way.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "host/host.hpp"

namespace hostpci {

/// vfio-pci, or a variant of it (mlx5_vfio_pci, xe-vfio-pci).
bool is_vfio_driver(std::string_view driver);
/// It only keeps a device for VMs: VFIO's drivers and pci-stub.
bool is_keeper(std::string_view driver);

enum class GroupKind : std::uint8_t {
  bridges,   ///< only ports and host bridges: nothing to pass through
  isolated,  ///< one device, or the functions of one card
  shared,    ///< devices that have nothing to do with each other
};
std::string_view name(GroupKind);

struct GroupVerdict {
  GroupKind kind = GroupKind::isolated;
  std::vector<const Device*> endpoints;  ///< what a virtual machine would take
  std::vector<const Device*> blockers;   ///< members on a driver that the kernel does not accept beside VFIO
  std::vector<const Device*> unknown;    ///< members whose driver could not be read
  /// VFIO could hand the group out as it is. Proxmox VE binds the rest of a group itself when a VM starts.
  Fact<bool> viable() const;
};

/// The kernel's rule (vfio, iommu: driver_managed_dma): every member has no driver, a VFIO driver or pci-stub;
/// PCI-to-PCI bridges do not count.
GroupVerdict group_verdict(const Host&, int group);

}  // namespace hostpci
