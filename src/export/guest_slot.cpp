// Where PVE puts a hostpci line in the guest.
#include "export/guest_slot.hpp"

#include "config/machine.hpp"

namespace hostpci {
namespace {

/// Slot of hostpciN on the conventional buses: 0-3 on pci.0, the others on pci.2.
GuestSlot conventional_slot(int index, const Guest& guest) {
  constexpr int on_first_bus[] = {0x10, 0x11, 0x1b, 0x1c};
  if (index > 3) return {"pci.2", 0xd + index - 4};
  return {guest.virt ? "pcie.0" : "pci.0", on_first_bus[index]};
}

/// Windows 7 wants PCIe devices on the root bus itself.
GuestSlot root_bus_slot(int index) {
  return {"pcie.0", index < 4 ? 0x10 + index : index < 11 ? 0x9 + index - 4 : 0x15 + index - 11};
}

}  // namespace

Guest guest(const Vm& vm, const Host& host) {
  bool arm = vm.text("arch").empty() ? host.architecture == "arm64" : architecture(vm) == "aarch64";
  Machine type = machine(vm);
  return {vm.vmid, is_ovmf(vm), vm.text("ostype") == "win7", type.q35,
          arm && (type.type.empty() || type.type.substr(0, 4) == "virt"), boot_order(vm)};
}

GuestSlot guest_slot(const HostpciLine& line, const Guest& guest) {
  if (line.parsed.flag(HostpciKey::pcie))
    return guest.windows7 ? root_bus_slot(line.index)
                          : GuestSlot{"ich9-pcie-port-" + std::to_string(root_port(line.index).number), 0};
  if (line.parsed.flag(HostpciKey::legacy_igd)) return {guest.virt ? "pcie.0" : "pci.0", 2};
  return conventional_slot(line.index, guest);
}

RootPort root_port(int index) {
  int number = index + 1;
  if (index < 4) return {number, 0x1c, index};
  return index < 12 ? RootPort{number, 0x10, index - 4} : RootPort{number, 0x11, index - 12};
}

int boot_place(const Guest& guest, std::string_view key) {
  for (std::size_t i = guest.boot_order.size(); i-- > 0;)
    if (guest.boot_order[i] == key) return int(i);
  return -1;
}

}  // namespace hostpci
