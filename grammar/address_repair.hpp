// A PCI address written in another's manner, brought into PVE's form where only one reading is possible.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hostpci {

/// "0A:00.0", "1:00.0", "01:00:0", "01.00.0", "pci_0000_01_00_0" (libvirt), "/sys/bus/pci/devices/0000:01:00.0" and
/// "01:00.0 VGA compatible controller" (lspci) as "01:00.0" and the like. Nothing if it is unclear what is meant.
std::optional<std::string> repair_address(std::string_view text);

}  // namespace hostpci
