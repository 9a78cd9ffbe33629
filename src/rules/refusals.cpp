// The preconditions that qemu-server checks of one hostpci line, each under the rule that tells of it.
#include "rules/refusals.hpp"

#include <algorithm>
#include <utility>

#include "rules/versions.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view guest_common = "libpve-guest-common-perl";

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

/// What the host has against what the entry says; empty texts: absent.
struct Property {
  std::string_view rule, name;
  std::string host, entry;
};

/// One path of one `map` line, and the line of the VM that names its mapping.
struct MappedPath {
  ResolvedLine& line;
  const Mapping& mapping;
  const MappingEntry& entry;
  std::string_view path;

  void refuse(std::string_view rule, std::string message, std::string expected = {}) const {
    Refusal& refusal =
        hostpci::refuse(line, rule, HostpciKey::mapping, "mapping " + quoted(mapping.id) + ": " + message);
    refusal.entry = &entry;
    refusal.path = path;
    refusal.expected = std::move(expected);
  }
};

void check_property(const MappedPath& at, const Property& p) {
  if (p.host == p.entry) return;
  std::string message, path = quoted(at.path);
  if (p.entry.empty())
    message = "the entry for " + path + " has no " + quoted(p.name) + ", the device has " + quoted(p.host);
  else if (p.host.empty())
    message = "the entry for " + path + " has " + quoted(std::string(p.name) + "=" + p.entry) + ", the device has none";
  else
    message = quoted(p.name) + " of " + path + " is " + quoted(p.host) + ", the entry says " + quoted(p.entry);
  at.refuse(p.rule, std::move(message), p.host);
}

void check_group(const MappedPath& at, const Device& device, bool strict) {
  if (!device.group) return;
  std::string group = *device.group < 0 ? "" : std::to_string(*device.group), entry(at.entry.iommugroup);
  if (!strict && (group.empty() || entry.empty())) return;
  check_property(at, {"cluster-mapping-iommugroup", "iommugroup", group, entry});
}

void check_mdev_flag(const MappedPath& at, const Device& device) {
  if (!device.mdev_types && !device.nvidia_vgpu) return;
  bool capable = device.nvidia_vgpu || !device.mdev_types->empty();
  if (capable == at.mapping.mdev) return;
  at.refuse("cluster-mapping-mdev-flag",
            capable ? "the device " + quoted(at.path) + " has mediated devices, the mapping has no `mdev 1`"
                    : "the mapping has `mdev 1`, the device " + quoted(at.path) + " has no mediated devices",
            capable ? "1" : "0");
}

void check_subsystem(const MappedPath& at, const Device& device) {
  if (!device.subsystem) return;
  bool none = *device.subsystem == PciId{};
  if (none && at.entry.subsystem_id == "0000:0000") return;
  check_property(at, {"cluster-mapping-subsystem", "subsystem-id", none ? "" : device.subsystem->str(),
                      std::string(at.entry.subsystem_id)});
}

/// The function that a path without one stands for.
std::string first_function(std::string_view path) {
  bool whole = path.size() < 2 || path[path.size() - 2] != '.';
  return std::string(path) + (whole ? ".0" : "");
}

void check_path(const MappedPath& at, const Host& host) {
  std::string name = first_function(at.path);
  auto address = parse_pci_address(name);
  const Device* device = address && address->str() == name ? host.find(*address) : nullptr;
  if (!device) return at.refuse("cluster-mapping-path-gone", "there is no device " + quoted(name) + " on this host");
  bool strict = at_least(host, guest_common, "5.1.4");
  if (device->id) check_property(at, {"cluster-mapping-id", "id", device->id->str(), std::string(at.entry.id)});
  if (at.path == at.entry.paths.front()) check_group(at, *device, strict);
  if (at_least(host, guest_common, "5.1.7")) check_mdev_flag(at, *device);
  if (strict) check_subsystem(at, *device);
}

void check_legacy_igd_place(ResolvedLine& line) {
  auto many = [](const std::vector<PciAddress>& choice) { return choice.size() > 1; };
  if (std::any_of(line.choices.begin(), line.choices.end(), many))
    refuse(line, "vm-legacy-igd-multi", HostpciKey::legacy_igd, "`legacy-igd` takes a single function");
  if (line.choices.size() > 1)
    refuse(line, "vm-legacy-igd-multi", HostpciKey::legacy_igd, "`legacy-igd` takes a mapping with one device only");
  if (line.choices.empty() || line.choices.front().empty()) return;
  std::string first = line.choices.front().front().str();
  if (first.substr(first.size() - 4) != "02.0")
    refuse(line, "vm-legacy-igd-addr", HostpciKey::legacy_igd,
           "`legacy-igd` works only for the device at 00:02.0, not for " + quoted(first));
}

void check_legacy_igd(ResolvedLine& line, LineContext& context) {
  const Hostpci& parsed = line.line.parsed;
  if (std::exchange(context.legacy_igd_seen, true))
    refuse(line, "vm-legacy-igd-count", HostpciKey::legacy_igd, "only one device can be assigned with `legacy-igd`");
  std::string_view vga = context.vm.text("vga");
  if (vga != "none")
    refuse(line, "vm-legacy-igd-vga", HostpciKey::legacy_igd,
           "`legacy-igd` needs the line `vga: none`, " +
               (vga.empty() ? "there is no `vga:` line" : quoted("vga: " + std::string(vga)) + " stands there"));
  if (!parsed.flag(HostpciKey::rombar, true))
    refuse(line, "vm-legacy-igd-rombar", HostpciKey::rombar, "`legacy-igd` needs the ROM BAR, `rombar` is off");
  if (parsed.flag(HostpciKey::x_vga))
    refuse(line, "vm-legacy-igd-xvga", HostpciKey::x_vga, "`legacy-igd` and `x-vga` exclude each other");
  if (line.mdev || line.nvidia)
    refuse(line, "vm-legacy-igd-mdev", HostpciKey::mdev, "`legacy-igd` and `mdev` exclude each other");
  if (context.machine.q35)
    refuse(line, "vm-legacy-igd-q35", HostpciKey::legacy_igd,
           "`legacy-igd` needs the i440fx machine type, " + vm_label(context.vm) + " runs q35");
  check_legacy_igd_place(line);
}

}  // namespace

Refusal& refuse(ResolvedLine& line, std::string_view rule, HostpciKey key, std::string message) {
  Refusal refusal;
  refusal.rule = rule;
  refusal.message = std::move(message);
  refusal.index = line.line.index;
  refusal.key = key;
  const HostpciProperty* property = line.line.parsed.find(key);
  refusal.span = property ? property->span : line.line.value.span;
  return line.refusals.emplace_back(std::move(refusal));
}

void check_mapping_entry(ResolvedLine& line, const Mapping& mapping, const MappingEntry& entry, const Host& host) {
  for (std::string_view path : entry.paths) check_path({line, mapping, entry, path}, host);
}

void check_machine(ResolvedLine& line, LineContext& context) {
  if (line.line.parsed.flag(HostpciKey::pcie) && !context.machine.q35) {
    std::string type = context.machine.type.empty() ? "i440fx" : std::string(context.machine.type);
    refuse(line, "vm-pcie-needs-q35", HostpciKey::pcie,
           "`pcie=1` needs the q35 machine type; " + vm_label(context.vm) + " runs " + type);
  }
  if (line.line.parsed.flag(HostpciKey::legacy_igd)) check_legacy_igd(line, context);
}

}  // namespace hostpci
