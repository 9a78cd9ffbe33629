// A VM's hostpci lines as libvirt's <hostdev> elements.
#include "export/libvirt.hpp"

#include "config/machine.hpp"
#include "export/libvirt_domain.hpp"
#include "export/libvirt_parts.hpp"
#include "rules/mdev_uuid.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

struct Writer {
  const Guest& guest;
  LibvirtForm form;
  std::vector<std::string>& notes;

  void add_line(pugi::xml_node devices, const ResolvedLine& line) const;

 private:
  void add_function(pugi::xml_node devices, const ResolvedLine& line, std::size_t function) const;
  void add_source(pugi::xml_node device, const ResolvedLine& line, std::size_t function) const;
  void add_rom(pugi::xml_node device, const Hostpci& parsed) const;
  void add_place(pugi::xml_node device, const ResolvedLine& line, std::size_t function) const;
  void note_losses(pugi::xml_node device, const ResolvedLine& line) const;
  void note_property(pugi::xml_node device, const ResolvedLine& line, HostpciKey key, const std::string& why) const;
  void note(pugi::xml_node device, const ResolvedLine& line, const std::string& text) const;
  bool keeps(int bus) const;
};

/// Without the domain's controllers: buses that libvirt adds root ports for, far above those that domains have.
constexpr int first_free_bus = 0x10;

/// Root bus and i440fx's bridges are where PVE has them in every domain; what is behind q35's ports is up to the domain.
bool Writer::keeps(int bus) const {
  return form == LibvirtForm::domain || bus == 0 || (bus > 0 && !guest.q35);
}

void Writer::note(pugi::xml_node device, const ResolvedLine& line, const std::string& text) const {
  add_comment(device, text);
  notes.push_back(line.line.key() + ": " + text);
}

void Writer::note_property(pugi::xml_node device, const ResolvedLine& line, HostpciKey key, const std::string& why) const {
  const HostpciProperty* property = line.line.parsed.find(key);
  if (property)
    note(device, line, std::string(name(key)) + "=" + printable(property->value) + ": " + why);
}

/// What of a line libvirt's elements do not say. With OVMF, PVE itself passes no x-vga.
void Writer::note_losses(pugi::xml_node device, const ResolvedLine& line) const {
  const Hostpci& parsed = line.line.parsed;
  if (parsed.flag(HostpciKey::x_vga) && !guest.ovmf)
    note_property(device, line, HostpciKey::x_vga, "libvirt has no element for it; <qemu:override> can set the property `x-vga`");
  if (parsed.flag(HostpciKey::legacy_igd))
    note_property(device, line, HostpciKey::legacy_igd, "libvirt has no element for it; slot 2 makes QEMU assign it so, if the domain has no <video>");
  for (HostpciKey key :
       {HostpciKey::vendor_id, HostpciKey::device_id, HostpciKey::sub_vendor_id, HostpciKey::sub_device_id})
    note_property(device, line, key, "libvirt has no element for it; <qemu:override> can set the property `x-pci-" + std::string(name(key)) + "`");
  if (std::string_view rom = parsed.text(HostpciKey::romfile); xml_text(rom) != rom)
    note_property(device, line, HostpciKey::romfile, "XML cannot hold the name");
  if (line.mapping && line.mapping->live_migration)
    note(device, line, "live-migration-capable: libvirt has no element for it");
  if (line.mdev)
    note_property(device, line, HostpciKey::mdev, "has to be made on " + line.functions.front().str() + " before the start; libvirt does not");
  if (line.nvidia)
    note_property(device, line, HostpciKey::mdev, "has to be written to nvidia/current_vgpu_type before the start; libvirt does not");
}

void Writer::add_source(pugi::xml_node device, const ResolvedLine& line, std::size_t function) const {
  pugi::xml_node address = add(add(device, "source"), "address");
  if (line.mdev) return set(address, "uuid", mdev_uuid(guest.vmid, line.line.index));
  const PciAddress& at = line.functions[function];
  set(address, "domain", hex(at.domain, 4));
  set(address, "bus", hex(at.bus, 2));
  set(address, "slot", hex(at.device, 2));
  set(address, "function", hex(at.function, 1));
}

void Writer::add_rom(pugi::xml_node device, const Hostpci& parsed) const {
  std::string_view file = parsed.text(HostpciKey::romfile);
  bool bar = parsed.flag(HostpciKey::rombar, true), named = !file.empty() && file != "0";
  if (bar && !named) return;
  pugi::xml_node rom = add(device, "rom");
  if (!bar) set(rom, "bar", "off");
  if (named) set(rom, "file", "/usr/share/kvm/" + std::string(file));
}

void Writer::add_place(pugi::xml_node device, const ResolvedLine& line, std::size_t function) const {
  GuestSlot slot = guest_slot(line.line, guest);
  bool several = line.multifunction() && !line.mdev;
  LibvirtPlace place{bus_number(slot.bus, guest), slot.slot, several ? int(function) : 0, several && function == 0};
  if (!keeps(place.bus) && several) place.bus = first_free_bus + line.line.index, place.slot = 0;
  if (several || (place.bus >= 0 && keeps(place.bus))) add_guest_address(device, place);
}

/// A mediated device has no `managed`: libvirt neither makes nor binds it. An alias with a dot would be dropped.
void Writer::add_function(pugi::xml_node devices, const ResolvedLine& line, std::size_t function) const {
  const Hostpci& parsed = line.line.parsed;
  bool bound_elsewhere = line.nvidia || parsed.text(HostpciKey::driver) == "keep";
  pugi::xml_node device = add(devices, "hostdev");
  set(device, "mode", "subsystem");
  set(device, "type", line.mdev ? "mdev" : "pci");
  if (line.mdev) {
    set(device, "model", "vfio-pci");
    set(device, "display", "off");
  } else {
    set(device, "managed", bound_elsewhere ? "no" : "yes");
  }
  if (function == 0) note_losses(device, line);
  add_source(device, line, function);
  int place = boot_place(guest, line.line.key());
  if (place >= 0 && function == 0) set(add(device, "boot"), "order", std::to_string(place + 1));
  if (function == 0) add_rom(device, parsed);
  set(add(device, "alias"), "name", "ua-" + line.line.key() + (function ? "-" + std::to_string(function) : ""));
  add_place(device, line, function);
}

void Writer::add_line(pugi::xml_node devices, const ResolvedLine& line) const {
  std::size_t count = line.mdev ? 1 : line.functions.size();
  for (std::size_t i = 0; i < count; ++i) add_function(devices, line, i);
}

struct StringWriter : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
};

std::string text_of(const pugi::xml_document& document) {
  StringWriter writer;
  document.save(writer, "  ", pugi::format_indent | pugi::format_no_declaration | pugi::format_attribute_single_quote,
                pugi::encoding_utf8);
  return std::move(writer.text);
}

}  // namespace

LibvirtXml libvirt_xml(const Vm& vm, const Host& host, const Mappings& mappings, LibvirtForm form) {
  LibvirtXml result;
  Resolution resolution = resolve(vm, vm.hostpci(), host, mappings);
  result.refusals = std::move(resolution.refusals);
  if (!result.refusals.empty()) return result;
  Guest of = guest(vm, host);
  pugi::xml_document document;
  pugi::xml_node devices = document;
  if (form == LibvirtForm::domain) devices = add_domain(document, vm, of, resolution.lines);
  Writer writer{of, form, result.notes};
  for (const ResolvedLine& line : resolution.lines) writer.add_line(devices, line);
  result.xml = text_of(document);
  return result;
}

}  // namespace hostpci
