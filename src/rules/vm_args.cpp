// Rules about `args`: devices passed behind Proxmox VE's back, properties set on devices that are not there.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/vm_parts.hpp"

namespace hostpci {
namespace {

/// The value of "name=value" in an argument of QEMU, or of "name":"value" in one written as JSON.
std::string_view argument_value(std::string_view text, std::string_view name) {
  for (std::string sign : {"," + std::string(name) + "=", "\"" + std::string(name) + "\":\""}) {
    std::size_t at = text.find(sign);
    if (at == text.npos) continue;
    text.remove_prefix(at + sign.size());
    return text.substr(0, text.find_first_of(",\"}"));
  }
  return {};
}

/// A `-device` that takes a host device.
bool is_vfio_device(const QemuWord& word) {
  bool driver = word.text.substr(0, 9) == "vfio-pci," || word.text.substr(0, 19) == "vfio-pci-nohotplug," ||
                argument_value(word.text, "driver") == "vfio-pci";
  return driver && (!argument_value(word.text, "host").empty() || !argument_value(word.text, "sysfsdev").empty());
}

/// The device of a host= in any of the forms QEMU takes.
const Device* device_of(const Facts& facts, const VmFacts& vm, const QemuWord& word) {
  auto address = parse_pci_address(argument_value(word.text, "host"));
  return address && !vm.foreign ? facts.device(*address) : nullptr;
}

void check_vfio(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  for (const QemuWord& word : argument_values(vm, "device")) {
    if (!is_vfio_device(word)) continue;
    Diagnostic& d = out.at_key("args", "`args` passes a device that Proxmox VE knows nothing of");
    d.place.span = word.span;
    if (const Device* device = device_of(facts, vm, word))
      d.labels.push_back({Place(device_path(device->address)), "`" + describe(*device) + "`, " + driver_text(*device)});
    d.notes.push_back("it is neither bound to vfio-pci nor reserved, and neither migration nor start timeouts heed it");
    d.help.push_back("write a `hostpci` line; for what it does not offer use `-set device.hostpciN.NAME=VALUE`");
  }
}

constexpr std::string_view set_prefix = "device.hostpci";

/// "hostpci0" of "device.hostpci0.x-msix-relocation=bar2"; empty if it is about another device.
std::string target(const QemuWord& word) {
  if (word.text.substr(0, set_prefix.size()) != set_prefix) return {};
  std::string id = word.text.substr(7, word.text.find('.', 7) - 7);
  bool number = id.size() > 7 && id.find_first_not_of("0123456789", 7) == id.npos;
  return number ? id : std::string();
}

const Assignment* line_of(const VmFacts& vm, const std::string& key) {
  for (const Assignment& a : vm.assignments)
    if (a.key() == key) return &a;
  return nullptr;
}

void check_set(const Facts&, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  for (const QemuWord& word : argument_values(vm, "set")) {
    std::string id = target(word);
    const Assignment* a = id.empty() ? nullptr : line_of(vm, id);
    if (id.empty() || (a && (!a->resolved.multifunction() || a->is_mdev()))) continue;
    Diagnostic& d = out.at_key("args", a ? "`-set` cannot reach the functions of `" + id + "`"
                                         : "`-set` names `" + id + "`, and there is no such line");
    d.place.span = word.span;
    d.notes.push_back("QEMU ends with: there is no device \"" + id + "\" defined");
    if (!a) continue;
    d.labels.push_back({Findings::place(*a), "several functions, called " + id + ".0, " + id + ".1 and so on"});
    d.help.push_back("give the function a line of its own: `-set` takes no name with a point in it");
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-args-vfio",
        .severity = Severity::warning,
        .summary = "`args` passes a host device by itself",
        .why = "Proxmox VE does not see it: no binding to vfio-pci, no reservation against other VMs, no check for an "
               "IOMMU, a short start timeout, migrations that fail.",
        .bad = "args: -device vfio-pci,host=01:00.0",
        .good = "args: -set device.hostpci0.x-pci-device-id=0x1b81\nhostpci0: 0000:01:00.0",
        .fix = "Write a hostpci line, with -set for properties that it does not offer.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm, Helpers.pm (config_aware_timeout)",
        .vm = check_vfio,
    },
    {
        .id = "vm-args-set-dangling",
        .severity = Severity::error,
        .summary = "`-set` in `args` names a hostpci device that QEMU does not have",
        .why = "QEMU ends when the device is not there. A line with several functions makes hostpciN.0, hostpciN.1 and "
               "so on, which -set cannot name: it cuts its argument at the points.",
        .bad = "args: -set device.hostpci1.x-igd-opregion=on\nhostpci0: 0000:00:02.0",
        .good = "args: -set device.hostpci0.x-igd-opregion=on\nhostpci0: 0000:00:02.0",
        .fix = "Correct the number; give the function a line of its own.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (print_hostpci_devices); QEMU system/vl.c (qemu_set_option)",
        .vm = check_set,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_args_rules = rules;

}  // namespace hostpci
