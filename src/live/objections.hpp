// What speaks against an act on a device of the running host, found before anything is written.
#pragma once
#include <cstdint>
#include <vector>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// What is about to happen to a device.
enum class Act : std::uint8_t {
  to_vfio,    ///< it goes to vfio-pci or a variant driver
  to_driver,  ///< it goes to another driver that was named
  release,    ///< it is given up by the driver that has it
  reset,
};

/// With the names of the rules that lint would tell it by. Error: the act is refused. Warning: what the host loses, to be asked
/// about. Info: worth a word. Nothing is lost by a device on VFIO's, and by one without a driver only what is known to hang on it.
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
/// What the host uses a device for that VFIO does not have, one for each use in their order: an error where it is critical (device-boot-controller,
/// device-mgmt-nic, device-only-gpu) or not known of a disk controller, network card or USB controller; else a warning. A network
/// card without an interface is an error too: another network namespace has it.
void object_to_losses(const Device&, Sink&);
/// device-mgmt-nic: the card carries a network, and of all networks of the host none is known as the one that it is reached through.
/// `system`: the running host's, which is read as a whole; null: a snapshot, and `host` is the whole.
void object_to_unknown_network(const Host&, const FileSystem* system, const Device&, Sink&);
/// IFF_UP; unknown where the interface does not show it.
Fact<bool> interface_is_up(const FileSystem&, const std::string& name);
/// device-no-iommu-group
void object_to_missing_group(const Host&, const Device&, Sink&);

}  // namespace hostpci
