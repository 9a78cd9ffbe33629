// Rules about Intel's integrated graphics: what legacy mode and the kernel's IGD support need.
#include "rules/device.hpp"

namespace hostpci {
namespace {

bool is_igd(const Device& d) {
  return d.id && d.id->vendor == 0x8086 && d.is_gpu() && !d.is_vf() && d.address == PciAddress{0, 0, 2, 0};
}

template <class F>
void each_igd(const VmFacts& vm, F f) {
  for (const Assignment& a : vm.assignments)
    if (takes(a) && a.first && is_igd(*a.first)) f(a, *a.first);
}

void check_no_rom(const Facts&, const VmFacts& vm, Findings& out) {
  each_igd(vm, [&](const Assignment& a, const Device& d) {
    if (!a.parsed().flag(HostpciKey::legacy_igd) || a.parsed().has(HostpciKey::romfile) || d.rom != false) return;
    Diagnostic& f = out.at(a, HostpciKey::legacy_igd,
                           "`legacy-igd` without `romfile`, and `" + describe(d) + "` has no ROM of its own");
    show(f, d, "rom", "does not exist");
    f.notes.push_back("QEMU then leaves legacy mode out and says so only in its log");
    f.help.push_back("give it a `romfile`: a VBIOS for SeaBIOS, a GOP driver for OVMF");
  });
}

void check_opregion(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!is_ovmf(vm.next)) return;
  each_igd(vm, [&](const Assignment& a, const Device& d) {
    if (a.parsed().flag(HostpciKey::legacy_igd) || a.parsed().has(HostpciKey::romfile)) return;
    Diagnostic& f = at_device(out, facts, a, d,
                              "`" + describe(d) + "` will show no picture on its own outputs under OVMF without a ROM");
    f.notes.push_back("no fault if the guest only computes or transcodes");
    f.help.push_back("for a picture: i440fx, `legacy-igd=1` and a `romfile` with IgdAssignmentDxe");
  });
}

void check_host_bridge(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Device* bridge = facts.device(PciAddress{});
  if (!bridge || !bridge->class_code || bridge->has_subclass(0x0600)) return;
  each_igd(vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f =
        at_device(out, facts, a, d, "`" + describe(d) + "` cannot be set up: 0000:00:00.0 is no host bridge");
    show(f, *bridge, "class", "`" + describe(*bridge) + "`");
    f.help.push_back("switch VMD off in the firmware");
  });
}

constexpr Rule rules[] = {
    {
        .id = "device-legacy-igd-no-rom",
        .severity = Severity::warning,
        .summary = "legacy-igd without any ROM",
        .why = "QEMU enters legacy mode only with a ROM, from the device or from a file, and goes on without it "
               "otherwise.",
        .bad = "(without a ROM BAR)\nvga: none\nhostpci0: 0000:00:02.0,legacy-igd=1",
        .good = "vga: none\nhostpci0: 0000:00:02.0,legacy-igd=1",
        .fix = "Give a romfile.",
        .fixable = Fixable::manual,
        .source = "qemu: hw/vfio/igd.c, docs/igd-assign.txt",
        .vm = check_no_rom,
    },
    {
        .id = "device-igd-upt-opregion",
        .severity = Severity::info,
        .summary = "Intel graphics under OVMF without a ROM: no picture on its outputs",
        .why = "The GOP driver needs OpRegion, the ISA bridge's ids and the address 00:02.0; only legacy mode sets all "
               "of them up.",
        .bad = "bios: ovmf\nhostpci0: 0000:00:02.0",
        .good = "bios: ovmf\nhostpci0: 0000:01:00",
        .fix = "legacy-igd=1 with a romfile from VfioIgdPkg, or use it without a screen.",
        .fixable = Fixable::manual,
        .source = "qemu: docs/igd-assign.txt",
        .vm = check_opregion,
    },
    {
        .id = "device-igd-no-host-bridge",
        .severity = Severity::error,
        .summary = "Intel graphics, and 00:00.0 is no host bridge",
        .why = "vfio looks the host bridge up at 00:00.0 to set up IGD regions and fails where VMD has moved it.",
        .bad = "(with VMD at 00:00.0)\nhostpci0: 0000:00:02.0",
        .good = "hostpci0: 0000:00:02.0",
        .fix = "Switch VMD off in the firmware.",
        .fixable = Fixable::manual,
        .source = "kernel: vfio_pci_igd.c",
        .vm = check_host_bridge,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_igd_rules = rules;

}  // namespace hostpci
