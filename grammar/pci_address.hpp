// The PCI address: as the kernel names a function, and as Proxmox's host= accepts it.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text/span.hpp"

namespace hostpci {

/// One function: domain:bus:device.function.
struct PciAddress {
  std::uint32_t domain = 0;
  std::uint8_t bus = 0, device = 0, function = 0;
  auto operator<=>(const PciAddress&) const = default;
  /// As in /sys/bus/pci/devices: "0000:01:00.0", lower case, domain of four digits or more.
  std::string str() const;
  /// The slot without the function: "0000:01:00".
  std::string slot() const;
  bool same_slot(const PciAddress& o) const { return domain == o.domain && bus == o.bus && device == o.device; }
};

/// "0000:01:00.0" (any letter case; the domain may be absent), the whole text, function 0-7, device 0-1f.
std::optional<PciAddress> parse_pci_address(std::string_view text);

/// "01:00" or "0000:01:00.1": the address typed by a person; without a function it means the whole slot.
struct AddressPattern {
  PciAddress address;
  bool whole_slot = false;
};
std::optional<AddressPattern> parse_address_pattern(std::string_view text);

}  // namespace hostpci
