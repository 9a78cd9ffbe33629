// The rules of a PCI address, shared by the grammars that hold one.
#pragma once
#include "grammar/kit.hpp"
#include "grammar/pci_address.hpp"

namespace hostpci::grammar {

inline const x3::rule<struct address_slot_tag, PciAddress> address_slot = "PCI address (such as 0000:01:00.0 or 01:00)";
inline const x3::rule<struct address_function_tag, PciAddress> address_function = "function number (0-7)";
/// [domain:]bus:device[.function] in hex digits of either case; a domain has four digits or more.
inline const x3::rule<struct address_pattern_tag, AddressPattern> address_pattern =
    "PCI address (such as 0000:01:00.0 or 01:00)";

inline const auto address_slot_def =
    node[-(into<&PciAddress::domain>[hex<std::uint32_t, 4, 0>] >> ':') >>
         into<&PciAddress::bus>[hex<std::uint8_t, 2, 2>] >> ':' >> into<&PciAddress::device>[hex<std::uint8_t, 2, 2>]];
inline const auto address_function_def = node['.' >> into<&PciAddress::function>[hex<std::uint8_t, 1, 1>]];
inline const auto address_pattern_def =
    node[into<&AddressPattern::address>[address_slot] >>
         (into<&AddressPattern::address>[address_function] | into<&AddressPattern::whole_slot>[x3::attr(true)])];
BOOST_SPIRIT_DEFINE(address_slot, address_function, address_pattern)

}  // namespace hostpci::grammar
