// Where PVE puts a hostpci line in the guest.
// Source: qemu-server PCI.pm (print_pci_addr, print_pcie_addr).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "rules/resolve.hpp"

namespace hostpci {

/// What of a VM as a whole decides its devices' places.
struct Guest {
  std::uint32_t vmid = 0;
  bool ovmf = false, windows7 = false, q35 = false, virt = false;
  std::vector<std::string_view> boot_order;
};
/// The host's architecture counts where the VM names none.
Guest guest(const Vm&, const Host&);

struct GuestSlot {
  std::string bus;  ///< PVE's name: "pci.0", "pci.2", "pcie.0", "ich9-pcie-port-1"
  int slot = 0;
};
GuestSlot guest_slot(const HostpciLine&, const Guest&);

/// The root port that PVE makes for a line. Ports 1-4 are always there (1c.0-1c.3); the others are made on demand.
struct RootPort {
  int number = 0;  ///< also its chassis
  int slot = 0, function = 0;
  bool on_demand() const { return number > 4; }
};
RootPort root_port(int index);

/// Place of `key` in `boot: order=`, from 0; -1: not there.
int boot_place(const Guest&, std::string_view key);

}  // namespace hostpci
