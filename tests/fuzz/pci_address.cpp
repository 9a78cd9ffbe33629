// Any bytes as a PCI address: what is read is printed and read back; what is repaired is in PVE's form.
#include "grammar/pci_address.hpp"

#include "grammar/address_repair.hpp"
#include "grammar/hostpci.hpp"
#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const auto pattern = parse_address_pattern(text);
  const auto address = parse_pci_address(text);
  if (address) {
    HOLDS(pattern && !pattern->whole_slot && pattern->address == *address);
    HOLDS(parse_pci_address(address->str()) == address);
    HOLDS(address->str().starts_with(address->slot()));
  }
  if (pattern) {
    HOLDS(pattern->whole_slot != address.has_value());
    HOLDS(pattern->address.device <= 0x1f && pattern->address.function <= 7);
  }
  if (const auto repaired = repair_address(text)) {
    HOLDS(parse_hostpci(*repaired).hosts.size() == 1);
    HOLDS(repair_address(*repaired) == repaired);
  }
  return 0;
}
