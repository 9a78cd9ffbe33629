// The PCI address: read with the shared rules, held to what the bus can have, and printed as the kernel prints it.
#include "grammar/pci_address.hpp"

#include <cstdio>

#include "grammar/address_rules.hpp"

namespace hostpci {
namespace {

constexpr unsigned last_device = 0x1f, last_function = 7;

/// The kernel's domains have at most eight digits; anything longer is no address of a device.
bool possible(std::string_view text, const PciAddress& a) {
  const std::size_t longest = std::string_view("ffffffff:ff:1f.7").size();
  return text.size() <= longest && a.device <= last_device && a.function <= last_function;
}

}  // namespace

std::string PciAddress::slot() const {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04x:%02x:%02x", domain, bus, device);
  return buffer;
}

std::string PciAddress::str() const {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%04x:%02x:%02x.%x", domain, bus, device, function);
  return buffer;
}

std::optional<AddressPattern> parse_address_pattern(std::string_view text) {
  AddressPattern result;
  grammar::Text source{text.data()};
  grammar::Iterator first = text.data();
  const grammar::Iterator last = first + text.size();
  if (!grammar::parse(grammar::address_pattern, source, first, last, result) || first != last) return std::nullopt;
  if (!possible(text, result.address)) return std::nullopt;
  return result;
}

std::optional<PciAddress> parse_pci_address(std::string_view text) {
  const std::optional<AddressPattern> pattern = parse_address_pattern(text);
  if (!pattern || pattern->whole_slot) return std::nullopt;
  return pattern->address;
}

}  // namespace hostpci
