// Rules about the guest's machine: its type and IOMMU, how many functions a line may have, address bits, hidden KVM.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/versions.hpp"
#include "rules/vm_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The first line that goes to a PCIe port (or pcie.0), if the machine has such.
const Assignment* first_pcie(const VmFacts& vm) {
  if (!vm.machine.q35 || is_template(vm.next)) return nullptr;
  for (const Assignment& a : vm.assignments)
    if (a.parsed().flag(HostpciKey::pcie)) return &a;
  return nullptr;
}

bool is_win7(const VmFacts& vm) { return vm.next.text("ostype") == "win7"; }

void check_old_q35(const Facts&, const VmFacts& vm, Findings& out) {
  const Assignment* a = first_pcie(vm);
  if (!a || is_win7(vm) || !vm.machine.version || vm.machine.version->first >= 4) return;
  Diagnostic& d = out.at_key("machine", "q35 before 4.0 has old root ports: the guest sees a link of x1 at 2.5 GT/s");
  d.labels.push_back({Findings::place(*a, HostpciKey::pcie), "sits behind one"});
  d.help.push_back("take a newer version or plain `q35`; the guest sees new hardware");
}

void check_win7(const Facts&, const VmFacts& vm, Findings& out) {
  const Assignment* a = first_pcie(vm);
  if (!a || !is_win7(vm)) return;
  Diagnostic& d = out.at_key("ostype", "with `win7` PCIe devices sit on the root bus itself, not behind ports");
  d.labels.push_back({Findings::place(*a, HostpciKey::pcie), "moves when `ostype` changes"});
  d.help.push_back("keep `ostype` as it is while the guest is installed: Windows finds new devices after a change");
}

/// What PVE says against `machine:`, with the property to point at; empty: nothing.
struct MachineFault {
  std::string message, help;
  std::string_view property;
};

MachineFault machine_fault(const VmFacts& vm) {
  auto bits = property_of(vm, "machine", "aw-bits");
  bool intel = vm.machine.viommu == "intel";
  if (intel && !vm.machine.q35)
    return {"Intel's vIOMMU needs the q35 machine type", "set `q35`, or take `viommu=virtio`", "viommu"};
  if (bits && intel && number(bits->value) != 39u && number(bits->value) != 48u)
    return {"Intel's vIOMMU has 39 or 48 address bits", "`aw-bits=39` or `aw-bits=48`", "aw-bits"};
  if (bits && vm.machine.viommu.empty())
    return {"`aw-bits` is given, and there is no vIOMMU", "add `viommu=`, or drop `aw-bits`", "aw-bits"};
  return {};
}

void check_viommu(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next) || !at_least(*facts.host, "qemu-server", "8.1.2")) return;
  MachineFault fault = machine_fault(vm);
  if (fault.message.empty()) return;
  Diagnostic& d = out.at_key("machine", std::move(fault.message));
  d.place.span = property_of(vm, "machine", fault.property)->span;
  d.notes.push_back("Proxmox VE refuses to start " + vm_label(*vm.vm));
  d.help.push_back(std::move(fault.help));
}

void check_guest_iommu(const Facts&, const VmFacts& vm, Findings& out) {
  std::string_view guest = vm.next.text("ostype");
  if (vm.machine.viommu != "intel" || !vm.machine.q35 || (guest != "l26" && guest != "l24")) return;
  if (vm.assignments.empty() || is_template(vm.next)) return;
  Diagnostic& d = out.at_key("machine", "the guest's kernel needs `intel_iommu=on` to use this vIOMMU");
  d.place.span = property_of(vm, "machine", "viommu")->span;
  d.notes.push_back("on hosts with AMD processors too; without it the guest has no IOMMU groups");
}

constexpr std::size_t slot_functions = 8;

void check_functions(const Facts&, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    if (a.functions().size() <= slot_functions) continue;
    HostpciKey key = a.resolved.mapping ? HostpciKey::mapping : HostpciKey::host;
    Diagnostic& d = out.at(a, key, "one slot has 8 functions, this line means " + std::to_string(a.functions().size()));
    d.notes.push_back("QEMU refuses a function 8: " + vm_label(*vm.vm) + " would not start");
    d.help.push_back("spread the devices over several `hostpci` lines");
  }
}

/// Functions after the first, in the guest's slot.
std::vector<const Device*> later_functions(const Assignment& a) {
  if (!a.first || a.is_mdev() || a.devices.size() < 2) return {};
  return {a.devices.begin() + 1, a.devices.end()};
}

const Device* first_of(const std::vector<const Device*>& devices, bool (*wanted)(const Device&, const Device&),
                       const Device& first) {
  auto at = std::find_if(devices.begin(), devices.end(), [&](const Device* d) { return wanted(*d, first); });
  return at == devices.end() ? nullptr : *at;
}

bool has_rom(const Device& d, const Device&) { return d.rom.value_or(false); }
bool is_audio(const Device& d, const Device&) { return d.has_subclass(0x0403); }
bool is_twin(const Device& d, const Device& first) { return d.id && first.id && *d.id == *first.id; }

/// A later function that the property was meant for as well, as far as the devices tell; null: none.
const Device* left_out(const Facts& facts, const Assignment& a, HostpciKey key) {
  std::vector<const Device*> later = later_functions(a);
  if (later.empty() || !a.parsed().has(key)) return nullptr;
  std::string_view value = a.parsed().text(key);
  if (key == HostpciKey::rombar) return a.parsed().flag(key, true) ? nullptr : first_of(later, has_rom, *a.first);
  if (key == HostpciKey::romfile)
    return value != "0" && is_integrated_gpu(*facts.host, *a.first) ? first_of(later, is_audio, *a.first) : nullptr;
  return first_of(later, is_twin, *a.first);
}

void check_first_only(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments)
    for (HostpciKey key : {HostpciKey::rombar, HostpciKey::romfile, HostpciKey::vendor_id, HostpciKey::device_id,
                           HostpciKey::sub_vendor_id, HostpciKey::sub_device_id}) {
      const Device* d = left_out(facts, a, key);
      if (!d) continue;
      Diagnostic& f = out.at(
          a, key,
          "`" + std::string(name(key)) + "` reaches `" + a.first->address.str() + "` only, not `" + describe(*d) + "`");
      if (key == HostpciKey::rombar) show(f, *d, "rom", "has an option ROM of its own");
      f.help.push_back("give every function a `hostpci` line of its own if the later ones need it too");
      break;
    }
}

/// CPU types without 1 GiB pages, those that PVE builds on qemu64 included. Source: QEMU target/i386/cpu.c.
bool lacks_big_pages(std::string_view type) {
  return type.empty() || type == "kvm64" || type == "qemu64" || type.substr(0, 8) == "x86-64-v";
}

/// The address bits that `cpu:` asks for; nothing if none are asked for or they are not known.
std::optional<std::uint64_t> wanted_bits(const Facts& facts, const VmFacts& vm) {
  auto bits = property_of(vm, "cpu", "phys-bits");
  if (!bits) return {};
  if (bits->value != "host") return number(bits->value);
  return facts.host->kernel.phys_bits ? std::optional<std::uint64_t>(*facts.host->kernel.phys_bits) : std::nullopt;
}

bool host_has_big_pages(const Facts& facts) {
  const auto& flags = facts.host->kernel.cpu_flags;
  return flags && std::find(flags->begin(), flags->end(), "pdpe1gb") != flags->end();
}

std::optional<Fix> add_big_pages(const VmFacts& vm) {
  auto flags = property_of(vm, "cpu", "flags");
  std::string value = flags ? std::string(flags->value) + ";+pdpe1gb" : "+pdpe1gb";
  return fix_property(vm, "add the flag `pdpe1gb`", "cpu", "flags", value, "", Safety::unsafe);
}

void check_address_bits(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!is_ovmf(vm.next) || vm.assignments.empty() || is_template(vm.next) || !is_x86_guest(facts, vm)) return;
  auto flags = property_of(vm, "cpu", "flags");
  bool named = flags && flags->value.find("+pdpe1gb") != flags->value.npos;
  if (named || replaces_cpu(vm) || !lacks_big_pages(cpu_type(vm)) || wanted_bits(facts, vm).value_or(0) <= 40) return;
  Diagnostic& d = out.at_key(
      "cpu", "OVMF keeps this CPU at 40 address bits, `phys-bits` asks for " + std::to_string(*wanted_bits(facts, vm)));
  d.place.span = property_of(vm, "cpu", "phys-bits")->span;
  d.notes.push_back("OVMF uses more only with pages of 1 GiB, which this CPU type does not have");
  if (host_has_big_pages(facts)) d.fix = add_big_pages(vm);
  d.help.push_back("`cpu: host` has them where the host does");
}

/// A whole NVIDIA card that shows pictures: vGPUs have drivers of their own.
const Assignment* nvidia_card(const VmFacts& vm) {
  for (const Assignment& a : vm.assignments)
    if (a.first && !a.is_mdev() && a.first->is_gpu() && !a.first->is_vf() && a.first->id &&
        a.first->id->vendor == 0x10de)
      return &a;
  return nullptr;
}

/// Guests for which NVIDIA's drivers from 465 on exist.
bool is_recent_guest(const VmFacts& vm) {
  std::string_view guest = vm.next.text("ostype");
  return guest == "win10" || guest == "win11" || guest == "l26";
}

struct Hiding {
  std::string what, key;
  Span span;
};

std::optional<Hiding> hiding(const VmFacts& vm) {
  auto hidden = property_of(vm, "cpu", "hidden");
  if (hidden && parse_boolean(hidden->value).value_or(false)) return Hiding{"hidden", "cpu", hidden->span};
  if (auto id = property_of(vm, "cpu", "hv-vendor-id")) return Hiding{"hv-vendor-id", "cpu", id->span};
  for (const QemuWord& word : argument_values(vm, "cpu"))
    if (word.text.find("kvm=off") != word.text.npos) return Hiding{"kvm=off", "args", word.span};
  return {};
}

void check_hidden(const Facts&, const VmFacts& vm, Findings& out) {
  const Assignment* card = nvidia_card(vm);
  auto found = card && is_recent_guest(vm) && !is_template(vm.next) ? hiding(vm) : std::nullopt;
  if (!found) return;
  Diagnostic& d = out.at_key(found->key, "NVIDIA's drivers work without `" + found->what + "` since version 465");
  d.place.span = found->span;
  d.labels.push_back({Findings::place(*card), "`" + describe(*card->first) + "`"});
  if (found->what == "hidden" && card->parsed().flag(HostpciKey::x_vga))
    d.notes.push_back("`x-vga` hides KVM as well: write `hidden=0` to show it");
  d.help.push_back("try without it once the guest has a current driver; games that look for a VM may want it");
}

constexpr Rule rules[] = {
    {
        .id = "vm-q35-pinned-lt-4",
        .severity = Severity::warning,
        .summary = "PCIe passthrough on a q35 machine pinned below version 4.0",
        .why =
            "Before 4.0 the root ports are those of an old Intel chipset: x1 at 2.5 GT/s. Drivers complain about the "
            "link or slow down.",
        .bad = "machine: pc-q35-3.1\nhostpci0: 0000:01:00,pcie=1",
        .good = "machine: pc-q35-9.0\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Pin a newer version, or take plain q35.",
        .fixable = Fixable::assisted,
        .source = "qemu-server pve-q35.cfg, pve-q35-4.0.cfg",
        .vm = check_old_q35,
    },
    {
        .id = "vm-win7-layout",
        .severity = Severity::info,
        .summary = "`ostype: win7` puts PCIe devices on the root bus",
        .why =
            "Only for this guest type the devices get no port. When the type is changed later, they move and Windows "
            "finds them anew.",
        .bad = "ostype: win7\nmachine: q35\nhostpci0: 0000:01:00,pcie=1",
        .good = "ostype: win10\nmachine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Keep the guest type as it is.",
        .fixable = Fixable::manual,
        .source = "qemu-server PCI.pm (print_hostpci_devices)",
        .vm = check_win7,
    },
    {
        .id = "vm-viommu-invalid",
        .severity = Severity::error,
        .summary = "the options of the guest's IOMMU do not fit together",
        .why = "Intel's vIOMMU exists on q35 only and has 39 or 48 address bits; aw-bits needs a vIOMMU. Proxmox VE "
               "refuses to start the VM.",
        .bad = "machine: pc,viommu=intel\nhostpci0: 0000:01:00",
        .good = "machine: q35,viommu=intel\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Set q35, take viommu=virtio, or correct aw-bits.",
        .fixable = Fixable::assisted,
        .source = "qemu-server Machine.pm (assert_valid_machine_property)",
        .vm = check_viommu,
    },
    {
        .id = "vm-viommu-guest-param",
        .severity = Severity::info,
        .summary = "`viommu=intel` needs `intel_iommu=on` inside the guest",
        .why = "A Linux guest uses Intel's vIOMMU only if its own kernel command line asks for it, on hosts with AMD "
               "processors too.",
        .bad = "ostype: l26\nmachine: q35,viommu=intel\nhostpci0: 0000:01:00,pcie=1",
        .good = "ostype: l26\nmachine: q35,viommu=virtio\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Add intel_iommu=on to the guest's kernel command line.",
        .fixable = Fixable::manual,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_guest_iommu,
    },
    {
        .id = "vm-too-many-functions",
        .severity = Severity::error,
        .summary = "one line means more than 8 functions",
        .why = "All functions of a line share one slot of the guest, and a slot has 8. Nothing checks it before QEMU, "
               "which does not start.",
        .bad = "hostpci0: 01:00;05:10.0;05:10.2;05:10.4;05:10.6;02:00;03:00;04:00",
        .good = "hostpci0: 01:00\nhostpci1: 05:10.0;05:10.2;05:10.4;05:10.6",
        .fix = "Spread them over several lines.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (print_hostpci_devices)",
        .vm = check_functions,
    },
    {
        .id = "vm-first-function-only",
        .severity = Severity::info,
        .summary = "an option reaches the first function only, and a later one needs it too",
        .why = "Of several functions on one line, only the first gets rombar, romfile and the id overrides. A second "
               "network port still runs its option ROM; the audio function of an APU wants a ROM file of its own.",
        .bad = "hostpci0: 05:10.0;05:10.2,device-id=0x1234",
        .good = "hostpci0: 05:10.0,device-id=0x1234\nhostpci1: 05:10.2,device-id=0x1234",
        .fix = "Give every function a line of its own.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (print_hostpci_devices)",
        .vm = check_first_only,
    },
    {
        .id = "vm-physbits-40",
        .severity = Severity::warning,
        .summary = "OVMF limits the CPU to 40 address bits although more are asked for",
        .why = "OVMF sizes the window for large BARs by the address bits, and takes more than 40 only from a CPU with "
               "pages of 1 GiB. kvm64, qemu64 and the x86-64 levels do not have them.",
        .bad = "bios: ovmf\ncpu: x86-64-v2-AES,phys-bits=46\nhostpci0: 0000:01:00",
        .good = "bios: ovmf\ncpu: x86-64-v2-AES,flags=+pdpe1gb,phys-bits=46\nhostpci0: 0000:01:00",
        .fix = "Add flags=+pdpe1gb, or take `cpu: host`.",
        .fixable = Fixable::automatic,
        .source = "qemu-server CPUConfig.pm (check_phys_bits_above_40_compat); edk2 PlatformInitLib",
        .vm = check_address_bits,
    },
    {
        .id = "vm-hidden-obsolete",
        .severity = Severity::info,
        .summary = "KVM is hidden from a guest with an NVIDIA card, which current drivers do not need",
        .why =
            "Since version 465 (2021) NVIDIA's drivers support passthrough. Hiding costs KVM's clock and interrupts. "
            "Windows 7 and older drivers still need it.",
        .bad = "ostype: win11\ncpu: host,hidden=1\nhostpci0: 0000:01:00",
        .good = "ostype: win11\ncpu: host\nhostpci0: 0000:01:00",
        .fix = "Remove it once the guest has a current driver.",
        .fixable = Fixable::assisted,
        .source = "NVIDIA's FAQ on GeForce passthrough (driver 465)",
        .vm = check_hidden,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_machine_rules = rules;

}  // namespace hostpci
