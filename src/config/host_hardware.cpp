// What guests take of the host without a hostpci line.
#include "config/host_hardware.hpp"

#include <algorithm>

#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// "scsi12" is a key of that kind.
bool is_numbered(std::string_view key, std::string_view kind) {
  return key.starts_with(kind) && number(key.substr(kind.size()));
}

bool is_disk_key(std::string_view key) {
  for (std::string_view kind : {"scsi", "sata", "ide", "virtio", "efidisk", "tpmstate"})
    if (is_numbered(key, kind)) return true;
  return false;
}

/// The part without a key, or that of `name`.
const Property* named_or_first(const PropertyString& parsed, std::string_view name) { return parsed.find(name, name); }

void add_path(std::string_view key, std::string_view value, std::uint32_t base, std::string_view property,
              std::vector<HostPath>& paths) {
  const PropertyString parsed = parse_property_string(value, base);
  const Property* path = named_or_first(parsed, property);
  if (path && path->value.starts_with("/dev/")) paths.push_back({key, path->value, path->value_span});
}

struct ContainerLine {
  std::string_view key, value;
  std::uint32_t begin;  ///< of the value
};

/// "/dev/dri dev/dri none bind,optional,create=dir": the first word is the host's.
void add_mount(const ContainerLine& line, Container& container) {
  std::string_view path = line.value.substr(0, line.value.find_first_of(" \t"));
  if (path.starts_with("/dev/"))
    container.nodes.push_back({line.key, path, {line.begin, line.begin + std::uint32_t(path.size())}});
}

void read_line(const ContainerLine& line, Container& container) {
  if (line.key == "template") container.is_template = line.value == "1";
  if (is_numbered(line.key, "dev")) add_path(line.key, line.value, line.begin, "path", container.nodes);
  if (line.key == "rootfs" || is_numbered(line.key, "mp"))
    add_path(line.key, line.value, line.begin, "volume", container.disks);
  if (line.key == "lxc.mount.entry") add_mount(line, container);
}

}  // namespace

bool mentions_host_hardware(std::string_view text) {
  return text.find("/dev/") != text.npos || (text.find("usb") != text.npos && text.find("host=") != text.npos);
}

std::vector<HostPath> host_disks(const VmSection& section) {
  std::vector<HostPath> disks;
  for (const auto& [key, value] : section.values)
    if (is_disk_key(key)) add_path(key, value.value, value.span.begin, "file", disks);
  return disks;
}

std::vector<HostUsb> host_usb_devices(const VmSection& section) {
  std::vector<HostUsb> devices;
  for (const auto& [key, value] : section.values) {
    if (!is_numbered(key, "usb")) continue;
    const PropertyString parsed = parse_property_string(value.value, value.span.begin);
    const Property* host = named_or_first(parsed, "host");
    if (host && host->value != "spice") devices.push_back({key, host->value, host->value_span});
  }
  return devices;
}

std::set<std::string> disk_links(const std::vector<Vm>& vms) {
  std::set<std::string> links;
  for (const Vm& vm : vms)
    for (const HostPath& disk : host_disks(vm.main()))
      if (disk.path.starts_with("/dev/disk/")) links.emplace(disk.path);
  return links;
}

Container read_container(SourcePtr source) {
  Container container;
  container.vmid = vmid_of_path(source->path);
  const char* text = source->text.data();
  for (std::string_view line : split(source->text, '\n')) {
    if (line.starts_with("[")) break;  // snapshots
    std::size_t colon = line.find(':');
    if (colon == line.npos || line.starts_with("#")) continue;
    std::string_view value = trim(line.substr(colon + 1));
    if (!value.empty()) read_line({trim(line.substr(0, colon)), value, std::uint32_t(value.data() - text)}, container);
  }
  container.source = std::move(source);
  return container;
}

}  // namespace hostpci
