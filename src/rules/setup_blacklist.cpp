// Rules about `blacklist` in modprobe.d: names kmod understands, drivers that are there, and none that the host needs.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Files that packages ship: true of every host, and nobody's mistake.
bool is_shipped(const std::string& path) {
  constexpr std::string_view names[] = {"pve-blacklist.conf",
                                        "mdadm.conf",
                                        "dkms.conf",
                                        "amd64-microcode-blacklist.conf",
                                        "intel-microcode-blacklist.conf",
                                        "fbdev-blacklist.conf",
                                        "nvidia-installer-disable-nouveau.conf"};
  if (path.compare(0, 5, "/etc/") != 0) return true;
  std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::vector<PlacedDirective> own_blacklists(const Facts& facts) {
  std::vector<PlacedDirective> own = facts.boot->directives(DirectiveKind::blacklist);
  own.erase(std::remove_if(own.begin(), own.end(), [](const PlacedDirective& d) { return is_shipped(d.source->path); }),
            own.end());
  return own;
}

Place module_place(const PlacedDirective& d) { return Place(d.source, d.directive->module.span); }

std::string module_name(const PlacedDirective& d) { return std::string(d.directive->module.text); }

/// "nouveau.ko", "kernel/…/nouveau.ko.xz" -> "nouveau".
std::string bare_name(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  return std::string(name.substr(0, name.find(".ko")));
}

void blacklist_pattern(const Facts& facts, Findings& findings) {
  for (const PlacedDirective& directive : own_blacklists(facts)) {
    std::string module = module_name(directive);
    if (module.find_first_of("*?[./") == std::string::npos) continue;
    Diagnostic& d =
        findings.add(module_place(directive), "`" + module + "` matches nothing: kmod compares names as they stand");
    std::string bare = bare_name(module);
    if (bare.find_first_of("*?[./") != std::string::npos || bare.empty()) {
      d.help.push_back("write one line a module (`lsmod` has their names), " + initramfs_help(facts));
      continue;
    }
    mend(d, "write `" + bare + "`, " + initramfs_help(facts), Safety::unsafe,
         {{directive.source->path, directive.directive->module.span, bare}});
  }
}

struct VendorModule {
  std::string_view module;
  std::uint16_t vendor;
};

/// Modules that drive devices of one vendor only.
constexpr VendorModule vendor_modules[] = {
    {"nouveau", 0x10de},    {"nvidia", 0x10de},   {"nvidia_drm", 0x10de}, {"nvidia_modeset", 0x10de},
    {"nvidia_uvm", 0x10de}, {"nvidiafb", 0x10de}, {"radeon", 0x1002},     {"amdgpu", 0x1002},
    {"radeonfb", 0x1002},   {"i915", 0x8086},     {"xe", 0x8086},         {"snd_hda_codec_nvhdmi", 0x10de}};

/// The vendor of a module that this host has no device of; 0 if it has one, or the ids or the module are not known.
std::uint16_t absent_vendor(const Facts& facts, std::string_view module) {
  auto known = std::find_if(std::begin(vendor_modules), std::end(vendor_modules),
                            [&](const VendorModule& m) { return same_module(m.module, module); });
  if (known == std::end(vendor_modules) || facts.host->devices.empty()) return 0;
  for (const auto& [address, device] : facts.host->devices)
    if (!device.id || device.id->vendor == known->vendor) return 0;
  return known->vendor;
}

void blacklist_no_match(const Facts& facts, Findings& findings) {
  for (const PlacedDirective& directive : own_blacklists(facts)) {
    std::string module = module_name(directive);
    std::uint16_t vendor = absent_vendor(facts, module);
    if (!vendor || is_loaded(facts, module)) continue;
    Diagnostic& d = findings.add(module_place(directive), "`" + module + "` is the driver of no device of this host");
    d.notes.push_back("/sys/bus/pci/devices: no device of vendor " + PciId{vendor, 0}.str().substr(0, 4));
    d.help.push_back("`lspci -k` shows the module to name; take the line out");
  }
}

/// Loaded all the same: a list of modules names it.
bool is_loaded_by_list(const Facts& facts, std::string_view module) {
  return is_listed(facts.boot->boot_modules, module) || is_listed(facts.boot->initramfs_modules, module);
}

/// What the host loses with the driver of this device; empty if nothing vital, or not known.
std::string vital_loss(const Facts& facts, const Device& device) {
  if (std::string use = critical_use(device); !use.empty()) return use;
  for (const auto& [address, users] : facts.users) {
    const Device* passed = facts.device(address);
    if (passed && passed->physfn == device.address)
      return "virtual functions that " + vm_label(*users.front().vm->vm) + " uses";
  }
  return {};
}

void blacklist_host_critical(const Facts& facts, Findings& findings) {
  for (const PlacedDirective& directive : own_blacklists(facts)) {
    std::string module = module_name(directive);
    if (is_loaded_by_list(facts, module) || is_builtin(facts, module)) continue;
    for (const auto& [address, device] : facts.host->devices) {
      if (!device.driver || device.driver->empty() || !same_module(module_of_driver(*device.driver), module)) continue;
      std::string loss = vital_loss(facts, device);
      if (loss.empty()) continue;
      Diagnostic& d = findings.add(module_place(directive),
                                   "`" + module + "` drives " + describe(device) + ", which the host needs: " + loss);
      d.labels.push_back({Place(device_path(address, "driver")), "driver " + *device.driver});
      d.notes.push_back("a blacklist is for all devices of that driver; the next boot comes up without it");
      d.help.push_back("take the line out; bind the one device by `ids=` or by its address with driver_override");
      break;
    }
  }
}

/// The blacklist was meant for passthrough: the module drives a device of a VM, or graphics.
bool is_about_passthrough(const Facts& facts, std::string_view module) {
  constexpr std::string_view graphics[] = {"nouveau",    "nvidia",   "nvidia_drm",   "nvidia_modeset",
                                           "nvidia_uvm", "nvidiafb", "radeon",       "amdgpu",
                                           "i915",       "xe",       "snd_hda_intel"};
  for (std::string_view name : graphics)
    if (same_module(name, module)) return true;
  for (const auto& [address, device] : facts.host->devices)
    if (device.driver && same_module(module_of_driver(*device.driver), module) && is_passed(facts, address))
      return true;
  return false;
}

void blacklist_ineffective(const Facts& facts, Findings& findings) {
  for (const PlacedDirective& directive : own_blacklists(facts)) {
    std::string module = module_name(directive);
    if (!is_loaded(facts, module) || !is_about_passthrough(facts, module)) continue;
    Diagnostic& d = findings.add(module_place(directive), "`" + module + "` is loaded although it is blacklisted");
    d.labels.push_back({Place("/proc/modules"), "`" + module + "` is there"});
    if (is_loaded_by_list(facts, module))
      d.notes.push_back("a list of modules to load at boot names it");
    else
      d.notes.push_back(
          "a blacklist stops loading by device only; a dependency, modprobe, or an old initramfs still loads it");
    d.help.push_back(initramfs_help(facts));
  }
}

constexpr Rule table[] = {
    {.id = "setup-blacklist-pattern",
     .severity = Severity::warning,
     .summary = "`blacklist` names a pattern, a path or a file",
     .why = "kmod compares module names as they stand: `nvidia*`, `nouveau.ko` and paths match nothing.",
     .bad = "# /etc/modprobe.d/blacklist.conf\nblacklist nvidia*\n",
     .good = "# /etc/modprobe.d/blacklist.conf\nblacklist nvidia\nblacklist nvidia_drm\n",
     .fix = "name each module",
     .fixable = Fixable::automatic,
     .source = "kmod libkmod-module.c module_is_blacklisted",
     .host = blacklist_pattern},
    {.id = "setup-blacklist-no-match",
     .severity = Severity::info,
     .summary = "a blacklisted module drives nothing here",
     .why = "Lists are copied from guides for other cards: the module that has the device is then still loaded.",
     .bad = "# /etc/modprobe.d/blacklist.conf\nblacklist radeon\n",
     .good = "# /etc/modprobe.d/blacklist.conf\nblacklist nouveau\n",
     .fix = "name the module that `lspci -k` shows",
     .fixable = Fixable::assisted,
     .source = "/sys/bus/pci/devices/*/vendor",
     .host = blacklist_no_match},
    {.id = "setup-blacklist-host-critical",
     .severity = Severity::error,
     .summary = "a blacklisted module drives a device that the host needs",
     .why = "A blacklist is for every device of a driver: with the driver of the root disk or of the management "
            "network in it, "
            "the host does not come back after a reboot.",
     .bad = "# /etc/modprobe.d/blacklist.conf\nblacklist e1000e\n",
     .good = "# /etc/modprobe.d/blacklist.conf\nblacklist nouveau\n",
     .fix = "take it out; use ids= or driver_override",
     .fixable = Fixable::assisted,
     .source = "modprobe.d(5)",
     .host = blacklist_host_critical},
    {.id = "setup-blacklist-ineffective",
     .severity = Severity::warning,
     .summary = "a blacklisted module is loaded",
     .why =
         "A blacklist stops loading by alias only. Dependencies, explicit modprobe and an initramfs of before load it.",
     .bad = "# /etc/modprobe.d/blacklist.conf\nblacklist i915\n",
     .good = "# /etc/modprobe.d/blacklist.conf\nblacklist nouveau\n",
     .fix = "renew the initramfs; use `install MODULE /bin/false` or a soft dependency",
     .fixable = Fixable::assisted,
     .source = "kmod libkmod-module.c",
     .host = blacklist_ineffective},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_blacklist_rules = table;

}  // namespace hostpci
