// Rules about the guest's firmware: the EFI disk and its keys, the CPU type it can run on, confidential guests.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/versions.hpp"
#include "rules/vm_parts.hpp"

namespace hostpci {
namespace {

bool has_gpu(const VmFacts& vm) {
  for (const Assignment& a : vm.assignments)
    if (std::any_of(a.devices.begin(), a.devices.end(), [](const Device* d) { return d->is_gpu(); })) return true;
  return false;
}

/// PVE makes an old 2 MB image where efitype is absent. Source: qemu-server Drive.pm.
bool is_small(const VmFacts& vm) {
  auto type = property_of(vm, "efidisk0", "efitype");
  return !type || type->value != "4m";
}

bool is_confidential(const VmFacts& vm) { return vm.next.main().find("amd-sev") || vm.next.main().find("intel-tdx"); }

/// OVMF with an EFI disk that counts.
bool uses_efidisk(const Facts& facts, const VmFacts& vm) {
  return is_ovmf(vm.next) && vm.next.main().find("efidisk0") && !is_confidential(vm) && is_x86_guest(facts, vm);
}

void check_small(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!uses_efidisk(facts, vm) || !is_small(vm) || !has_gpu(vm)) return;
  Diagnostic& d = out.at_key("efidisk0", "this EFI disk uses the old 2 MB firmware image");
  if (auto type = property_of(vm, "efidisk0", "efitype")) d.place.span = type->span;
  d.notes.push_back("OVMF is not built in that size any more, so the image gets no fixes for graphics cards");
  d.help.push_back("make a new `efidisk0` with `efitype=4m`: the firmware's settings and boot entries start afresh");
}

/// The property that enrolls Microsoft's keys; only 4 MB images have them.
std::optional<Property> enrolled_keys(const Facts& facts, const VmFacts& vm) {
  if (!uses_efidisk(facts, vm) || is_small(vm)) return {};
  auto keys = property_of(vm, "efidisk0", "pre-enrolled-keys");
  return keys && parse_boolean(keys->value).value_or(false) ? keys : std::nullopt;
}

/// The processor's own graphics among the line's functions or in the slot of one.
bool is_of_integrated_gpu(const Host& host, const Assignment& a) {
  for (const Device* d : a.devices) {
    if (is_integrated_gpu(host, *d)) return true;
    for (const Device* beside : siblings(host, *d))
      if (is_integrated_gpu(host, *beside)) return true;
  }
  return false;
}

bool has_rom_file(const Assignment& a) {
  std::string_view rom = a.parsed().text(HostpciKey::romfile);
  return !rom.empty() && rom != "0" && a.parsed().flag(HostpciKey::rombar, true);
}

void check_unsigned_rom(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto keys = enrolled_keys(facts, vm);
  if (!keys || is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    if (a.is_mdev() || !has_rom_file(a) || !is_of_integrated_gpu(*facts.host, a)) continue;
    Diagnostic& d = out.at(a, HostpciKey::romfile, "Secure Boot may refuse this ROM file");
    d.labels.push_back({Place(vm.vm->source, keys->span), "switches Secure Boot on"});
    d.notes.push_back(
        "ROMs taken out of a mainboard's firmware are not signed, and OVMF then runs no driver from them");
    d.help.push_back(
        "switch Secure Boot off in the firmware's menu, or make a new `efidisk0` with `pre-enrolled-keys=0`");
  }
}

void check_certificate(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::string_view guest = vm.next.text("ostype");
  auto keys = enrolled_keys(facts, vm);
  if (!keys || is_template(vm.next) || vm.assignments.empty() || (guest != "win10" && guest != "win11")) return;
  if (!at_least(*facts.host, "qemu-server", "9.1")) return;
  auto certificate = property_of(vm, "efidisk0", "ms-cert");
  if (certificate && certificate->value == "2023k") return;
  Diagnostic& d = out.at_key("efidisk0", "this EFI disk may lack Microsoft's certificates of 2023");
  d.place.span = certificate ? certificate->span : keys->span;
  d.notes.push_back("those of 2011 expire in 2026: Secure Boot then refuses newer boot loaders and option ROMs");
  d.help.push_back("with the VM stopped: `qm enroll-efi-keys " + vm_word(*vm.vm) + "`");
}

constexpr std::string_view narrow_types[] = {"486",     "athlon",   "coreduo",  "kvm32",
                                             "pentium", "pentium2", "pentium3", "qemu32"};

void check_32bit(const Facts&, const VmFacts& vm, Findings& out) {
  auto type = property_of(vm, "cpu", "cputype", "cputype");
  if (!type || !is_ovmf(vm.next) || is_template(vm.next)) return;
  if (std::find(std::begin(narrow_types), std::end(narrow_types), type->value) == std::end(narrow_types)) return;
  Diagnostic& d = out.at_key("cpu", "OVMF needs a 64-bit CPU type, `" + std::string(type->value) + "` is none");
  d.place.span = type->value_span;
  if (const VmValue* bios = vm.next.main().find("bios")) d.labels.push_back({Place(vm.vm->source, bios->span), "OVMF"});
  d.notes.push_back("Proxmox VE refuses to start " + vm_label(*vm.vm));
  d.fix = replace(vm, "set the type `kvm64`", type->value_span, "kvm64");
}

void check_confidential(const Facts&, const VmFacts& vm, Findings& out) {
  if (vm.assignments.empty() || is_template(vm.next)) return;
  for (std::string_view key : {"amd-sev", "intel-tdx"}) {
    if (!vm.next.main().find(key)) continue;
    Diagnostic& d = out.at_key(key, "PCI passthrough is not supported in a confidential VM");
    d.labels.push_back({Findings::place(vm.assignments.front()), "cannot reach the guest's encrypted memory"});
    d.help.push_back("drop one of the two");
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-efidisk-2m",
        .severity = Severity::info,
        .summary = "a graphics card is passed to a guest with the old 2 MB EFI disk",
        .why = "The 2 MB images of OVMF are no longer built and get no fixes; Secure Boot is not possible with them.",
        .bad = "bios: ovmf\nmachine: q35\nefidisk0: local-lvm:vm-100-disk-1,size=128K\nhostpci0: 0000:01:00,pcie=1",
        .good = "bios: ovmf\nmachine: q35\nefidisk0: local-lvm:vm-100-disk-1,efitype=4m,size=4M\n"
                "hostpci0: 0000:01:00,pcie=1",
        .fix = "Make a new EFI disk with efitype=4m; this resets the firmware's settings.",
        .fixable = Fixable::manual,
        .source = "qemu-server OVMF.pm; pve-docs: qm.adoc",
        .vm = check_small,
    },
    {
        .id = "vm-efi-keys-unsigned-rom",
        .severity = Severity::warning,
        .summary = "Secure Boot keys together with a ROM file for the processor's own graphics",
        .why = "With Secure Boot on, OVMF runs signed option ROMs only. Those of retail cards are signed, those taken "
               "out of a mainboard's firmware for an iGPU or APU are not: the screen stays black, the driver fails.",
        .bad = "bios: ovmf\nefidisk0: local-lvm:vm-100-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M\n"
               "hostpci0: 0000:00:02.0,romfile=igd.rom",
        .good = "bios: ovmf\nefidisk0: local-lvm:vm-100-disk-1,efitype=4m,pre-enrolled-keys=0,size=4M\n"
                "hostpci0: 0000:00:02.0,romfile=igd.rom",
        .fix = "Switch Secure Boot off in OVMF's menu, or use an EFI disk without enrolled keys.",
        .fixable = Fixable::assisted,
        .source = "isc30/ryzen-gpu-passthrough-proxmox#93; strongtz/i915-sriov-dkms#287",
        .vm = check_unsigned_rom,
    },
    {
        .id = "vm-efidisk-ms-cert",
        .severity = Severity::info,
        .summary = "the EFI disk of a Windows guest is not marked to have Microsoft's certificates of 2023",
        .why = "The certificates of 2011 expire in June 2026. What is signed with the new ones only, boot loaders and "
               "option ROMs, is refused by Secure Boot.",
        .bad = "bios: ovmf\nostype: win11\nmachine: q35\n"
               "efidisk0: local-lvm:vm-100-disk-1,efitype=4m,pre-enrolled-keys=1,size=4M\n"
               "hostpci0: 0000:01:00,pcie=1",
        .good = "bios: ovmf\nostype: win11\nmachine: q35\n"
                "efidisk0: local-lvm:vm-100-disk-1,efitype=4m,ms-cert=2023k,pre-enrolled-keys=1,size=4M\n"
                "hostpci0: 0000:01:00,pcie=1",
        .fix = "Run `qm enroll-efi-keys VMID` while the VM is stopped.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (check_efi_vars), OVMF.pm",
        .vm = check_certificate,
    },
    {
        .id = "vm-ovmf-32bit-cpu",
        .severity = Severity::error,
        .summary = "`bios: ovmf` with a 32-bit CPU type",
        .why = "OVMF is a 64-bit firmware; Proxmox VE refuses to start the VM.",
        .bad = "bios: ovmf\ncpu: kvm32\nhostpci0: 0000:01:00",
        .good = "bios: ovmf\ncpu: host\nhostpci0: 0000:01:00",
        .fix = "Use a 64-bit CPU type.",
        .fixable = Fixable::automatic,
        .source = "qemu-server QemuServer.pm (config_to_command), CPUConfig.pm (get_cpu_bitness)",
        .vm = check_32bit,
    },
    {
        .id = "vm-cvm-passthrough",
        .severity = Severity::warning,
        .summary = "PCI passthrough in a confidential VM",
        .why = "The guest's memory is encrypted, and devices that are passed cannot reach it. The manual lists PCI "
               "passthrough among what SEV does not support.",
        .bad = "bios: ovmf\namd-sev: type=snp\nhostpci0: 0000:01:00",
        .good = "bios: ovmf\nhostpci0: 0000:01:00",
        .fix = "Remove one of the two.",
        .fixable = Fixable::manual,
        .source = "pve-docs: qm.adoc (SEV limitations)",
        .vm = check_confidential,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_firmware_rules = rules;

}  // namespace hostpci
