// Rules about a VM's configuration alone: machine type, display, firmware, memory, where its hostpci lines go.
#include <algorithm>
#include <set>

#include "config/vm_edit.hpp"
#include "rules/refused.hpp"
#include "rules/vm_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string vm_name(const VmFacts& vm) { return vm_label(*vm.vm); }

void check_pcie(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const VmValue* machine = vm.next.main().find("machine");
    if (machine) d.labels.push_back({Place(vm.vm->source, machine->span), "not q35"});
    d.notes.push_back(std::string(machine ? "the" : "no `machine:` line, so PVE uses i440fx; the") +
                      " VM would not start: \"q35 machine model is not enabled\"");
    d.help.push_back(std::string(machine ? "set" : "add") +
                     " `machine: q35` (the guest sees new hardware: see `hostpci explain vm-pcie-needs-q35`)");
  }
}

void check_machine_version(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    d.key = "machine";
    d.notes.push_back("Proxmox VE refuses to start " + vm_name(vm));
    d.help.push_back("upgrade pve-qemu-kvm on this node, or pin an older version");
  }
}

std::vector<const Assignment*> with_flag(const VmFacts& vm, HostpciKey key) {
  std::vector<const Assignment*> found;
  for (const Assignment& a : vm.assignments)
    if (a.parsed().flag(key)) found.push_back(&a);
  return found;
}

void check_xvga_keeps_vga(const Facts&, const VmFacts& vm, Findings& out) {
  const VmValue* vga = vm.next.main().find("vga");
  std::vector<const Assignment*> primary = with_flag(vm, HostpciKey::x_vga);
  if (!vga || primary.empty() || !has_emulated_card(vga_type(vm.next))) return;
  const Assignment& a = *primary.front();
  Diagnostic& d = out.at_key("vga", "this line keeps the emulated display beside the `x-vga` device");
  d.labels.push_back({Findings::place(a, HostpciKey::x_vga), "meant to be the guest's primary display"});
  d.notes.emplace_back(
      "PVE switches the emulated card off only where there is no `vga:` line; the guest may start on the wrong one");
  d.help.emplace_back("set `vga: none`, or delete the line; keep it while the guest is installed through the console");
}

void check_xvga_multiple(const Facts&, const VmFacts& vm, Findings& out) {
  std::vector<const Assignment*> primary = with_flag(vm, HostpciKey::x_vga);
  if (primary.size() < 2 || is_ovmf(vm.next)) return;  // with OVMF, PVE does not pass x-vga on
  for (std::size_t i = 1; i < primary.size(); ++i) {
    Diagnostic& d = out.at(*primary[i], HostpciKey::x_vga, "a second device with `x-vga`");
    d.labels.push_back({Findings::place(*primary.front(), HostpciKey::x_vga), "the first one"});
    d.help.emplace_back("keep `x-vga` on the card that the monitor is connected to");
  }
}

void check_args_cpu(const Facts&, const VmFacts& vm, Findings& out) {
  if (vm.assignments.empty()) return;
  for (const QemuWord& word : argument_words(vm)) {
    if (!is_option(word, "cpu")) continue;
    Diagnostic& d = out.at_key("args", "`-cpu` in `args` replaces the CPU that Proxmox VE configures");
    d.place.span = word.span;
    d.notes.emplace_back(
        "QEMU takes the last `-cpu`: `cpu:` with its flags, `hidden=` and the Hyper-V settings are lost");
    d.help.emplace_back(
        "write it as `cpu: host,flags=…` and take it out of `args`; `-hypervisor` alone has no such form");
    return;
  }
}

/// SEV-SNP and TDX guests keep no variables.
bool is_confidential(const VmFacts& vm) {
  if (vm.next.main().find("intel-tdx")) return true;
  auto type = property_of(vm, "amd-sev", "type", "type");
  return type && type->value == "snp";
}

void check_efidisk(const Facts&, const VmFacts& vm, Findings& out) {
  if (vm.assignments.empty() || !is_ovmf(vm.next) || vm.next.main().find("efidisk0") || is_confidential(vm)) return;
  Diagnostic& d = out.at_key("bios", "OVMF without `efidisk0` forgets its settings at every stop");
  d.notes.emplace_back("boot entries and the Secure Boot state live in a temporary disk");
  d.help.push_back("`qm set " + vm_word(*vm.vm) + " -efidisk0 STORAGE:1,efitype=4m,pre-enrolled-keys=0`");
}

void check_balloon(const Facts&, const VmFacts& vm, Findings& out) {
  auto pinned =
      std::find_if(vm.assignments.begin(), vm.assignments.end(), [](const Assignment& a) { return !a.resolved.mdev; });
  if (pinned == vm.assignments.end()) return;
  const VmValue *balloon = vm.next.main().find("balloon"), *shares = vm.next.main().find("shares");
  auto target = balloon ? number(balloon->value) : std::nullopt;
  auto share = shares ? number(shares->value) : std::nullopt;
  bool below = target && *target > 0 && *target < memory_mib(vm.next);
  if (!below && (balloon || !share || *share == 0)) return;
  Diagnostic& d = out.at_key(below ? "balloon" : "shares", "ballooning has no effect while a device is passed through");
  d.labels.push_back({Findings::place(*pinned), "all memory of the guest is pinned for it"});
  d.help.emplace_back("size `memory:` for what the guest really needs");
  d.fix = fix_value(vm, "set `balloon: 0`", "balloon", "0", Safety::unsafe);
}

void check_rombar(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    std::string_view rom = a.parsed().text(HostpciKey::romfile);
    if (rom.empty() || rom == "0" || a.parsed().flag(HostpciKey::rombar, true)) continue;
    Diagnostic& d = out.at(a, HostpciKey::rombar, "with `rombar=0` the guest's firmware does not see the `romfile`");
    d.labels.push_back({Findings::place(a, HostpciKey::romfile), "loaded as a legacy option ROM only"});
    d.notes.emplace_back("without the ROM BAR, QEMU hands the file to SeaBIOS; UEFI ignores it");
    d.help.emplace_back("drop one of the two");
  }
}

/// The port that has function 0 of the slot in which hostpciN's own port lies; nothing for ports of their own.
std::optional<int> port_base(int index) {
  if (index > 4 && index < 12) return 4;
  if (index > 12) return 12;
  return {};
}

/// Renumbering also means the boot order and arguments that name the line: then it is left to the user.
bool is_named_elsewhere(const VmFacts& vm, const std::string& key) {
  for (std::string_view device : boot_order(vm.next))
    if (device == key) return true;
  return vm.next.text("args").find(key) != std::string_view::npos || vm.vm->pending() != nullptr;
}

std::optional<int> lowest_free(const std::set<int>& used) {
  for (int i = 0; i < 16; ++i)
    if (!used.count(i)) return i;
  return {};
}

void check_port_gap(const Facts&, const VmFacts& vm, Findings& out) {
  if (!vm.machine.q35 || vm.next.text("ostype") == "win7") return;
  std::set<int> used, ports;
  for (const Assignment& a : vm.assignments) {
    used.insert(a.line().index);
    if (a.parsed().flag(HostpciKey::pcie)) ports.insert(a.line().index);
  }
  for (const Assignment& a : vm.assignments) {
    auto base = port_base(a.line().index);
    if (!base || !ports.count(a.line().index) || ports.count(*base)) continue;
    std::string first = "hostpci" + std::to_string(*base);
    Diagnostic& d = out.at(a, HostpciKey::pcie,
                           "the guest may not see this device: its port is not function 0 of its slot, and `" + first +
                               "` is no PCIe line");
    d.notes.push_back("ports are made on demand: `" + first + "` has function 0, `" + a.key() +
                      "` another function of the same slot");
    auto free = lowest_free(used);
    if (!free || is_named_elsewhere(vm, a.key())) continue;
    used.insert(*free);
    std::string key = "hostpci" + std::to_string(*free);
    d.fix =
        Fix{"rename the line to `" + key + "`", Safety::unsafe, {{vm.vm->source->path, a.line().value.key_span, key}}};
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-pcie-needs-q35",
        .severity = Severity::error,
        .summary = "`pcie=1` on a machine that is not q35",
        .why = "PCIe root ports exist on q35 only, and a VM without a `machine:` line is i440fx. Nothing checks it "
               "when the line "
               "is written; the VM does not start. Changing the machine type gives the guest new hardware: network "
               "interfaces are renamed, Windows may ask for activation.",
        .bad = "hostpci0: 0000:01:00,pcie=1",
        .good = "machine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Set `machine: q35`, or drop `pcie=1`.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (parse_hostpci_devices)",
        .vm = check_pcie,
    },
    {
        .id = "vm-machine-too-new",
        .severity = Severity::error,
        .summary = "the machine type is pinned to a version newer than the installed QEMU",
        .why = "It happens after a restore or migration to an older node; the VM does not start.",
        .bad = "machine: pc-q35-99.0\nhostpci0: 0000:01:00,pcie=1",
        .good = "machine: pc-q35-10.0\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Upgrade the node, or pin an older version.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (config_to_command), Machine.pm",
        .vm = check_machine_version,
    },
    {
        .id = "vm-xvga-keeps-vga",
        .severity = Severity::warning,
        .summary = "`x-vga=1` with a `vga:` line that keeps the emulated display",
        .why = "The emulated card is switched off only where the `vga` key is absent, whatever the manual says: the "
               "desktop "
               "appears on the virtual display and the monitor stays black.",
        .bad = "machine: q35\nvga: std\nhostpci0: 0000:01:00,pcie=1,x-vga=1",
        .good = "machine: q35\nvga: none\nhostpci0: 0000:01:00,pcie=1,x-vga=1",
        .fix = "Set `vga: none`, or delete the line.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (print_hostpci_devices)",
        .vm = check_xvga_keeps_vga,
    },
    {
        .id = "vm-xvga-multiple",
        .severity = Severity::warning,
        .summary = "`x-vga` on more than one device",
        .why = "Only one device can own the legacy VGA ranges; which one becomes primary is undefined.",
        .bad = "hostpci0: 0000:01:00.0,x-vga=1\nhostpci1: 0000:00:02.0,x-vga=1",
        .good = "hostpci0: 0000:01:00.0,x-vga=1\nhostpci1: 0000:00:02.0",
        .fix = "Keep it on one display device.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (no check there)",
        .vm = check_xvga_multiple,
    },
    {
        .id = "vm-args-cpu",
        .severity = Severity::warning,
        .summary = "`args` contains `-cpu` and replaces the generated CPU",
        .why = "`args` comes last and QEMU takes the last `-cpu`: the settings of `cpu:`, vendor id, Hyper-V "
               "enlightenments and "
               "address bits are lost. Guides of old used it against NVIDIA's error 43, which drivers no longer "
               "have; `cpu:` has a property for most of what it does.",
        .bad = "args: -cpu host,kvm=off\nhostpci0: 0000:01:00",
        .good = "cpu: host\nhostpci0: 0000:01:00",
        .fix = "Translate it to `cpu:` and take it out of `args`.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (config_to_command)",
        .vm = check_args_cpu,
    },
    {
        .id = "vm-ovmf-no-efidisk",
        .severity = Severity::warning,
        .summary = "`bios: ovmf` without `efidisk0`",
        .why = "The firmware's variables (boot entries, Secure Boot state) are lost at every stop.",
        .bad = "bios: ovmf\nhostpci0: 0000:01:00",
        .good = "bios: ovmf\nefidisk0: local-lvm:vm-100-disk-1,efitype=4m,size=4M\nhostpci0: 0000:01:00",
        .fix = "Add an `efidisk0`.",
        .fixable = Fixable::assisted,
        .source = "qemu-server OVMF.pm",
        .vm = check_efidisk,
    },
    {
        .id = "vm-balloon-useless",
        .severity = Severity::info,
        .summary = "ballooning has no effect while a device is passed through",
        .why = "VFIO pins every page of the guest at start and QEMU forbids giving memory back, except for mediated "
               "devices.",
        .bad = "memory: 8192\nballoon: 2048\nhostpci0: 0000:01:00",
        .good = "memory: 8192\nballoon: 0\nhostpci0: 0000:01:00",
        .fix = "Set `balloon: 0` and size the memory for real.",
        .fixable = Fixable::automatic,
        .source = "QEMU hw/vfio/pci.c (ram_block_discard_allowed)",
        .vm = check_balloon,
    },
    {
        .id = "vm-rombar0-romfile",
        .severity = Severity::warning,
        .summary = "`romfile` together with `rombar=0`",
        .why = "With the ROM BAR off, QEMU makes no BAR for the file but loads it as a legacy option ROM, for SeaBIOS "
               "only.",
        .bad = "hostpci0: 0000:01:00,romfile=gtx1080.rom,rombar=0",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Drop `rombar=0`, or drop `romfile`.",
        .fixable = Fixable::assisted,
        .source = "QEMU hw/pci/pci.c (pci_add_option_rom)",
        .vm = check_rombar,
    },
    {
        .id = "vm-pcie-port-gap",
        .severity = Severity::warning,
        .summary = "`pcie=1` on an index whose root port has no function 0",
        .why = "Ports for hostpci4 and up are made on demand as functions of two slots: hostpci4 and hostpci12 are "
               "function 0. "
               "Without it, guests do not look at the other functions.",
        .bad = "machine: q35\nhostpci5: 0000:01:00,pcie=1",
        .good = "machine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Renumber the line to the lowest free index.",
        .fixable = Fixable::automatic,
        .source = "qemu-server PCI.pm (print_pcie_root_port)",
        .vm = check_port_gap,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_rules = rules;

}  // namespace hostpci
