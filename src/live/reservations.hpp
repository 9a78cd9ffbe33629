// Proxmox VE's reservations of devices, read when they count: a VM that is being started has no process yet.
#pragma once
#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// conflict-in-use, where the file of reservations gives the device to a VM whose QEMU runs, or whose start has not run out of
/// time. `now`: seconds since 1970. Source: qemu-server PCI.pm (reserve_pci_usage): "ADDR VMID pid:PID" or "ADDR VMID time:SECONDS".
void object_to_reservation(const FileSystem&, const Device&, std::int64_t now, Sink&);

}  // namespace hostpci
