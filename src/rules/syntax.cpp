// Rules about the text of hostpci lines: what Proxmox VE drops, and what it takes and trips over later.
#include "rules/syntax.hpp"

#include "rules/device.hpp"
#include "rules/refused.hpp"
#include "rules/versions.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view dropped = "Proxmox VE drops the line, and the VM starts without the device";

/// The faults of all hostpci values that carry this rule's name.
void check_fault(const Facts&, const VmFacts& vm, Findings& out) {
  for (const HostpciText& line : hostpci_texts(*vm.vm)) {
    if (!line.accepted()) continue;
    Hostpci parsed = parse_hostpci(slice(vm.vm->source->text, line.value), line.value.begin);
    for (const HostpciError& error : parsed.errors) {
      if (error.rule != out.rule()) continue;
      Diagnostic& d = out.add(Place(vm.vm->source, error.span), error.message);
      d.key = slice(vm.vm->source->text, line.key);
      d.notes.emplace_back(dropped);
      bool told_by_fix = error.fixable && error.help.compare(0, 12, "did you mean") == 0;
      if (!error.help.empty() && !told_by_fix) d.help.push_back(error.help);
      if (error.fixable)
        d.fix = replace(vm, error.replacement.empty() ? "take it out" : "write `" + error.replacement + "`", error.span,
                        error.replacement, Safety::safe);
    }
  }
}

std::string line_fault(const HostpciText& line) {
  if (line.marked) return "a byte order mark, which editors do not show, stands before the key";
  if (line.indented) return "blanks stand before the key";
  if (line.gap.size() > 0) return line.numbered ? "a blank stands before the `:`" : "a blank stands in the key";
  if (!line.colon) return "there is no `:` after the key";
  return line.numbered ? "there is no value" : "the key has no index, it is `hostpci0` to `hostpci15`";
}

/// syntax-index-range tells of it.
bool wrong_index(const HostpciText& line) { return !line.indented && line.colon && line.numbered && !line.index; }

/// "hostpci0: " and nothing more: Proxmox VE keeps the blank as the value.
bool is_blank_value(const VmFacts& vm, const HostpciText& line) {
  return line.index && !line.indented && line.colon && line.value.size() == 0 &&
         vm.vm->main().find(slice(vm.vm->source->text, line.key));
}

/// Blanks and marks around the key go, unless that would make a second line of a key.
void offer_plain_key(const VmFacts& vm, const HostpciText& line, Diagnostic& d) {
  if (!line.indented && line.gap.size() == 0) return;
  std::string_view text = vm.vm->source->text;
  std::string key(slice(text, line.key));
  for (std::size_t at = line.gap.end; line.gap.size() > 0 && !line.numbered && at < text.size() && text[at] != ':'; ++at) key += text[at];
  if (vm.vm->main().find(key)) return d.help.push_back("there is a line `" + key + "` already: take another index");
  std::uint32_t begin = vm.vm->syntax.lines[line.line].span.begin;
  if (line.indented)
    d.fix = replace(vm, line.marked ? "remove the mark" : "remove the blanks", {begin, line.key.begin}, "", Safety::safe);
  if (line.gap.size() > 0) d.fix = replace(vm, "remove the blank", line.gap, "", Safety::safe);
}

void check_dropped(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_fault(facts, vm, out);
  for (const HostpciText& line : hostpci_texts(*vm.vm)) {
    if (line.accepted() || wrong_index(line) || is_blank_value(vm, line)) continue;
    Diagnostic& d =
        out.add(Place(vm.vm->source, line.key), "this is no hostpci line to Proxmox VE: " + line_fault(line));
    d.key = slice(vm.vm->source->text, line.key);
    d.notes.emplace_back(dropped);
    offer_plain_key(vm, line, d);
  }
}

void check_function_range(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const HostElement& element : a.parsed().hosts) {
      std::size_t dot = element.text.rfind('.');
      if (dot == element.text.npos || element.text[dot + 1] <= '7') continue;
      Diagnostic& d = out.at(a, "there is no function `" + std::string(element.text) + "`: functions are 0 to 7");
      d.place = Place(vm.vm->source, element.span);
      d.notes.emplace_back("Proxmox VE accepts the text and finds no such device when the VM starts");
    }
}

/// 8-4-4-4-12 hex digits.
bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

void check_mdev_value(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_fault(facts, vm, out);
  for (const Assignment& a : vm.assignments) {
    if (!is_uuid(a.parsed().text(HostpciKey::mdev))) continue;
    Diagnostic& d = out.at(a, HostpciKey::mdev, "`mdev` names a type, not the UUID of an instance");
    d.notes.emplace_back("Proxmox VE makes the instance itself when the VM starts");
    if (!a.first || !a.first->mdev_types) continue;
    std::vector<std::string> types;
    for (const MdevType& type : *a.first->mdev_types) types.push_back("`" + type.type + "`");
    if (!types.empty()) d.help.push_back("types of " + a.first->address.str() + ": " + join(types, ", "));
  }
}

bool leads_out(std::string_view path) {
  for (std::string_view part : split(path, '/'))
    if (part == "..") return true;
  return !path.empty() && path.front() == '/';
}

void check_romfile_path(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_fault(facts, vm, out);
  constexpr std::string_view directory = "/usr/share/kvm/";
  for (const Assignment& a : vm.assignments) {
    std::string_view rom = a.parsed().text(HostpciKey::romfile);
    if (!leads_out(rom)) continue;
    Diagnostic& d =
        out.at(a, HostpciKey::romfile, "`romfile` is the name of a file in " + std::string(directory) + ", not a path");
    d.notes.push_back("Proxmox VE would look for `" + std::string(directory) + std::string(rom) + "`");
    std::string_view rest =
        rom.substr(0, directory.size()) == directory ? rom.substr(directory.size()) : std::string_view();
    if (!rest.empty() && !leads_out(rest))
      d.fix = replace(vm, "write `romfile=" + std::string(rest) + "`", a.parsed().find(HostpciKey::romfile)->value_span,
                      std::string(rest), Safety::safe);
    else
      d.help.push_back("copy the file to " + std::string(directory) + " and write its bare name");
  }
}

void check_driver(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_fault(facts, vm, out);
  if (vm.foreign || at_least(*facts.host, "qemu-server", "9.0.25")) return;
  for (const Assignment& a : vm.assignments) {
    if (!a.parsed().has(HostpciKey::driver)) continue;
    Diagnostic& d = out.at(
        a, HostpciKey::driver,
        "`driver` is not known before qemu-server 9.0.25; installed is " + facts.host->packages.at("qemu-server"));
    d.notes.emplace_back(dropped);
    d.fix = drop_property(a, HostpciKey::driver, Safety::safe);
  }
}

constexpr std::string_view pci_pm = "qemu-server PCI.pm";

constexpr Rule rules[] = {
    {
        .id = "syntax-invalid-line-dropped",
        .severity = Severity::error,
        .summary = "a hostpci line that Proxmox VE cannot parse is dropped, and the VM starts without the device",
        .why = "A value that fails the schema is reported to the log only and never stored: the start succeeds and the "
               "guest "
               "silently lacks the card. At the next write of the file the line is gone.",
        .bad = "hostpci0: 0000:01:00,pcie=",
        .good = "machine: q35\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Write the value as Proxmox VE reads it; the finding says what was expected.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (parse_vm_config, check_type)",
        .vm = check_dropped,
    },
    {
        .id = "syntax-index-range",
        .severity = Severity::error,
        .summary = "the key is not one of `hostpci0` to `hostpci15`",
        .why = "There are 16 entries; keys are lower case and carry no leading zero. Any other key is unknown, and its "
               "line is "
               "dropped.",
        .bad = "hostpci16: 0000:01:00",
        .good = "hostpci15: 0000:01:00",
        .fix = "Use a free index.",
        .fixable = Fixable::automatic,
        .source = "qemu-server PCI.pm ($MAX_HOSTPCI_DEVICES), QemuServer.pm (parse_vm_config)",
        .vm = check_index_range,
    },
    {
        .id = "syntax-unknown-option",
        .severity = Severity::error,
        .summary = "unknown or misspelt property",
        .why = "The format forbids keys it does not know, and keys are case-sensitive: one typing error drops the "
               "whole line.",
        .bad = "hostpci0: 0000:01:00,x_vga=1",
        .good = "hostpci0: 0000:01:00,x-vga=1",
        .fix = "Write the property's name as Proxmox VE does.",
        .fixable = Fixable::automatic,
        .source = "qemu-server PCI.pm ($hostpci_fmt), pve-common JSONSchema.pm",
        .vm = check_fault,
    },
    {
        .id = "syntax-addr-format",
        .severity = Severity::error,
        .summary = "the PCI address is not in Proxmox VE's form",
        .why = "Addresses are lower-case hex with all their digits: `0000:01:00.0`, `01:00.0`, or `01:00` for all "
               "functions. "
               "Upper case, missing zeros and names from other tools are refused.",
        .bad = "hostpci0: 0A:00.0",
        .good = "hostpci0: 01:00.0",
        .fix = "Write the address as `hostpci devices` shows it.",
        .fixable = Fixable::automatic,
        .source = pci_pm,
        .vm = check_fault,
    },
    {
        .id = "syntax-addr-function-range",
        .severity = Severity::error,
        .summary = "a function digit above 7",
        .why = "The pattern takes any hex digit, but a device has functions 0 to 7: such a device can never exist, and "
               "the VM "
               "does not start.",
        .bad = "hostpci0: 0000:01:00.8",
        .good = "hostpci0: 0000:01:00.0",
        .fix = "Correct the address.",
        .fixable = Fixable::manual,
        .source = pci_pm,
        .vm = check_function_range,
    },
    {
        .id = "syntax-comma-list",
        .severity = Severity::error,
        .summary = "several addresses are separated by a comma instead of a semicolon",
        .why = "`host` is the default key: a second address after a comma is a second `host`, and the line is dropped.",
        .bad = "hostpci0: 01:00.0,01:00.1",
        .good = "hostpci0: 01:00.0;01:00.1",
        .fix = "Write `;` between addresses, or `01:00` for all functions.",
        .fixable = Fixable::automatic,
        .source = "pve-common JSONSchema.pm (parse_property_string)",
        .vm = check_fault,
    },
    {
        .id = "syntax-host-xor-mapping",
        .severity = Severity::error,
        .summary = "both or neither of `host` and `mapping` are given",
        .why = "The schema takes both; only the start of the VM refuses. The line is kept, nobody is warned when it is "
               "written.",
        .bad = "hostpci0: 0000:01:00,mapping=gpu",
        .good = "hostpci0: mapping=gpu",
        .fix = "Keep one of the two.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (parse_hostpci)",
        .vm = check_refused,
    },
    {
        .id = "syntax-bare-mapping-name",
        .severity = Severity::error,
        .summary = "the name of a mapping stands without `mapping=`",
        .why = "A value without a key is a host address. The example of the administration guide leaves `mapping=` out "
               "and does "
               "not work.",
        .bad = "hostpci0: gpu",
        .good = "hostpci0: mapping=gpu",
        .fix = "Write `mapping=NAME`.",
        .fixable = Fixable::automatic,
        .source = pci_pm,
        .vm = check_fault,
    },
    {
        .id = "syntax-boolean",
        .severity = Severity::error,
        .summary = "the value of `rombar`, `pcie`, `x-vga` or `legacy-igd` is no boolean",
        .why = "Booleans are 1, on, yes, true and 0, off, no, false, in any letter case; anything else drops the line.",
        .bad = "hostpci0: 0000:01:00,rombar=enabled",
        .good = "hostpci0: 0000:01:00,rombar=1",
        .fix = "Write 1 or 0.",
        .fixable = Fixable::automatic,
        .source = "pve-common JSONSchema.pm (parse_boolean)",
        .vm = check_fault,
    },
    {
        .id = "syntax-id-override",
        .severity = Severity::error,
        .summary = "an id override is not `0x` and four hex digits",
        .why = "`vendor-id`, `device-id`, `sub-vendor-id` and `sub-device-id` need the prefix 0x and all four digits.",
        .bad = "hostpci0: 0000:01:00,device-id=1b80",
        .good = "hostpci0: 0000:01:00,device-id=0x1b80",
        .fix = "Write 0x and four hex digits.",
        .fixable = Fixable::automatic,
        .source = pci_pm,
        .vm = check_fault,
    },
    {
        .id = "syntax-mdev-value",
        .severity = Severity::error,
        .summary = "`mdev` holds a UUID or a path instead of the name of a type",
        .why = "Proxmox VE makes the mediated device itself, with a UUID of its own; the property names a type such as "
               "i915-GVTg_V5_4 or nvidia-474.",
        .bad = "hostpci0: 0000:00:02.0,mdev=6b1f6a3e-0f0b-4a4e-9d35-0c4b5f6d7e8f",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Name a directory of mdev_supported_types, or nvidia-ID.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm, PCI/Mdev.pm (generate_mdev_uuid)",
        .vm = check_mdev_value,
    },
    {
        .id = "syntax-romfile-path",
        .severity = Severity::error,
        .summary = "`romfile` leads out of /usr/share/kvm",
        .why = "Proxmox VE puts /usr/share/kvm/ before the value as it stands: an absolute path is not found there, "
               "and `..` "
               "would read any file of the host.",
        .bad = "hostpci0: 0000:01:00,romfile=/root/gtx1080.rom",
        .good = "hostpci0: 0000:01:00,romfile=gtx1080.rom",
        .fix = "Copy the file to /usr/share/kvm and write its bare name.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (print_hostpci_devices)",
        .vm = check_romfile_path,
    },
    {
        .id = "syntax-driver-enum",
        .severity = Severity::error,
        .summary = "`driver` is not `vfio` or `keep`, or newer than this node",
        .why = "The schema knows these two words, since qemu-server 9.0.25; older nodes drop the whole line.",
        .bad = "hostpci0: 0000:01:00,driver=vfio-pci",
        .good = "hostpci0: 0000:01:00,driver=vfio",
        .fix = "Write `vfio` or `keep`, or take the property out.",
        .fixable = Fixable::automatic,
        .source = "qemu-server PCI.pm, debian/changelog 9.0.25",
        .vm = check_driver,
    },
    {
        .id = "syntax-nonascii",
        .severity = Severity::error,
        .summary = "typographic quotes, special blanks, full-width characters or CRLF where a parser reads words",
        .why = "Text copied from web pages turns quotes and hyphens into look-alikes; the parser then sees another "
               "word. In a "
               "VM's file a carriage return at the end of a line is white space, inside a value it is not.",
        .bad = "# /etc/modprobe.d/gpu.conf\noptions vfio-pci ids=\u201c10de:1b80\u201d",
        .good = "# /etc/modprobe.d/gpu.conf\n# \u201cquoted\u201d in a comment\nblacklist nvidiafb",
        .fix = "Write plain ASCII and plain line feeds.",
        .fixable = Fixable::automatic,
        .source = "kernel parse_args, kmod libkmod-config.c, GRUB grub-mkconfig",
        .vm = check_nonascii,
        .host = check_nonascii_files,
    },
    {
        .id = "syntax-commented-line",
        .severity = Severity::info,
        .summary = "a commented-out hostpci line became part of the description",
        .why = "Lines with `#` in a VM's file are no comments: they are the description, and move to the top at the "
               "next write.",
        .bad = "#hostpci1: 0000:02:00.0,pcie=1\nhostpci0: 0000:01:00",
        .good = "#the GPU is hostpci0\nhostpci0: 0000:01:00",
        .fix = "Delete the line, or keep the old value somewhere else.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (parse_vm_config)",
        .vm = check_commented_line,
    },
    {
        .id = "syntax-pending-change",
        .severity = Severity::info,
        .summary = "a change that passthrough depends on is still pending",
        .why = "hostpci is never hot-plugged: pending values count from the next full stop and start, not from a "
               "reboot inside "
               "the guest.",
        .bad = "hostpci0: 0000:01:00\n\n[PENDING]\nhostpci0: 0000:01:00.0",
        .good = "hostpci0: 0000:01:00\n\n[PENDING]\nmemory: 4096",
        .fix = "Shut the VM down and start it.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (vmconfig_hotplug_pending, vm_start_nolock)",
        .vm = check_pending_change,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> syntax_rules = rules;

}  // namespace hostpci
