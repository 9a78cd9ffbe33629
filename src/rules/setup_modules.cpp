// Rules about lists of modules, sysfsutils' settings and names of network cards: what is loaded or set at boot.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

void virqfd_entry(const Facts& facts, const ModuleEntry& entry, std::string_view effect, Findings& findings) {
  if (!same_module(entry.line.name, "vfio_virqfd")) return;
  Diagnostic& d = findings.add(Place(entry.source, entry.line.name_span),
                               "`" + std::string(entry.line.name) + "` is no module of kernel " +
                                   *facts.host->kernel.release + ": it is part of vfio since 6.2");
  d.notes.emplace_back(effect);
  mend(d, "delete the line", Safety::safe, {remove_lines(entry.source, entry.line.span)});
}

void vfio_virqfd(const Facts& facts, Findings& findings) {
  auto version = kernel_version(facts);
  if (!version || *version < std::pair{6, 2}) return;
  for (const ModuleEntry& entry : facts.boot->boot_modules)
    virqfd_entry(facts, entry, "systemd-modules-load.service fails because of it; nothing else does", findings);
  for (const ModuleEntry& entry : facts.boot->initramfs_modules)
    virqfd_entry(facts, entry, "the initramfs goes without it; nothing else happens", findings);
}

bool is_sriov(const SysfsLine& line) {
  constexpr std::string_view attribute = "sriov_numvfs";
  return line.path.size() > attribute.size() && line.path.substr(line.path.size() - attribute.size()) == attribute;
}

/// The package list is known and sysfsutils is not in it.
bool lacks_sysfsutils(const Facts& facts) {
  return !facts.host->packages.empty() && !facts.host->packages.count("sysfsutils");
}

std::size_t sys_prefix(std::string_view path) {
  for (std::string_view prefix : {"/sys/", "sys/"})
    if (path.substr(0, prefix.size()) == prefix) return prefix.size();
  return 0;
}

void sysfs_line(const Facts& facts, const SourcePtr& source, const SysfsLine& line, Findings& findings) {
  if (std::size_t prefix = sys_prefix(line.path)) {
    Diagnostic& d =
        findings.add(Place(source, line.path_span),
                     "`" + std::string(line.path) + "` is no path below /sys: the script puts /sys/ in front");
    Span span{line.path_span.begin, line.path_span.begin + std::uint32_t(prefix)};
    mend(d, "take `/sys/` out", Safety::unsafe, {{source->path, span, ""}});
  }
  if (!lacks_sysfsutils(facts)) return;
  Diagnostic& d =
      findings.add(Place(source, line.span), "nothing reads this file: the package sysfsutils is not installed");
  d.help.push_back("`apt install sysfsutils`, or a udev rule that sets sriov_numvfs when the driver binds");
}

void sysfs_conf_unused(const Facts& facts, Findings& findings) {
  for (const auto& [source, lines] : facts.boot->sysfs)
    for (const SysfsLine& line : lines)
      if (line.kind == SysfsLine::Kind::value && is_sriov(line)) sysfs_line(facts, source, line, findings);
}

/// enp5s0f1 -> bus 5, slot 0, function 1; names of other forms are not judged.
struct SlotName {
  unsigned bus = 0, slot = 0, function = 0;
};

std::optional<unsigned> take_number(std::string_view& text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) != prefix) return {};
  std::string_view digits = text.substr(prefix.size());
  digits = digits.substr(0, digits.find_first_not_of("0123456789"));
  auto value = number(digits);
  if (!value) return {};
  text.remove_prefix(prefix.size() + digits.size());
  return unsigned(*value);
}

std::optional<SlotName> slot_name(std::string_view text) {
  auto bus = take_number(text, "enp");
  auto slot = bus ? take_number(text, "s") : std::nullopt;
  if (!slot) return {};
  auto function = take_number(text, "f");
  bool port = text.empty() || text.substr(0, 2) == "np";
  return port ? std::optional(SlotName{*bus, *slot, function.value_or(0)}) : std::nullopt;
}

bool is_net(const Use& use) { return use.kind == UseKind::net || use.kind == UseKind::bridge_port; }

bool has_net(const Device& device) {
  return device.uses && std::any_of(device.uses->begin(), device.uses->end(), is_net);
}

bool carries(const Device& device, std::string_view interface) {
  auto named = [&](const Use& use) { return is_net(use) && use.name == interface; };
  return device.uses && std::any_of(device.uses->begin(), device.uses->end(), named);
}

/// No device has this interface, and none in its slot has another that it may be a second name of. False if anything is
/// not known.
bool is_gone(const Facts& facts, std::string_view interface, const SlotName& slot) {
  bool any = false;
  for (const auto& [address, device] : facts.host->devices) {
    if (!device.uses) return false;
    any = any || has_net(device);
    bool same_slot = address.bus == slot.bus && address.device == slot.slot;
    if (carries(device, interface) || (same_slot && has_net(device))) return false;
  }
  return any;
}

/// Names behind bridge-ports, bond-slaves and their kin in one file.
struct PortName {
  std::string_view name;
  Span span;
};

std::vector<PortName> port_names(const Source& source) {
  std::vector<PortName> names;
  for (std::string_view line : split(source.text, '\n')) {
    auto parts = words(line);
    constexpr std::string_view keys[] = {"bridge-ports", "bridge_ports", "bond-slaves", "slaves", "ovs_ports"};
    if (parts.size() < 2 || std::find(std::begin(keys), std::end(keys), parts[0]) == std::end(keys)) continue;
    for (std::string_view name : std::vector(parts.begin() + 1, parts.end())) {
      auto begin = std::uint32_t(name.data() - source.text.data());
      names.push_back({name.substr(0, name.find('.')), {begin, begin + std::uint32_t(name.size())}});
    }
  }
  return names;
}

void nic_name_unpinned(const Facts& facts, Findings& findings) {
  for (const auto& [path, source] : facts.boot->sources) {
    if (path.compare(0, 23, "/etc/network/interfaces") != 0) continue;
    for (const PortName& port : port_names(*source)) {
      auto slot = slot_name(port.name);
      if (!slot || !is_gone(facts, port.name, *slot)) continue;
      Diagnostic& d = findings.add(Place(source, port.span), "there is no interface `" + std::string(port.name) + "`");
      d.labels.push_back({Place("/sys/class/net"), "not listed"});
      d.notes.push_back(
          "enpXsY names follow bus numbers, which shift when a card comes or goes; a passed-through card has no "
          "interface");
      d.help.push_back(
          "name the interface that is there; `pve-network-interface-pinning generate` (PVE 9) or a .link file keeps "
          "names");
    }
  }
}

constexpr Rule table[] = {
    {.id = "setup-vfio-virqfd",
     .severity = Severity::info,
     .summary = "`vfio_virqfd` is listed, which no longer exists",
     .why =
         "Kernel 6.2 made it a part of vfio. systemd-modules-load.service fails at the name, which leaves the system "
         "\"degraded\"; otherwise it does no harm.",
     .bad = "# /etc/modules\nvfio\nvfio_iommu_type1\nvfio_pci\nvfio_virqfd\n",
     .good = "# /etc/modules\nvfio\nvfio_iommu_type1\nvfio_pci\n",
     .fix = "delete the line",
     .fixable = Fixable::automatic,
     .source = "linux drivers/vfio/Makefile",
     .host = vfio_virqfd},
    {.id = "setup-sysfs-conf-unused",
     .severity = Severity::error,
     .summary = "sriov_numvfs is set in a file that nothing reads, or below /sys twice",
     .why = "/etc/sysfs.conf is read by the package sysfsutils only, and its paths begin below /sys.",
     .bad = "# /etc/sysfs.conf\nbus/pci/devices/0000:05:00.0/sriov_numvfs = 4\n",
     .good = "# /etc/udev/rules.d/90-vfs.rules\n"
             "ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"0000:05:00.0\", ATTR{sriov_numvfs}=\"4\"\n",
     .fix = "install sysfsutils, or write a udev rule",
     .fixable = Fixable::assisted,
     .source = "sysfsutils' init script; pve-docs qm-pci-passthrough.adoc",
     .host = sysfs_conf_unused},
    {.id = "setup-nic-name-unpinned",
     .severity = Severity::error,
     .summary = "a bridge or bond names an interface that does not exist",
     .why = "enpXsY names follow bus numbers: a card put in or taken out renames the others, and the bridge is without "
            "its "
            "port. The same happens to a card that was handed to a VM.",
     .bad = "# /etc/network/interfaces\nauto vmbr1\niface vmbr1 inet manual\n\tbridge-ports enp9s0\n",
     .good = "# /etc/network/interfaces\nauto vmbr1\niface vmbr1 inet manual\n\tbridge-ports enp4s0\n",
     .fix = "name the interface that is there, and pin its name",
     .fixable = Fixable::assisted,
     .source = "pve-docs pve-network.adoc; systemd.net-naming-scheme(7)",
     .host = nic_name_unpinned},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_module_rules = table;

}  // namespace hostpci
