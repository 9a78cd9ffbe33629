// Rules about the guest's display: which card shows its desktop, and where the graphics card sits in the guest.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/vm_parts.hpp"

namespace hostpci {
namespace {

/// A whole card that a monitor can be connected to: no 3D controller, no virtual function.
bool drives_monitor(const Device& d) { return d.is_gpu() && !d.is_vf() && !d.has_subclass(0x0302); }

struct Card {
  const Assignment* line = nullptr;
  const Device* device = nullptr;
};

std::vector<Card> cards(const VmFacts& vm) {
  std::vector<Card> found;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (!a.is_mdev() && drives_monitor(*d)) found.push_back({&a, d});
  return found;
}

/// A USB controller that is none of a passed graphics card: somebody sits in front of the guest.
bool has_own_usb(const VmFacts& vm) {
  std::vector<Card> passed = cards(vm);
  auto of_card = [&](const Device& usb) {
    return std::any_of(passed.begin(), passed.end(),
                       [&](const Card& c) { return c.device->address.same_slot(usb.address); });
  };
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (d->has_subclass(0x0c03) && !of_card(*d)) return true;
  return false;
}

void check_not_primary(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::vector<Card> passed = cards(vm);
  if (passed.empty() || is_template(vm.next) || !has_emulated_card(vga_type(vm.next))) return;
  if (any_flag(vm, HostpciKey::x_vga) || any_flag(vm, HostpciKey::legacy_igd)) return;
  if (!is_windows(vm.next) && !has_own_usb(vm)) return;  // for computing and transcoding it is what is wanted
  const Card& card = passed.front();
  Diagnostic& d = at_device(out, facts, *card.line, *card.device,
                            "the emulated display stays the guest's first, not `" + describe(*card.device) + "`");
  if (const VmValue* vga = vm.next.main().find("vga"))
    d.labels.push_back({Place(vm.vm->source, vga->span), "keeps the emulated card"});
  d.notes.push_back("firmware and desktop may appear in the console only, and a monitor at the card stay black");
  d.help.push_back(
      "for a monitor at the card: `x-vga=1` and `vga: none`; for computing or streaming leave it as it is");
}

/// A line that may bring a display, or of which nothing is known.
bool may_show(const Assignment& a) {
  if (a.devices.empty() || a.devices.size() < a.functions().size()) return true;
  return std::any_of(a.devices.begin(), a.devices.end(), [](const Device* d) { return !d->class_code || d->is_gpu(); });
}

bool has_serial_port(const VmFacts& vm) {
  const auto& values = vm.next.main().values;
  return std::any_of(values.begin(), values.end(),
                     [](const auto& value) { return value.first.size() == 7 && value.first.substr(0, 6) == "serial"; });
}

/// Arguments that bring a display or a console of their own.
bool shows_by_arguments(const VmFacts& vm) {
  for (const QemuWord& word : argument_words(vm))
    for (std::string_view sign : {"vga", "VGA", "gpu", "display", "serial", "vnc", "spice", "vfio", "console"})
      if (word.text.find(sign) != word.text.npos) return true;
  return false;
}

void check_no_console(const Facts&, const VmFacts& vm, Findings& out) {
  if (vm.assignments.empty() || is_template(vm.next) || vga_type(vm.next) != "none") return;
  if (std::any_of(vm.assignments.begin(), vm.assignments.end(), may_show)) return;
  if (has_serial_port(vm) || shows_by_arguments(vm)) return;
  Diagnostic& d = out.at_key("vga", "nothing shows what " + vm_label(*vm.vm) +
                                        " does: no emulated card, no graphics device, no serial port");
  d.notes.push_back("the console in the web interface stays empty, and a guest that does not boot gives no sign");
  d.help.push_back("add `serial0: socket` (then `qm terminal " + vm_word(*vm.vm) +
                   "`), or drop the line `vga: none`");
}

bool is_linux(const VmFacts& vm) {
  std::string_view type = vm.next.text("ostype");
  return type == "l26" || type == "l24";
}

/// Some KVM hiding is chosen already, or cannot be seen here.
bool hiding_is_settled(const VmFacts& vm) {
  return property_of(vm, "cpu", "hidden") || replaces_cpu(vm) || cpu_type(vm).substr(0, 7) == "custom-";
}

void check_hides_kvm(const Facts&, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next) || !is_linux(vm) || hiding_is_settled(vm)) return;
  for (const Assignment& a : vm.assignments) {
    if (!a.parsed().flag(HostpciKey::x_vga)) continue;
    if (!a.first || !a.first->id || !drives_monitor(*a.first) || a.first->id->vendor == 0x10de) return;
    Diagnostic& d = out.at(a, HostpciKey::x_vga, "`x-vga` also hides KVM from the guest");
    d.notes.push_back("it is meant for old NVIDIA drivers; a Linux guest goes without KVM's clock and other savings");
    d.fix = fix_property(vm, "set `hidden=0`", "cpu", "hidden", "0", "kvm64,hidden=0", Safety::unsafe);
    return;
  }
}

void check_i440fx(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next) || vm.machine.q35 || !is_ovmf(vm.next) || !is_x86_guest(facts, vm)) return;
  if (any_flag(vm, HostpciKey::legacy_igd)) return;
  for (const Card& card : cards(vm)) {
    if (!card.device->id || is_integrated_gpu(*facts.host, *card.device)) continue;
    Diagnostic& d = at_device(out, facts, *card.line, *card.device,
                              "`" + describe(*card.device) + "` is a plain PCI device to this i440fx guest");
    if (const VmValue* machine = vm.next.main().find("machine"))
      d.labels.push_back({Place(vm.vm->source, machine->span), "not q35"});
    d.notes.push_back("its speed is the same; some drivers want a PCIe device and fail (Code 43)");
    d.help.push_back("for new VMs take `machine: q35` and `pcie=1`; an installed guest sees new hardware");
    return;
  }
}

/// Graphics cards and NVMe drives that sit behind a port of the host: drivers of integrated devices expect no port.
bool wants_pcie(const Device& d) {
  bool integrated = !d.parent && d.address.bus == 0;
  return !d.is_vf() && !integrated && (d.is_gpu() || d.has_subclass(0x0108));
}

/// The line's root port stands by itself: those of hostpci5 and later are functions of another line's slot.
bool has_own_port(int index) { return index <= 4 || index == 12; }

void check_conventional(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next) || !vm.machine.q35 || !is_x86_guest(facts, vm)) return;
  for (const Assignment& a : vm.assignments) {
    if (a.is_mdev() || a.parsed().has(HostpciKey::pcie) || a.parsed().flag(HostpciKey::legacy_igd)) continue;
    auto device = std::find_if(a.devices.begin(), a.devices.end(), [](const Device* d) { return wants_pcie(*d); });
    if (device == a.devices.end()) continue;
    Diagnostic& d = at_device(out, facts, a, **device,
                              "`" + describe(**device) + "` sits on a conventional PCI bus in this q35 guest");
    d.notes.push_back("its speed is the same; some drivers do not start without a PCIe port");
    Span end{a.line().value.span.end, a.line().value.span.end};
    if (has_own_port(a.line().index)) d.fix = replace(vm, "add `pcie=1`", end, ",pcie=1");
  }
}

bool is_macos(const VmFacts& vm) {
  for (const QemuWord& word : argument_words(vm))
    if (word.text.substr(0, 13) == "isa-applesmc,") return true;
  return false;
}

/// The card's audio function on a line of its own.
const Assignment* split_audio(const VmFacts& vm, const Card& card) {
  for (const Assignment& a : vm.assignments)
    if (&a != card.line && a.first && a.first->has_subclass(0x0403) && a.first->address.same_slot(card.device->address))
      return &a;
  return nullptr;
}

void check_macos(const Facts&, const VmFacts& vm, Findings& out) {
  if (!is_macos(vm)) return;
  for (const Card& card : cards(vm)) {
    const Assignment* audio = split_audio(vm, card);
    if (!audio) continue;
    Diagnostic& d = out.at(*audio, "macOS finds no HDMI audio when the card's functions sit in different slots");
    d.labels.push_back({Findings::place(*card.line), "the card"});
    d.help.push_back("pass both on one line: `" + card.device->address.slot() + "`");
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-gpu-not-primary",
        .severity = Severity::info,
        .summary = "a graphics card is passed, and the emulated display stays the first",
        .why = "Firmware and desktop take the emulated card as the first display: a monitor at the passed card may "
               "stay black. VMs that compute or transcode want exactly this, so only Windows guests and those with a "
               "USB controller of their own are told.",
        .bad = "ostype: win11\nmachine: q35\nhostpci0: 0000:01:00,pcie=1",
        .good = "ostype: win11\nmachine: q35\nvga: none\nhostpci0: 0000:01:00,pcie=1,x-vga=1",
        .fix = "For a monitor at the card set x-vga=1 and `vga: none`.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_not_primary,
    },
    {
        .id = "vm-vga-none-no-console",
        .severity = Severity::warning,
        .summary = "`vga: none` without a graphics device or a serial port",
        .why = "Nothing can show the firmware's and the boot loader's messages.",
        .bad = "vga: none\nhostpci0: 0000:05:10.0",
        .good = "vga: none\nserial0: socket\nhostpci0: 0000:05:10.0",
        .fix = "Add `serial0: socket`, or drop `vga: none`.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (config_to_command)",
        .vm = check_no_console,
    },
    {
        .id = "vm-xvga-hides-kvm",
        .severity = Severity::info,
        .summary = "`x-vga=1` hides KVM from a Linux guest with a card that does not need it",
        .why =
            "x-vga sets kvm=off for every guest, a workaround for NVIDIA's drivers before 465. An explicit `hidden=` "
            "of `cpu:` wins over it. Without it, a Linux guest uses KVM's clock and interrupts.",
        .bad = "ostype: l26\nhostpci0: 0000:00:02.0,x-vga=1",
        .good = "ostype: l26\ncpu: host,hidden=0\nhostpci0: 0000:00:02.0,x-vga=1",
        .fix = "Set `cpu: host,hidden=0`.",
        .fixable = Fixable::automatic,
        .source = "qemu-server PCI.pm (print_hostpci_devices), CPUConfig.pm (get_cpu_options)",
        .vm = check_hides_kvm,
    },
    {
        .id = "vm-gpu-on-i440fx",
        .severity = Severity::info,
        .summary = "a graphics card in an i440fx guest with OVMF",
        .why = "i440fx has no PCIe. The card works at full speed, but some drivers miss the PCIe capability. q35 with "
               "OVMF and pcie=1 gives the best compatibility; SeaBIOS guests and legacy-igd belong on i440fx.",
        .bad = "bios: ovmf\nhostpci0: 0000:01:00",
        .good = "bios: ovmf\nmachine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Use q35 for new VMs; an installed guest gets new hardware by the change.",
        .fixable = Fixable::manual,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_i440fx,
    },
    {
        .id = "vm-q35-without-pcie",
        .severity = Severity::info,
        .summary = "a graphics card or NVMe drive without `pcie=1` in a q35 guest",
        .why = "Without pcie=1 the device sits behind a conventional PCI bridge, and some drivers (AMD's for one) do "
               "not start there. The real link is as fast either way.",
        .bad = "machine: q35\nhostpci0: 0000:01:00",
        .good = "machine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Add pcie=1; the guest finds the device at a new place.",
        .fixable = Fixable::automatic,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_conventional,
    },
    {
        .id = "vm-macos-gpu-split",
        .severity = Severity::info,
        .summary = "a macOS guest gets a card and its audio function on two lines",
        .why = "macOS pairs a card with its audio function by the slot. Two lines mean two slots, and HDMI and "
               "DisplayPort stay silent.",
        .bad = "args: -device isa-applesmc,osk=x\nmachine: q35\nhostpci0: 0000:01:00.0,pcie=1\n"
               "hostpci1: 0000:01:00.1,pcie=1",
        .good = "args: -device isa-applesmc,osk=x\nmachine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Pass the whole card on one line.",
        .fixable = Fixable::assisted,
        .source = "Leoyzen/KVM-Opencore#2",
        .vm = check_macos,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_display_rules = rules;

}  // namespace hostpci
