// Rules about modprobe.d: files kmod reads, soft dependencies that let vfio-pci come first, blacklists that do what
// they say.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/setup_ids.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_backup(std::string_view path) {
  constexpr std::string_view endings[] = {"~",         ".bak",       ".old",      ".orig",     ".save",    ".disabled",
                                          ".dpkg-old", ".dpkg-dist", ".dpkg-new", ".dpkg-bak", ".ucf-old", ".ucf-dist",
                                          ".ucf-new",  ".swp",       ".rpmsave",  ".rpmnew"};
  return std::any_of(std::begin(endings), std::end(endings), [&](std::string_view e) { return ends_with(path, e); });
}

void modprobe_suffix(const Facts& facts, Findings& findings) {
  for (const auto& [path, source] : facts.boot->sources) {
    if (path.compare(0, 16, "/etc/modprobe.d/") != 0 || ends_with(path, ".conf") || is_backup(path)) continue;
    for (const ModprobeDirective& d : parse_modprobe(source->text).directives) {
      if (d.kind == DirectiveKind::unknown || d.module.text.empty()) continue;
      Diagnostic& finding =
          findings.add(Place(source, d.span), "this has no effect: kmod reads files named *.conf only");
      finding.help.push_back("rename the file to `" + path + ".conf`; " + initramfs_help(facts));
      break;
    }
  }
}

/// What a softdep line asks for: the modules before and after.
struct Softdep {
  std::vector<std::string> pre, post, stray;
};

Softdep read_softdep(const PlacedDirective& directive) {
  Softdep result;
  std::vector<std::string>* list = &result.stray;
  for (const PlacedText& word : joined_words(directive)) {
    if (word.text == "pre:")
      list = &result.pre;
    else if (word.text == "post:")
      list = &result.post;
    else
      list->push_back(word.text);
  }
  return result;
}

bool names_vfio(const std::vector<std::string>& modules) {
  return std::any_of(modules.begin(), modules.end(), [](const std::string& m) { return same_module(m, "vfio-pci"); });
}

/// modprobe.d says something about when or whether the module loads.
bool is_arranged(const Facts& facts, const std::string& module) {
  if (is_blacklisted(facts, module) || !facts.boot->directives(DirectiveKind::install, module).empty()) return true;
  for (const PlacedDirective& directive : facts.boot->directives(DirectiveKind::softdep, module))
    if (names_vfio(read_softdep(directive).pre)) return true;
  return false;
}

/// The native driver holds a device that is meant for vfio-pci.
bool native_won(const Device& device) {
  if (!device.driver || device.driver->empty() || *device.driver == "vfio-pci") return false;
  return device.driver_override.value_or("").empty() && critical_use(device).empty();
}

/// A soft dependency of the module would give a device to vfio-pci that no VM of this node takes.
bool catches_more(const Facts& facts, const std::string& module) {
  for (const VfioId& id : effective_ids(facts))
    for (const Device* device : devices_of(id, facts))
      if (on_host_driver(*device) && module_of_driver(*device->driver) == module && !is_taken(facts, device->address))
        return true;
  return false;
}

/// It is not certain that vfio-pci is to have the device: which one is meant is for a person to say.
void doubt(Diagnostic& d, const VfioId& id, const Device& device, const std::string& line, bool taken) {
  if (!taken) d.notes.push_back("no VM of this node takes " + device.address.str());
  d.help.push_back((taken ? "take ids out that no VM needs, then add `" : "take `" + id.text + "` out, or add `") +
                   line + "` if vfio-pci is to have every device of `ids=`");
}

void softdep_finding(const VfioId& id, const Device& device, const std::string& module, const Facts& facts,
                     Findings& findings) {
  Diagnostic& d = findings.add(
      id.place, "`" + id.text + "` is meant for vfio-pci, but " + *device.driver + " drives " + device.address.str());
  d.labels.push_back({Place(device_path(device.address, "driver")), "driver " + *device.driver});
  if (is_builtin(facts, module)) {
    d.notes.push_back("`" + module + "` is built into the kernel: no soft dependency can hold it back");
    d.help.push_back("bind the device by its address with driver_override");
    return;
  }
  std::string line = "softdep " + module + " pre: vfio-pci";
  if (catches_more(facts, module)) return doubt(d, id, device, line, is_taken(facts, device.address));
  std::vector<FileEdit> edits;
  if (id.place.file().compare(0, 16, "/etc/modprobe.d/") == 0) edits = {append_line(id.place.source, line)};
  mend(d, "add `" + line + "` to a file of /etc/modprobe.d, " + initramfs_help(facts), Safety::safe, std::move(edits));
}

void softdep_missing(const Facts& facts, Findings& findings) {
  if (!facts.boot->modprobe_known) return;
  std::set<std::string> told;
  for (const VfioId& id : effective_ids(facts)) {
    std::vector<const Device*> devices = devices_of(id, facts);
    auto passed = [&](const Device* d) { return is_passed(facts, d->address); };
    bool for_vm = std::any_of(devices.begin(), devices.end(), passed);
    for (const Device* device : devices) {
      if (!native_won(*device) || (for_vm && !passed(device))) continue;
      std::string module = module_of_driver(*device->driver);
      if (is_arranged(facts, module) || !told.insert(module).second) continue;
      softdep_finding(id, *device, module, facts, findings);
    }
  }
}

bool is_graphics_module(std::string_view module) {
  constexpr std::string_view modules[] = {"nouveau",  "nvidia", "nvidia_drm", "nvidiafb",      "amdgpu",
                                          "radeon",   "i915",   "xe",         "snd_hda_intel", "xhci_pci",
                                          "xhci_hcd", "nvme",   "ahci"};
  return std::any_of(std::begin(modules), std::end(modules),
                     [&](std::string_view m) { return same_module(m, module); });
}

/// Why a softdep line about vfio-pci does nothing; empty if it does something.
std::string softdep_fault(const PlacedDirective& directive) {
  Softdep softdep = read_softdep(directive);
  std::string module(directive.directive->module.text);
  if (same_module(module, "vfio-pci")) {
    for (const std::string& other : softdep.pre)
      if (is_graphics_module(other)) return "the line is reversed: it loads `" + other + "` before vfio-pci";
    return {};
  }
  for (const std::string& stray : softdep.stray)
    if (stray.find("vfio") != std::string::npos || stray.substr(0, 3) == "pre" || stray.substr(0, 3) == "Pre" ||
        stray.substr(0, 3) == "PRE")
      return "`" + stray + "` is not read: it takes `pre:`, a blank, and module names";
  if (names_vfio(softdep.post) && !names_vfio(softdep.pre))
    return "`post:` loads vfio-pci after `" + module + "`: that is too late";
  return {};
}

/// The module that the line is meant to hold back.
std::string softdep_target(const PlacedDirective& directive) {
  std::string module(directive.directive->module.text);
  if (!same_module(module, "vfio-pci")) return module;
  for (const std::string& other : read_softdep(directive).pre)
    if (is_graphics_module(other)) return other;
  return module;
}

void softdep_invalid(const Facts& facts, Findings& findings) {
  for (const PlacedDirective& directive : facts.boot->directives(DirectiveKind::softdep)) {
    std::string_view text = slice(directive.source->text, directive.directive->span);
    if (text.find("vfio") == text.npos) continue;
    std::string fault = softdep_fault(directive);
    if (fault.empty()) continue;
    std::string line = "softdep " + softdep_target(directive) + " pre: vfio-pci";
    Diagnostic& d = findings.add(Place(directive.source, directive.directive->span), fault);
    std::vector<FileEdit> edits;
    if (read_softdep(directive).pre.size() + read_softdep(directive).post.size() <= 1)
      edits = {{directive.source->path, directive.directive->span, line}};
    mend(d, "write `" + line + "`, " + initramfs_help(facts), Safety::safe, std::move(edits));
  }
}

/// Directives that matter at boot: about vfio, or about modules that hold devices meant for it.
bool is_about_vfio(const PlacedDirective& directive) {
  std::string_view text = slice(directive.source->text, directive.directive->span);
  return text.find("vfio") != text.npos || is_graphics_module(directive.directive->module.text);
}

/// The last written file that belongs into the initramfs, of those that say something about vfio; with its place.
std::optional<Place> newest_input(const Facts& facts, std::uint64_t image) {
  const auto& times = facts.host->times;
  std::uint64_t newest = image;
  std::optional<Place> place;
  auto ask = [&](const SourcePtr& source, Span span) {
    auto time = times.find(source->path);
    if (time == times.end() || time->second <= newest) return;
    newest = time->second;
    place = Place(source, span);
  };
  for (DirectiveKind kind : {DirectiveKind::options, DirectiveKind::blacklist, DirectiveKind::softdep})
    for (const PlacedDirective& directive : facts.boot->directives(kind))
      if (is_about_vfio(directive)) ask(directive.source, directive.directive->span);
  for (const ModuleEntry& entry : facts.boot->initramfs_modules)
    if (entry.line.name.substr(0, 4) == "vfio") ask(entry.source, entry.line.span);
  return place;
}

constexpr std::string_view image_prefix = "/boot/initrd.img-";

/// Images of other kernels that an `update-initramfs -u` has passed over.
std::vector<std::string> stale_images(const Facts& facts, const std::string& running) {
  std::vector<std::string> stale;
  for (const auto& [path, time] : facts.host->times)
    if (path.substr(0, image_prefix.size()) == image_prefix && path != running && newest_input(facts, time))
      stale.push_back(path);
  return stale;
}

void other_images(const Facts& facts, const std::string& running, Findings& findings) {
  std::vector<std::string> stale = stale_images(facts, running);
  if (stale.empty()) return;
  Diagnostic& d = findings.add(*newest_input(facts, facts.host->times.at(stale.back())),
                               "only some kernels have an initramfs made after the file was changed");
  d.severity = Severity::info;
  for (const std::string& image : stale) d.labels.push_back({Place(image), "older"});
  d.notes.emplace_back("without `-k all`, `update-initramfs -u` renews that of one kernel");
  d.help.push_back(initramfs_help(facts));
}

void initramfs_stale(const Facts& facts, Findings& findings) {
  if (!facts.host->kernel.release) return;
  std::string image = std::string(image_prefix) + *facts.host->kernel.release;
  auto time = facts.host->times.find(image);
  if (time == facts.host->times.end()) return;
  std::optional<Place> place = newest_input(facts, time->second);
  if (!place) return other_images(facts, image, findings);
  Diagnostic& d = findings.add(*place, "the file was changed after the initramfs was made, which holds a copy of it");
  d.labels.push_back({Place(image), "older"});
  d.help.push_back(initramfs_help(facts));
}

constexpr Rule table[] = {
    {.id = "setup-modprobe-suffix",
     .severity = Severity::error,
     .summary = "a file of modprobe.d is not read: its name does not end in .conf",
     .why = "kmod reads files named *.conf only.",
     .bad = "# /etc/modprobe.d/vfio\noptions vfio-pci ids=10de:1b80\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=10de:1b80\n",
     .fix = "rename the file",
     .fixable = Fixable::automatic,
     .source = "modprobe.d(5); kmod libkmod-config.c",
     .host = modprobe_suffix},
    {.id = "setup-initramfs-stale",
     .severity = Severity::warning,
     .summary = "module options were changed, but the initramfs was not made anew",
     .why = "modprobe.d and /etc/initramfs-tools/modules are copied into the initramfs, and drivers that load there "
            "see the copy. `update-initramfs -u` without `-k all` renews that of one kernel.",
     .bad = "(/etc/modprobe.d/vfio.conf is newer than the running kernel's /boot/initrd.img)",
     .good = "(/boot/initrd.img of the running kernel is newer than all files of /etc/modprobe.d)",
     .fix = "run `update-initramfs -u -k all`",
     .fixable = Fixable::automatic,
     .source = "initramfs-tools mkinitramfs; pve-docs qm-pci-passthrough.adoc",
     .host = initramfs_stale},
    {.id = "setup-softdep-missing",
     .severity = Severity::warning,
     .summary = "a device meant for vfio-pci is taken by its native driver at boot",
     .why = "Whichever module loads first gets the device. A soft dependency of the native module lets vfio-pci come "
            "first.",
     .bad = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=1b21:1242\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=1b21:1242\nsoftdep xhci_pci pre: vfio-pci\n",
     .fix = "add `softdep MODULE pre: vfio-pci` and renew the initramfs",
     .fixable = Fixable::automatic,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = softdep_missing},
    {.id = "setup-softdep-invalid",
     .severity = Severity::warning,
     .summary = "a soft dependency on vfio-pci does nothing",
     .why = "The form is `softdep NATIVE pre: vfio-pci`; reversed, or without the blank after `pre:`, it is empty.",
     .bad = "# /etc/modprobe.d/vfio.conf\nsoftdep vfio-pci pre: nouveau\n",
     .good = "# /etc/modprobe.d/vfio.conf\nsoftdep nouveau pre: vfio-pci\n",
     .fix = "write `softdep NATIVE pre: vfio-pci`",
     .fixable = Fixable::automatic,
     .source = "modprobe.d(5); kmod libkmod-config.c kmod_softdep_from_directives",
     .host = softdep_invalid},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_modprobe_rules = table;

}  // namespace hostpci
