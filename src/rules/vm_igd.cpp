// Rules about legacy-igd: the preconditions that qemu-server checks when the VM starts.
#include "rules/device.hpp"
#include "rules/refused.hpp"

namespace hostpci {
namespace {

constexpr std::string_view parse_devices = "qemu-server PCI.pm (parse_hostpci_devices)";

void check_vga(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    if (const VmValue* vga = vm.next.main().find("vga"))
      d.labels.push_back({Place(vm.vm->source, vga->span), "only the text `none` counts"});
    d.fix = fix_value(vm, "set `vga: none`", "vga", "none", Safety::unsafe);
  }
}

/// The property that the refusal points at is what has to go.
void check_property(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const Assignment* a = assignment_of(vm, *refusal);
    if (a && a->parsed().has(refusal->key)) d.fix = drop_property(*a, refusal->key, Safety::unsafe);
  }
}

void check_q35(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    if (const VmValue* machine = vm.next.main().find("machine"))
      d.labels.push_back({Place(vm.vm->source, machine->span), "q35"});
    d.help.push_back("set `machine: pc`, or drop `legacy-igd`");
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-legacy-igd-count",
        .severity = Severity::error,
        .summary = "more than one device with `legacy-igd`",
        .why = "A guest has one legacy graphics device; Proxmox VE refuses to start the VM.",
        .bad = "vga: none\nhostpci0: 00:02.0,legacy-igd=1\nhostpci1: 00:02.0,legacy-igd=1",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Keep it on one line.",
        .fixable = Fixable::assisted,
        .source = parse_devices,
        .vm = check_refused,
    },
    {
        .id = "vm-legacy-igd-vga",
        .severity = Severity::error,
        .summary = "`legacy-igd` needs `vga: none`, in exactly these words",
        .why = "The raw value of `vga` is compared with the text none: no `vga:` line, std and type=none all fail.",
        .bad = "hostpci0: 00:02.0,legacy-igd=1",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Set `vga: none`.",
        .fixable = Fixable::automatic,
        .source = parse_devices,
        .vm = check_vga,
    },
    {
        .id = "vm-legacy-igd-rombar",
        .severity = Severity::error,
        .summary = "`legacy-igd` together with `rombar=0`",
        .why = "The graphics ROM has to be visible to the guest's BIOS; Proxmox VE refuses to start the VM.",
        .bad = "vga: none\nhostpci0: 00:02.0,legacy-igd=1,rombar=0",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Remove `rombar=0`.",
        .fixable = Fixable::automatic,
        .source = parse_devices,
        .vm = check_property,
    },
    {
        .id = "vm-legacy-igd-xvga",
        .severity = Severity::error,
        .summary = "`legacy-igd` together with `x-vga`",
        .why = "Both claim the legacy VGA ranges; Proxmox VE refuses to start the VM.",
        .bad = "vga: none\nhostpci0: 00:02.0,legacy-igd=1,x-vga=1",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Remove `x-vga`.",
        .fixable = Fixable::automatic,
        .source = parse_devices,
        .vm = check_property,
    },
    {
        .id = "vm-legacy-igd-mdev",
        .severity = Severity::error,
        .summary = "`legacy-igd` together with `mdev`",
        .why = "A mediated device is not the graphics device itself; Proxmox VE refuses to start the VM.",
        .bad = "vga: none\nhostpci0: 00:02.0,legacy-igd=1,mdev=i915-GVTg_V5_4",
        .good = "hostpci0: 00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Remove one of the two.",
        .fixable = Fixable::assisted,
        .source = parse_devices,
        .vm = check_refused,
    },
    {
        .id = "vm-legacy-igd-q35",
        .severity = Severity::error,
        .summary = "`legacy-igd` on a q35 machine",
        .why = "The legacy mode needs the device in slot 2 of the i440fx root bus; Proxmox VE refuses to start the VM.",
        .bad = "machine: q35\nvga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .good = "machine: pc\nvga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Set `machine: pc`, or drop `legacy-igd`.",
        .fixable = Fixable::assisted,
        .source = parse_devices,
        .vm = check_q35,
    },
    {
        .id = "vm-legacy-igd-multi",
        .severity = Severity::error,
        .summary = "`legacy-igd` on several functions or on alternatives",
        .why = "It takes the single function 0000:00:02.0; lists, whole cards and mappings with several entries are "
               "refused.",
        .bad = "vga: none\nhostpci0: 01:00,legacy-igd=1",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Name the single function 0000:00:02.0.",
        .fixable = Fixable::assisted,
        .source = parse_devices,
        .vm = check_refused,
    },
    {
        .id = "vm-legacy-igd-addr",
        .severity = Severity::error,
        .summary = "`legacy-igd` on a device that is not at 02.0",
        .why = "The guest's driver looks for the graphics device in slot 2; Proxmox VE refuses any other address.",
        .bad = "vga: none\nhostpci0: 01:00.0,legacy-igd=1",
        .good = "vga: none\nhostpci0: 00:02.0,legacy-igd=1",
        .fix = "Drop `legacy-igd`: only Intel's integrated graphics at 0000:00:02.0 qualifies.",
        .fixable = Fixable::assisted,
        .source = parse_devices,
        .vm = check_refused,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_igd_rules = rules;

}  // namespace hostpci
