// What speaks against an act on a device of the running host, found before anything is written.
#pragma once
#include <cstdint>
#include <vector>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"

namespace hostpci {

/// What is about to happen to a device.
enum class Act : std::uint8_t {
  to_vfio,    ///< it goes to vfio-pci or a variant driver
  to_driver,  ///< it goes to another driver that was named
  release,    ///< it is given up by the driver that has it
  reset,
};

/// With the names of the rules that lint would tell it by. Error: the act is refused. Warning: what the host loses, to be asked
/// about. Info: worth a word. Nothing is lost by a device without a driver or on VFIO's.
std::vector<Diagnostic> objections(const Host&, const Device&, Act);

/// One of them is an error.
bool refuses(const std::vector<Diagnostic>&);

// The parts, for commands whose acts are none of the above. Each adds what it finds.

/// device-is-bridge
void object_to_bridge(const Device&, Sink&);
/// device-pf-has-vfs: they vanish with the driver of their card, and by its reset.
void object_to_functions(const Device&, Sink&);
/// conflict-in-use, by what the running VMs' processes and Proxmox VE's reservations show; of mediated devices too.
void object_to_holder(const Host&, const Device&, Sink&);
/// What the host uses a device for that is on a driver of its own: an error where it is critical (device-boot-controller,
/// device-mgmt-nic, device-only-gpu) or not known of a disk controller, network card or USB controller; else a warning.
void object_to_losses(const Device&, Sink&);
/// device-no-iommu-group
void object_to_missing_group(const Host&, const Device&, Sink&);

}  // namespace hostpci
