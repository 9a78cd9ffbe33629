// udev rules of our own: a device kept for its driver by address, virtual functions as soon as there is a driver.
#include <algorithm>

#include "config/boot_draft_modules.hpp"
#include "config/functions_rule.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// udev sets attributes while it reads the rules, and loads modules (80-drivers.rules, RUN) after that: a device is
/// marked before a driver can come for it. drivers_probe binds it at once where vfio-pci is loaded already; it does
/// nothing to a device that has a driver. Source: systemd udev-rules.c (TK_A_ATTR), linux drivers/base/bus.c.
std::string override_rule(std::string_view address, std::string_view driver) {
  std::string device(address);
  return "ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"" + device + "\", ATTR{driver_override}=\"" +
         std::string(driver) + "\", ATTR{[subsystem/pci]drivers_probe}=\"" + device + "\"";
}

constexpr std::string_view override_key = "ATTR{driver_override}=\"", functions_key = "ATTR{sriov_numvfs}=\"",
                           no_probe_key = "ATTR{sriov_drivers_autoprobe}=\"0\"";

/// The driver may come before udev (initramfs: "add" finds it bound) or after ("bind"). Only 0 may become another number.
/// Source: linux drivers/pci/iov.c sriov_numvfs_store.
std::string make_functions_rule(std::string_view address, unsigned count, bool probe) {
  return "ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"" + std::string(address) +
         "\", DRIVER==\"?*\", ATTR{sriov_numvfs}==\"0\", " + (probe ? "" : std::string(no_probe_key) + ", ") +
         "ATTR{sriov_numvfs}=\"" + std::to_string(count) + "\"";
}

/// What a function's own attributes do not tell: which card it is of.
std::string of_card(std::string_view address) {
  return "ATTR{physfn/uevent}==\"*PCI_SLOT_NAME=" + std::string(address) + "*\"";
}

/// Where the card's autoprobe is 0, the kernel lets no driver have a function but the one that driver_override names; Proxmox VE
/// writes new_id and bind only. Source: linux drivers/pci/pci-driver.c pci_device_can_probe, pve-common SysFSTools.pm.
std::string open_rule(std::string_view address) {
  return "ACTION==\"add\", SUBSYSTEM==\"pci\", " + of_card(address) + ", ATTR{driver_override}=\"vfio-pci\"";
}

std::vector<std::string> rules_with(const DraftFiles& files, std::string_view key, std::string_view address) {
  std::vector<std::string> result;
  std::string kernel = "KERNEL==\"" + std::string(address) + '"';
  for (std::string& line : files.own_lines(own::udev))
    if (line.find(key) != line.npos && (address.empty() || line.find(kernel) != line.npos))
      result.push_back(std::move(line));
  return result;
}

Refused set_rule(DraftFiles& files, std::string_view key, std::string_view address, const std::string& rule) {
  for (const std::string& line : rules_with(files, key, address))
    if (line != rule) files.remove_own_line(own::udev, line);
  return files.add_own_line(own::udev, rule);
}

/// "0000:01:00.0": what the kernel calls the device. Anything else could end a rule's string.
Refused check_address(std::string_view address) {
  bool plain = !address.empty() && std::all_of(address.begin(), address.end(), [](char c) {
    return std::string_view("0123456789abcdef:.").find(c) != std::string_view::npos;
  });
  if (plain) return {};
  return DraftRefusal{own::udev, 0, "`" + std::string(address) + "` is no address as the kernel writes it"};
}

// The rules reach the initramfs ----------------------------------------------------------------------------------------------

constexpr const char* hook =
    "#!/bin/sh\n"
    "# Made by hostpci: its udev rules go into the initramfs, where drivers are loaded first.\n"
    "case \"$1\" in\n"
    "prereqs)\n"
    "\techo udev\n"
    "\texit 0\n"
    "\t;;\n"
    "esac\n"
    "rules=/etc/udev/rules.d/70-hostpci.rules\n"
    "[ -e \"$rules\" ] || exit 0\n"
    "mkdir -p \"$DESTDIR/etc/udev/rules.d\"\n"
    "cp -p \"$rules\" \"$DESTDIR$rules\"\n";

const std::string dracut_line = std::string("install_items+=\" ") + own::udev + " \"";
const std::string mkinitcpio_line = std::string("FILES+=(") + own::udev + ")";

Refused add_to_initramfs(DraftFiles& files, InitramfsTool tool) {
  if (tool == InitramfsTool::dracut) return files.add_own_line(own::dracut, dracut_line);
  if (tool == InitramfsTool::mkinitcpio) return files.add_own_line(own::mkinitcpio, mkinitcpio_line);
  if (tool == InitramfsTool::unknown) return {};
  auto at = files.texts().find(own::initramfs_hook);
  if (at != files.texts().end() && at->second != hook && at->second.find("# Made by hostpci") == std::string::npos)
    return DraftRefusal{own::initramfs_hook, 1, "this file was not made by hostpci"};
  files.write(own::initramfs_hook, hook);
  return {};
}

void remove_from_initramfs(DraftFiles& files) {
  auto at = files.texts().find(own::initramfs_hook);
  if (at != files.texts().end() && at->second.find("# Made by hostpci") != std::string::npos)
    files.remove(own::initramfs_hook);
  files.remove_own_line(own::dracut, dracut_line);
  files.remove_own_line(own::mkinitcpio, mkinitcpio_line);
}

}  // namespace

bool has_override_rule(const DraftFiles& files) {
  std::vector<std::string> lines = rules_with(files, override_key, "");
  return std::any_of(lines.begin(), lines.end(), [](const std::string& line) { return line.find("KERNEL==") != line.npos; });
}

Refused set_override_rule(DraftFiles& files, InitramfsTool tool, std::string_view address, std::string_view driver) {
  if (Refused refused = check_address(address)) return refused;
  if (driver.empty() || driver.find_first_of("\"\\\n$%") != driver.npos)
    return DraftRefusal{own::udev, 0, "`" + std::string(driver) + "` is no driver's name"};
  if (Refused refused = set_rule(files, override_key, address, override_rule(address, driver))) return refused;
  return add_to_initramfs(files, tool);
}

void remove_override_rule(DraftFiles& files, InitramfsTool, std::string_view address) {
  for (const std::string& line : rules_with(files, override_key, address)) files.remove_own_line(own::udev, line);
  if (!has_override_rule(files)) remove_from_initramfs(files);
}

Refused set_functions_rule(DraftFiles& files, std::string_view address, unsigned count, bool probe) {
  if (Refused refused = check_address(address)) return refused;
  if (Refused refused = set_rule(files, functions_key, address, make_functions_rule(address, count, probe))) return refused;
  if (!probe) return files.add_own_line(own::udev, open_rule(address));
  files.remove_own_line(own::udev, open_rule(address));
  return {};
}

void remove_functions_rule(DraftFiles& files, std::string_view address) {
  files.remove_own_line(own::udev, open_rule(address));
  for (const std::string& line : rules_with(files, functions_key, address)) files.remove_own_line(own::udev, line);
}

std::optional<FunctionsRule> functions_rule(std::string_view rules, std::string_view address) {
  std::optional<FunctionsRule> found;
  for (std::string_view line : split(rules, '\n')) {
    std::size_t at = line.find(functions_key);
    if (trim(line).starts_with("#") || at == line.npos || line.find(address) == line.npos) continue;
    std::string_view value = line.substr(at + functions_key.size());
    auto count = number(value.substr(0, value.find('"')));
    if (!count || *count > 0xffff || (found && found->count >= *count)) continue;
    found = FunctionsRule{std::uint32_t(*count), line.find(no_probe_key) == line.npos};
  }
  return found;
}

Refused drop_sysfs_line(DraftFiles& files, std::string_view path) {
  for (const auto& [source, lines] : std::vector(files.config().sysfs)) {
    std::vector<Edit> edits;
    for (const SysfsLine& line : lines) {
      if (line.kind != SysfsLine::Kind::value || line.path != path) continue;
      Span span = source->line_at(line.span.begin);
      if (span.end < source->text.size()) ++span.end;
      edits.push_back({span, ""});
    }
    if (edits.empty()) continue;
    for (const SysfsLine& line : lines)
      if (line.kind == SysfsLine::Kind::bad)
        return DraftRefusal{source->path, std::uint32_t(source->position(line.span.begin).line),
                            "sysfsutils stops reading here: this is no `path = value`"};
    files.edit(source->path, std::move(edits));
  }
  return {};
}

}  // namespace hostpci
