// Rules about option ROMs: the file that romfile= names, and the ROM that the guest's firmware will find or run.
#include <algorithm>
#include <cstdio>

#include "rules/device.hpp"

namespace hostpci {
namespace {

using Rom = Host::RomFile;
constexpr std::uint8_t legacy_code = 0, efi_code = 3;

std::string rom_path(std::string_view name) { return "/usr/share/kvm/" + std::string(name); }

/// The ROM file of a line, as far as QEMU is given it: not "0", which PVE takes for none, and not beside rombar=0's
/// protest.
std::string_view rom_name(const Assignment& a) {
  std::string_view name = a.parsed().text(HostpciKey::romfile);
  return name == "0" || is_template(a.owner->next) || a.owner->foreign ? std::string_view() : name;
}

const Rom* rom_of(const Facts& facts, const Assignment& a) {
  std::string_view name = rom_name(a);
  auto at = facts.host->roms.find(std::string(name));
  return name.empty() || at == facts.host->roms.end() ? nullptr : &at->second;
}

/// A ROM whose images could be read: judging what is in it makes sense.
bool is_sound(const Rom* rom) { return rom && rom->exists && rom->signature == true && !rom->images.empty(); }

bool has_code(const Rom& rom, std::uint8_t type) {
  return std::any_of(rom.images.begin(), rom.images.end(),
                     [&](const Rom::Image& image) { return image.code_type == type; });
}

void show_rom(Diagnostic& d, std::string_view name, std::string message) {
  d.labels.push_back({Place(rom_path(name)), std::move(message)});
}

std::string images_text(const Rom& rom) {
  std::string text;
  for (const Rom::Image& image : rom.images) {
    char type[16];
    std::snprintf(type, sizeof type, "type %u", unsigned(image.code_type));
    text += (text.empty() ? "" : ", ") + image.id.str() + " ";
    text += image.code_type == legacy_code ? "legacy" : image.code_type == efi_code ? "EFI" : type;
  }
  return "images: " + text;
}

void check_missing(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    std::string_view name = rom_name(a);
    if (name.empty()) continue;
    auto at = facts.host->roms.find(std::string(name));
    bool leads_out = name.front() == '/' || name.find("..") != name.npos;
    if (at == facts.host->roms.end()) {
      if (!leads_out && a.first) out.unknown(rom_path(name), rom_path(name));
      continue;
    }
    if (at->second.exists) continue;
    Diagnostic& d = out.at(a, HostpciKey::romfile, "there is no ROM file `" + rom_path(name) + "`");
    d.notes.push_back("the VM would not start: QEMU fails with \"failed to find romfile\"");
    for (const auto& [other, rom] : facts.host->roms)
      if (rom.exists) d.help.push_back("there is `" + other + "`");
    d.help.push_back("copy the ROM there, or remove `romfile`");
  }
}

void check_size(const Facts& facts, const VmFacts& vm, Findings& out) {
  constexpr std::uint64_t mib = 1024 * 1024;
  for (const Assignment& a : vm.assignments) {
    const Rom* rom = rom_of(facts, a);
    if (!rom || !rom->exists || (rom->size >= 512 && rom->size <= 16 * mib)) continue;
    bool fatal = rom->size == 0 || rom->size > 2048 * mib;
    std::string name(rom_name(a));
    Diagnostic& d = out.at(
        a, HostpciKey::romfile,
        rom->size == 0 ? "ROM file `" + name + "` is empty"
                       : "ROM file `" + name + "` has " + std::to_string(rom->size) + " bytes, which is no option ROM");
    if (!fatal) d.severity = Severity::warning;
    d.help.push_back("dump the ROM again; reading sysfs `rom` gives nothing while the card is in use");
  }
}

void check_signature(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    const Rom* rom = rom_of(facts, a);
    if (!rom || !rom->exists || rom->signature != false || rom->size < 512) continue;
    Diagnostic& d =
        out.at(a, HostpciKey::romfile, "ROM file `" + std::string(rom_name(a)) + "` does not start with 55 AA");
    show_rom(d, rom_name(a), "no option ROM at its start");
    d.notes.push_back("files from NVFlash or TechPowerUp carry a vendor header before the first image");
    d.help.push_back("cut everything before the first 55 AA … PCIR off");
  }
}

/// Another device of this host that an image of the ROM is made for.
const Device* owner_of_rom(const Facts& facts, const Rom& rom) {
  for (const auto& [address, d] : facts.host->devices)
    for (const Rom::Image& image : rom.images)
      if (d.id == image.id) return &d;
  return nullptr;
}

/// The ids that the guest's firmware compares: the device's, or those that the line puts in their place.
bool matches_device(const Rom& rom, const Assignment& a) {
  if (a.parsed().has(HostpciKey::vendor_id) || a.parsed().has(HostpciKey::device_id)) return true;
  return std::any_of(rom.images.begin(), rom.images.end(),
                     [&](const Rom::Image& image) { return image.id == *a.first->id || image.id == PciId{}; });
}

/// A ROM meant for a display, on a display: a ROM on another function (AMDGopDriver.rom on the audio function) is put
/// there on purpose.
bool is_foreign_rom(const Facts& facts, const Assignment& a) {
  const Rom* rom = rom_of(facts, a);
  return is_sound(rom) && a.first && a.first->id && a.first->is_gpu() && !a.is_mdev() && !matches_device(*rom, a);
}

void check_mismatch(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    if (!is_foreign_rom(facts, a) || owner_of_rom(facts, *rom_of(facts, a))) continue;
    std::string name(rom_name(a));
    Diagnostic& d = out.at(a, HostpciKey::romfile,
                           "ROM file `" + name + "` is of another device than `" + describe(*a.first) + "`");
    show_rom(d, name, images_text(*rom_of(facts, a)));
    d.notes.push_back("the guest's firmware skips images whose ids do not match");
  }
}

/// The ROM names a device that is on this host, at another address than the line: cards were moved.
void check_moved(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    const Rom* rom = rom_of(facts, a);
    if (!is_sound(rom) || !a.first || !a.first->id || a.is_mdev() || matches_device(*rom, a)) continue;
    const Device* owner = owner_of_rom(facts, *rom);
    if (!owner || !owner->is_gpu() || owner->address.same_slot(a.first->address) || facts.users.count(owner->address))
      continue;
    Diagnostic& d = at_device(out, facts, a, *a.first,
                              "`" + describe(*a.first) + "` is not the device of ROM file `" +
                                  std::string(rom_name(a)) + "`: that is `" + describe(*owner) + "` now");
    show_rom(d, rom_name(a), images_text(*rom));
    d.notes.push_back(
        "addresses change when cards are added or moved, and Proxmox VE checks ids of resource mappings only");
    if (const HostElement* element = element_of(facts, a, *a.first)) {
      std::string address = element->pattern.whole_slot ? owner->address.slot() : owner->address.str();
      d.help.push_back("name `" + address + "`, or better a resource mapping");
    }
  }
}

void check_no_uefi(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!is_ovmf(vm.next) || architecture(vm.next) != "x86_64") return;
  for (const Assignment& a : vm.assignments) {
    const Rom* rom = rom_of(facts, a);
    bool display = a.first && a.first->is_gpu() && !a.first->has_subclass(0x0302);
    if (!is_sound(rom) || !display || rom->truncated || has_code(*rom, efi_code)) continue;
    Diagnostic& d = out.at(a, HostpciKey::romfile,
                           "ROM file `" + std::string(rom_name(a)) + "` has no EFI image, and the VM boots with OVMF");
    show_rom(d, rom_name(a), images_text(*rom));
    if (const VmValue* bios = vm.next.main().find("bios"))
      d.labels.push_back({Place(vm.vm->source, bios->span), "OVMF runs EFI images only"});
    d.notes.push_back("the screen stays dark until the guest's own driver loads");
    d.help.push_back("get a ROM with a GOP driver, or use SeaBIOS");
  }
}

void check_no_legacy(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_ovmf(vm.next) || architecture(vm.next) != "x86_64") return;
  for (const Assignment& a : vm.assignments) {
    const Rom* rom = rom_of(facts, a);
    if (!is_sound(rom) || rom->truncated || !a.parsed().flag(HostpciKey::x_vga) || has_code(*rom, legacy_code))
      continue;
    Diagnostic& d =
        out.at(a, HostpciKey::romfile,
               "ROM file `" + std::string(rom_name(a)) + "` has no legacy image, and the VM boots with SeaBIOS");
    show_rom(d, rom_name(a), images_text(*rom));
    d.help.push_back("use `bios: ovmf`");
  }
}

bool boots_from(const VmFacts& vm, const Assignment& a) {
  std::vector<std::string_view> order = boot_order(vm.next);
  return std::find(order.begin(), order.end(), a.key()) != order.end();
}

void check_hang(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_ovmf(vm.next) || architecture(vm.next) != "x86_64" || is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    if (!a.first || a.is_mdev() || !a.parsed().flag(HostpciKey::rombar, true) || !rom_name(a).empty() ||
        boots_from(vm, a))
      continue;
    bool prone = false;
    for (std::uint32_t subclass : {0x0107u, 0x0104u, 0x0200u, 0x0302u})
      prone = prone || a.first->has_subclass(subclass);
    if (!prone || a.first->rom != true || a.first->is_vf()) continue;
    Diagnostic& d = at_device(out, facts, a, *a.first,
                              "SeaBIOS will run the option ROM of `" + describe(*a.first) + "`, which may stall it");
    Span end{a.line().value.span.end, a.line().value.span.end};
    if (const HostpciProperty* rombar = a.parsed().find(HostpciKey::rombar))
      d.fix = replace(vm, "hide the ROM", rombar->value_span, "0");
    else
      d.fix = replace(vm, "hide the ROM", end, ",rombar=0");
    d.help.push_back("`rombar=0`, unless the VM boots from this device");
  }
}

constexpr Rule rules[] = {
    {
        .id = "device-romfile-missing",
        .severity = Severity::error,
        .summary = "the ROM file does not exist",
        .why =
            "romfile names a file below /usr/share/kvm of the node that runs the VM; QEMU does not start without it.",
        .bad = "hostpci0: 0000:01:00,romfile=gtx1081.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Copy or dump the ROM there, or remove romfile.",
        .fixable = Fixable::assisted,
        .source = "qemu: hw/pci/pci.c; qemu-server: PCI.pm (print_hostpci_devices)",
        .vm = check_missing,
    },
    {
        .id = "device-romfile-size",
        .severity = Severity::error,
        .summary = "the ROM file is empty or of a size no option ROM has",
        .why = "A dump through sysfs that failed leaves an empty file, and QEMU refuses it.",
        .bad = "(a failed dump)\nhostpci0: 0000:01:00,romfile=empty.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Dump it again.",
        .fixable = Fixable::manual,
        .source = "qemu: hw/pci/pci.c",
        .vm = check_size,
    },
    {
        .id = "device-romfile-signature",
        .severity = Severity::error,
        .summary = "the ROM file does not start as an option ROM does",
        .why = "The guest's firmware looks for 55 AA at the very start and ignores the ROM otherwise: the screen stays "
               "black. Files of "
               "flash tools have a header before it.",
        .bad = "(with NVFlash's header)\nhostpci0: 0000:01:00,romfile=nvflash.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Cut off what stands before the first image.",
        .fixable = Fixable::assisted,
        .source = "kernel: drivers/pci/rom.c",
        .vm = check_signature,
    },
    {
        .id = "device-romfile-pcir-mismatch",
        .severity = Severity::warning,
        .summary = "the ROM file is of another device",
        .why = "Firmware compares vendor and device of each image with the card's and skips those that differ.",
        .bad = "(of another card)\nhostpci0: 0000:01:00,romfile=rx580.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Use the dump of this very card.",
        .fixable = Fixable::manual,
        .source = "PCI Firmware Specification; kernel: drivers/pci/rom.c",
        .vm = check_mismatch,
    },
    {
        .id = "device-address-moved",
        .severity = Severity::error,
        .summary = "the address now belongs to another device than the line was written for",
        .why = "Adding a card, a firmware update or a new kernel renumbers buses. The ROM file shows which card was "
               "meant.",
        .bad = "hostpci0: 0000:05:10.0,romfile=gtx1080.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Name the new address; better, use a resource mapping, which checks the ids.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm.adoc (resource mapping)",
        .vm = check_moved,
    },
    {
        .id = "device-romfile-no-uefi",
        .severity = Severity::warning,
        .summary = "the VM boots with OVMF and the ROM file has no EFI image",
        .why = "OVMF needs a GOP driver to show anything; a ROM with a legacy image only leaves the screen dark.",
        .bad = "(a legacy ROM)\nbios: ovmf\nhostpci0: 0000:01:00,romfile=legacy.rom",
        .good = "bios: ovmf\nhostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Get a ROM with an EFI image, or use SeaBIOS.",
        .fixable = Fixable::manual,
        .source = "pve-docs: qm-pci-passthrough.adoc; PCI Firmware Specification (code types)",
        .vm = check_no_uefi,
    },
    {
        .id = "device-seabios-no-legacy-rom",
        .severity = Severity::warning,
        .summary = "the VM boots with SeaBIOS and x-vga, and the ROM file has no legacy image",
        .why = "Recent cards carry an EFI image only, which SeaBIOS cannot run: the screen stays black.",
        .bad = "(an EFI ROM)\nhostpci0: 0000:01:00,x-vga=1,romfile=gop.rom",
        .good = "hostpci0: 0000:01:00,x-vga=1,romfile=gtx1080.rom",
        .fix = "Use bios: ovmf.",
        .fixable = Fixable::assisted,
        .source = "PCI Firmware Specification (code types)",
        .vm = check_no_legacy,
    },
    {
        .id = "device-oprom-hang",
        .severity = Severity::info,
        .summary = "SeaBIOS will run the option ROM of a controller or network card",
        .why =
            "Option ROMs of storage controllers and network cards run in the guest and may stall it before it boots.",
        .bad = "hostpci0: 0000:05:00.0",
        .good = "hostpci0: 0000:05:00.0,rombar=0",
        .fix = "Set rombar=0, unless the VM boots from the device.",
        .fixable = Fixable::automatic,
        .source = "seabios: option ROM scan",
        .vm = check_hang,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_rom_rules = rules;

}  // namespace hostpci
