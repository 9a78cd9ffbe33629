// Which running VM has which device now: by its process and by Proxmox VE's reservations.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "host/host.hpp"

namespace hostpci {

struct Holder {
  std::uint32_t vmid = 0;
  std::string evidence;  ///< the path that shows it
};
using Holders = std::map<PciAddress, Holder>;

/// Empty too where the running VMs are not known. A device that was hot-plugged shows in no command line: whoever asks the kernel
/// (/dev/vfio) learns more. Source: qemu-server PCI.pm (reserve_pci_usage).
Holders device_holders(const Host&);

/// Mediated devices by UUID, as the processes were started.
std::map<std::string, Holder> mdev_holders(const Host&);

}  // namespace hostpci
