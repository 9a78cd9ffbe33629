// What hangs on each device: the entries of /sys/class lead back to the device they stand below, at any depth.
#include <algorithm>
#include <cerrno>

#include "host/uses_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

struct ClassListing {
  std::vector<ClassEntry> entries;
  bool absent = false, known = false;
};

ClassListing list_class(const FileSystem& system, const std::string& name) {
  std::string directory = "/sys/class/" + name;
  ClassListing result;
  auto names = system.list(directory);
  result.known = names.has_value();
  result.absent = !names && names.error().code == ENOENT;
  if (!names) return result;
  for (std::string& entry : *names) {
    auto target = system.read_link(directory + '/' + entry);
    if (target) result.entries.push_back({std::move(entry), std::move(*target)});
  }
  return result;
}

/// Is this name of a class a thing of its own (card0), not a part of one (card0-HDMI-A-1, renderD128, controlC0)?
bool stands_alone(UseKind kind, std::string_view name) {
  auto numbered = [&](std::string_view prefix) {
    return name.substr(0, prefix.size()) == prefix && number(name.substr(prefix.size()));
  };
  switch (kind) {
    case UseKind::drm:
    case UseKind::sound:
      return numbered("card");
    case UseKind::console:
      return numbered("fb");
    case UseKind::input:
      return numbered("input");
    default:
      return true;
  }
}

void add_simple(const FileSystem& system, UseKind kind, const ClassListing& listing, const std::string& directory,
                UseTable& table) {
  for (const ClassEntry& entry : listing.entries) {
    if (!stands_alone(kind, entry.name)) continue;
    Use use{kind, entry.name, "", false};
    if (kind == UseKind::input)
      if (auto text = system.read(directory + '/' + entry.name + "/name")) use.detail = trim(*text);
    for (const PciAddress& device : carriers(table, entry.target)) table.uses[device].push_back(use);
  }
}

void sort_uses(std::vector<Use>& uses) {
  std::sort(uses.begin(), uses.end(), [](const Use& a, const Use& b) {
    return std::tie(a.kind, a.name, a.detail) < std::tie(b.kind, b.name, b.detail);
  });
  uses.erase(std::unique(uses.begin(), uses.end()), uses.end());
}

/// Folders of a device that lead to what hangs on it ("virtio0", "ata1", "host0", "target0:0:0", "0:0:0:0", "nvme",
/// "usb1", "1-1:1.0").
bool leads_on(std::string_view name) {
  for (std::string_view prefix : {"virtio", "ata", "host", "target", "nvme", "usb"})
    if (name.substr(0, prefix.size()) == prefix) return true;
  return !name.empty() && name[0] >= '0' && name[0] <= '9' && name.find_first_of(":-") != std::string_view::npos &&
         !parse_pci_address(name);
}

std::optional<UseKind> kind_of_folder(std::string_view name) {
  if (name == "net") return UseKind::net;
  if (name == "block") return UseKind::disk;
  if (name == "drm") return UseKind::drm;
  if (name == "graphics") return UseKind::console;
  if (name == "sound") return UseKind::sound;
  if (name == "input") return UseKind::input;
  return {};
}

void walk(const FileSystem& system, const std::string& directory, const std::vector<std::string>& names, int depth,
          std::vector<Use>& uses) {
  for (const std::string& name : names) {
    auto kind = kind_of_folder(name);
    if (!kind && (depth == 0 || !leads_on(name))) continue;
    auto inside = system.list(directory + '/' + name);
    if (!inside) continue;
    if (!kind)
      walk(system, directory + '/' + name, *inside, depth - 1, uses);
    else
      for (const std::string& entry : *inside)
        if (stands_alone(*kind, entry)) uses.push_back({*kind, entry, "", false});
  }
}

}  // namespace

std::set<PciAddress> carriers(const UseTable& table, std::string_view path) {
  std::set<PciAddress> result;
  if (auto last = last_address(path)) result.insert(*last);
  for (std::string_view part : split(path, '/'))
    if (auto address = parse_pci_address(part); address && table.endpoints.count(*address)) result.insert(*address);
  return result;
}

std::vector<Use> uses_below(const FileSystem& system, const Attributes& attributes) {
  std::vector<Use> uses;
  walk(system, attributes.directory(), attributes.names(), 8, uses);
  sort_uses(uses);
  return uses;
}

void scan_uses(const FileSystem& system, Host& host) {
  ClassListing net = list_class(system, "net"), block = list_class(system, "block");
  if (net.absent && block.absent) return;  // what scan_devices saw below the devices stands
  for (auto& [address, device] : host.devices) device.uses.reset();
  if ((!net.known && !net.absent) || (!block.known && !block.absent)) return;
  UseTable table;
  for (const auto& [address, device] : host.devices)
    if (device.bridge == false) table.endpoints.insert(address);
  find_block_uses(system, block.entries, table);
  find_net_uses(system, net.entries, host.node, table);
  constexpr std::pair<UseKind, const char*> simple[] = {
      {UseKind::console, "graphics"}, {UseKind::input, "input"}, {UseKind::sound, "sound"}, {UseKind::drm, "drm"}};
  for (const auto& [kind, name] : simple)
    add_simple(system, kind, list_class(system, name), std::string("/sys/class/") + name, table);
  find_console_uses(system, host, list_class(system, "graphics").entries, table);
  for (auto& [address, device] : host.devices) {
    if (table.unknown.count(address)) continue;
    device.uses = std::move(table.uses[address]);
    sort_uses(*device.uses);
  }
}

}  // namespace hostpci
