// The <domain> around a VM's <hostdev> elements: the guest's name, size, machine, firmware and PCI buses.
#include "export/libvirt_domain.hpp"

#include "config/machine.hpp"
#include "export/libvirt_parts.hpp"
#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// "pc-q35-8.1+pve0" -> "pc-q35-8.1"; PVE's default where the VM names none.
std::string machine_type(const Vm& vm, const Guest& guest) {
  std::string_view type = machine(vm).type;
  if (type.empty()) return guest.virt ? "virt" : "pc";
  return std::string(type.substr(0, type.find('+')));
}

std::uint64_t number_of(const Vm& vm, std::string_view key) { return number(vm.text(key)).value_or(1); }

void add_size(pugi::xml_node domain, const Vm& vm) {
  set(add(domain, "memory", std::to_string(memory_mib(vm))), "unit", "MiB");
  std::uint64_t processors = number_of(vm, "cores") * number_of(vm, "sockets");
  add(domain, "vcpu", std::to_string(vm.text("vcpus").empty() ? processors : number_of(vm, "vcpus")));
}

void add_os(pugi::xml_node domain, const Vm& vm, const Guest& guest) {
  pugi::xml_node os = add(domain, "os");
  if (guest.ovmf) set(os, "firmware", "efi");
  pugi::xml_node type = add(os, "type", "hvm");
  set(type, "arch", guest.virt ? "aarch64" : architecture(vm));
  set(type, "machine", machine_type(vm, guest));
}

/// `cpu: host,hidden=1`: the processor as it is, the hypervisor hidden from the guest's drivers.
void add_cpu(pugi::xml_node domain, const Vm& vm, const Guest& guest) {
  PropertyString cpu = parse_property_string(vm.text("cpu"));
  const Property *type = cpu.find("cputype", "cputype"), *hidden = cpu.find("hidden");
  pugi::xml_node features = add(domain, "features");
  add(features, "acpi");
  if (!guest.virt) add(features, "apic");
  if (hidden && parse_boolean(hidden->value).value_or(false))
    set(add(add(features, "kvm"), "hidden"), "state", "on");
  if (type && type->value == "host") set(add(domain, "cpu"), "mode", "host-passthrough");
}

}  // namespace

pugi::xml_node add_domain(pugi::xml_node document, const Vm& vm, const Guest& guest,
                          const std::vector<ResolvedLine>& lines) {
  pugi::xml_node domain = add(document, "domain");
  set(domain, "type", "kvm");
  add_comment(domain, "disks, network cards and displays of " + vm_label(vm) + " are not in here");
  add(domain, "name", vm.text("name").empty() ? "vm-" + std::to_string(vm.vmid) : std::string(vm.text("name")));
  add_size(domain, vm);
  add_os(domain, vm, guest);
  add_cpu(domain, vm, guest);
  pugi::xml_node devices = add(domain, "devices");
  for (const ResolvedLine& line : lines) add_controllers(devices, guest_slot(line.line, guest).bus, guest);
  if (vm.text("balloon") == "0") set(add(devices, "memballoon"), "model", "none");
  return devices;
}

}  // namespace hostpci
