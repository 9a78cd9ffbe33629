// What the files that write libvirt's XML share: attributes, addresses, comments, and the guest's buses by number.
#pragma once
#include <cstdint>
#include <pugixml.hpp>
#include <string>

#include "export/guest_slot.hpp"

namespace hostpci {

/// 0x01: at least that many digits.
std::string hex(std::uint32_t value, int digits);
/// Text of any bytes as XML may hold it.
void set(pugi::xml_node, const char* attribute, std::string_view text);
pugi::xml_node add(pugi::xml_node parent, const char* element, std::string_view text = {});
void add_comment(pugi::xml_node parent, std::string_view text);

/// A place in the guest: libvirt numbers the buses by their controllers.
struct LibvirtPlace {
  int bus = 0, slot = 0, function = 0;
  bool multifunction = false;
};
/// <address type='pci' …/>.
void add_guest_address(pugi::xml_node device, const LibvirtPlace&);

/// The controller that is PVE's bus of that name: the root bus is 0, root port N is N, the bridges follow; -1: none.
int bus_number(std::string_view bus, const Guest&);
/// The <controller> elements for a bus that is not the root's, and for those above it; each once.
void add_controllers(pugi::xml_node devices, std::string_view bus, const Guest&);

}  // namespace hostpci
