// What the files that write libvirt's XML share: attributes, addresses, comments, and the guest's buses by number.
#include "export/libvirt_parts.hpp"

#include <cstdio>

#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Above the sixteen root ports. Source: PVE's pve-q35-4.0.cfg (pcidmi, pci.0, pci.1, pci.2).
constexpr int dmi_bridge = 17, first_bridge = 18;
constexpr std::string_view port_prefix = "ich9-pcie-port-";

bool has_controller(pugi::xml_node devices, int index) {
  return devices.find_child_by_attribute("controller", "index", std::to_string(index).c_str());
}

pugi::xml_node add_controller(pugi::xml_node devices, int index, const char* model) {
  pugi::xml_node controller = add(devices, "controller");
  set(controller, "type", "pci");
  set(controller, "index", std::to_string(index));
  set(controller, "model", model);
  return controller;
}

void add_port(pugi::xml_node devices, int number) {
  RootPort port = root_port(number - 1);
  pugi::xml_node controller = add_controller(devices, number, "pcie-root-port"), target = add(controller, "target");
  set(target, "chassis", std::to_string(number));
  set(target, "port", hex(std::uint32_t(number), 1));
  add_guest_address(controller, {0, port.slot, port.function, true});
}

void add_bridge(pugi::xml_node devices, int index, int chassis, LibvirtPlace place) {
  pugi::xml_node controller = add_controller(devices, index, "pci-bridge");
  set(add(controller, "target"), "chassisNr", std::to_string(chassis));
  add_guest_address(controller, place);
}

}  // namespace

std::string hex(std::uint32_t value, int digits) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%0*x", digits, value);
  return text;
}

void set(pugi::xml_node node, const char* attribute, std::string_view text) {
  node.append_attribute(attribute).set_value(xml_text(text).c_str());
}

pugi::xml_node add(pugi::xml_node parent, const char* element, std::string_view text) {
  pugi::xml_node node = parent.append_child(element);
  if (!text.empty()) node.text().set(xml_text(text).c_str());
  return node;
}

void add_comment(pugi::xml_node parent, std::string_view text) {
  parent.append_child(pugi::node_comment).set_value((" " + xml_text(text) + " ").c_str());
}

void add_guest_address(pugi::xml_node device, const LibvirtPlace& place) {
  pugi::xml_node address = add(device, "address");
  set(address, "type", "pci");
  set(address, "domain", "0x0000");
  set(address, "bus", hex(std::uint32_t(place.bus), 2));
  set(address, "slot", hex(std::uint32_t(place.slot), 2));
  set(address, "function", hex(std::uint32_t(place.function), 1));
  if (place.multifunction) set(address, "multifunction", "on");
}

int bus_number(std::string_view bus, const Guest& guest) {
  if (bus.starts_with(port_prefix)) return int(number(bus.substr(port_prefix.size())).value_or(0));
  if (bus == (guest.q35 || guest.virt ? "pcie.0" : "pci.0")) return 0;
  if (guest.virt || !bus.starts_with("pci.")) return -1;
  int bridge = int(number(bus.substr(4)).value_or(0));
  return guest.q35 ? first_bridge + bridge : bridge;
}

void add_controllers(pugi::xml_node devices, std::string_view bus, const Guest& guest) {
  int index = bus_number(bus, guest);
  if (!has_controller(devices, 0)) add_controller(devices, 0, guest.q35 || guest.virt ? "pcie-root" : "pci-root");
  if (index <= 0 || has_controller(devices, index)) return;
  if (bus.starts_with(port_prefix)) return add_port(devices, index);
  if (!guest.q35) return add_bridge(devices, index, index, {0, 0x1d + index});
  if (!has_controller(devices, dmi_bridge))
    add_guest_address(add_controller(devices, dmi_bridge, "dmi-to-pci-bridge"), {0, 0x1e});
  add_bridge(devices, index, index - dmi_bridge, {dmi_bridge, index - dmi_bridge});
}

}  // namespace hostpci
