// Devices and IOMMU groups out of /sys/bus/pci and /sys/kernel/iommu_groups.
#include <algorithm>
#include <cerrno>

#include "host/parts.hpp"
#include "host/pci_names.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* devices_directory = "/sys/bus/pci/devices";

/// The real directory of a device, from the text of its link: "../../../devices/pci0000:00/…". Trees without links have
/// the folder in place.
std::string device_directory(const std::string& name, const Result<std::string>& link) {
  constexpr std::string_view up = "../../../devices/";
  if (link && std::string_view(*link).substr(0, up.size()) == up) return "/sys/devices/" + link->substr(up.size());
  return std::string(devices_directory) + '/' + name;
}

/// The bridge above: the path's part before the device's own.
std::optional<PciAddress> parent_of(const Result<std::string>& link) {
  if (!link) return {};
  std::size_t slash = link->rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  return parse_pci_address(base_name(std::string_view(*link).substr(0, slash)));
}

Fact<PciId> read_id(const Attributes& attributes, std::string_view vendor, std::string_view device) {
  auto v = attributes.number<std::uint16_t>(vendor, 16);
  auto d = attributes.number<std::uint16_t>(device, 16);
  if (!v || !d) return {};
  return PciId{*v, *d};
}

Fact<PciId> read_subsystem(const Attributes& attributes) {
  if (attributes.has("subsystem_vendor") == false && attributes.has("subsystem_device") == false) return PciId{};
  return read_id(attributes, "subsystem_vendor", "subsystem_device");
}

Fact<int> read_group(const Attributes& attributes) {
  auto link = attributes.link("iommu_group");
  if (!link) return {};
  if (link->empty()) return -1;
  auto id = number(*link);
  return id ? Fact<int>(int(*id)) : Fact<int>();
}

/// Header type 1 and 2 have these classes (and, by newer kernels, an attribute for the bus below), and host and ISA
/// bridges are part of the board.
Fact<bool> bridge_by_class(const Fact<std::uint32_t>& class_code) {
  if (!class_code) return {};
  switch (*class_code >> 8) {
    case 0x0600:
    case 0x0601:
    case 0x0604:
    case 0x0607:
    case 0x0609:
      return true;
    default:
      return false;
  }
}

std::vector<PciAddress> read_virtfns(const FileSystem& system, const Attributes& attributes) {
  std::vector<std::pair<std::uint64_t, PciAddress>> found;
  for (const std::string& name : attributes.names()) {
    if (name.compare(0, 6, "virtfn") != 0) continue;
    auto index = number(std::string_view(name).substr(6));
    auto target = system.read_link(attributes.directory() + '/' + name);
    auto address = target ? parse_pci_address(base_name(*target)) : std::nullopt;
    if (index && address) found.emplace_back(*index, *address);
  }
  std::sort(found.begin(), found.end());
  std::vector<PciAddress> result;
  for (const auto& [index, address] : found) result.push_back(address);
  return result;
}

/// "10DE:1B80"
Fact<PciId> id_of(std::string_view text) {
  std::size_t colon = std::min(text.find(':'), text.size());
  auto vendor = number(text.substr(0, colon), 16), device = number(text.substr(std::min(colon + 1, text.size())), 16);
  if (!vendor || !device || *vendor > 0xffff || *device > 0xffff) return {};
  return PciId{std::uint16_t(*vendor), std::uint16_t(*device)};
}

/// The kernel tells them in one piece, as udev is told. False if it does not. Source: drivers/pci/pci-driver.c
/// (pci_uevent), drivers/base/core.c (dev_uevent).
bool read_uevent(const Attributes& attributes, Device& device) {
  auto text = attributes.text("uevent");
  std::map<std::string_view, std::string_view> values;
  for (std::string_view line : split(text ? *text : std::string_view(), '\n')) {
    std::size_t equals = line.find('=');
    if (equals != line.npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  auto class_code = number(values["PCI_CLASS"], 16);
  auto id = id_of(values["PCI_ID"]), subsystem = id_of(values["PCI_SUBSYS_ID"]);
  if (!class_code || !id || !subsystem) return false;
  device.class_code = std::uint32_t(*class_code);
  device.id = id;
  device.subsystem = subsystem;
  device.driver = std::string(values["DRIVER"]);
  return true;
}

void read_attributes(const Attributes& attributes, Device& device) {
  device.class_code = attributes.number<std::uint32_t>("class", 16);
  device.id = read_id(attributes, "vendor", "device");
  device.subsystem = read_subsystem(attributes);
  device.driver = attributes.link("driver");
}

void read_identity(const FileSystem& system, const Attributes& attributes, Device& device) {
  if (!read_uevent(attributes, device)) read_attributes(attributes, device);
  device.group = read_group(attributes);
  device.bridge = attributes.has("secondary_bus_number") == true ? true : bridge_by_class(device.class_code);
  if (auto physfn = attributes.link("physfn")) device.physfn = parse_pci_address(*physfn);
  device.virtfns = read_virtfns(system, attributes);
}

Fact<std::vector<Bar>> read_bars(const Attributes& attributes) {
  auto text = attributes.text_or("resource", "");
  if (!text) return {};
  std::vector<Bar> bars;
  for (std::string_view line : split(*text, '\n')) {
    auto parts = words(line);
    if (parts.size() != 3) continue;
    auto start = attribute_number(parts[0], 16), end = attribute_number(parts[1], 16),
         flags = attribute_number(parts[2], 16);
    if (!start || !end || !flags) return {};
    bars.push_back({*start, *end, *flags});
  }
  return bars;
}

/// Entries of msi_irqs stand for vectors in use; the folder is absent while there are none.
Fact<bool> read_msi(const FileSystem& system, const Attributes& attributes) {
  auto present = attributes.has("msi_irqs");
  if (!present || !*present) return present;
  auto vectors = system.list(attributes.directory() + "/msi_irqs");
  return vectors ? Fact<bool>(!vectors->empty()) : Fact<bool>();
}

/// Kernels before 5.15 have no reset_method; later ones hide it where nothing can reset the device.
Fact<std::string> read_reset_method(const Attributes& attributes, const Fact<bool>& reset) {
  auto present = attributes.has("reset_method");
  if (!present) return {};
  if (*present) return attributes.text("reset_method");
  return reset == false ? Fact<std::string>("") : Fact<std::string>();
}

Fact<bool> has_resizable(const Attributes& attributes) {
  if (!attributes.listed()) return {};
  auto resize = [](const std::string& name) { return name.starts_with("resource") && name.ends_with("_resize"); };
  return std::any_of(attributes.names().begin(), attributes.names().end(), resize);
}

Fact<bool> flag(const Fact<std::string>& text) {
  if (!text || (*text != "0" && *text != "1")) return {};
  return *text == "1";
}

Fact<int> read_numa_node(const Attributes& attributes) {
  auto text = attributes.text_or("numa_node", "-1");
  if (!text) return {};
  if (*text == "-1") return -1;
  auto node = number(*text);
  return node ? Fact<int>(int(*node)) : Fact<int>();
}

void read_details(const FileSystem& system, const Attributes& attributes, Device& device) {
  device.driver_override = attributes.text_or("driver_override", "");
  if (device.driver_override == "(null)") device.driver_override = "";
  device.boot_vga = flag(attributes.text_or("boot_vga", "0"));
  device.sriov_totalvfs = attributes.number_or<std::uint32_t>("sriov_totalvfs", 10, 0);
  device.sriov_numvfs = attributes.number_or<std::uint32_t>("sriov_numvfs", 10, 0);
  device.reset = attributes.has("reset");
  device.bars = read_bars(attributes);
  device.rom = attributes.has("rom");
  device.express = attributes.has("max_link_speed");
  device.resizable = has_resizable(attributes);
  read_mdev_types(system, attributes, device);
}

void read_state_of(const FileSystem& system, const Attributes& attributes, Device& device) {
  device.irq = attributes.number<std::uint32_t>("irq", 10);
  device.reset_method = read_reset_method(attributes, device.reset);
  device.power_state = attributes.text("power_state");
  device.d3cold_allowed = flag(attributes.text("d3cold_allowed"));
  device.numa_node = read_numa_node(attributes);
  device.msi = read_msi(system, attributes);
}

/// Without both, what hangs on a device is looked for below the device itself.
bool has_classes(const FileSystem& system) { return system.stat("/sys/class/net") || system.stat("/sys/class/block"); }

void keep_only(std::vector<std::string>& names, const std::set<PciAddress>& wanted) {
  auto other = [&](const std::string& name) {
    auto address = parse_pci_address(name);
    return !address || !wanted.count(*address);
  };
  names.erase(std::remove_if(names.begin(), names.end(), other), names.end());
}

Result<std::string> device_link(const FileSystem& system, const std::string& name) {
  return system.read_link(std::string(devices_directory) + '/' + name);
}

Device read_device(const FileSystem& system, const HostParts& parts, const std::string& name,
                   const Result<std::string>& link) {
  Device device;
  device.parent = parent_of(link);
  Attributes attributes(system, device_directory(name, link));
  read_identity(system, attributes, device);
  if (parts.details) read_details(system, attributes, device);
  if (parts.details && parts.state) read_state_of(system, attributes, device);
  if (!parts.uses || !attributes.listed()) return device;
  if (auto below = uses_below(system, attributes); !below.empty()) device.uses = std::move(below);
  return device;
}

void read_groups(const FileSystem& system, bool types, Host& host) {
  const std::string directory = "/sys/kernel/iommu_groups";
  auto names = system.list(directory);
  if (!names) return;
  host.groups_known = true;
  if (!types) return;
  for (const std::string& name : *names) {
    auto id = number(name);
    if (!id) continue;
    if (auto type = system.read(directory + '/' + name + "/type")) host.group_types[int(*id)] = trim(*type);
  }
}

}  // namespace

void scan_devices(const FileSystem& system, const HostParts& parts, Host& host) {
  auto names = system.list(devices_directory);
  if (!names) {
    host.unreadable[devices_directory] = names.error().message;
    return;
  }
  HostParts own = parts;
  own.uses = parts.uses && !has_classes(system);  // else scan_uses tells
  if (parts.only) keep_only(*names, *parts.only);
  std::vector<Result<std::string>> links;  // all at once: they stand in one directory
  for (const std::string& name : *names) links.push_back(device_link(system, name));
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto address = parse_pci_address((*names)[i]);
    if (!address) continue;
    Device& device = host.devices[*address] = read_device(system, own, (*names)[i], links[i]);
    device.address = *address;
  }
  read_groups(system, parts.details, host);
}

void read_state(const FileSystem& system, const std::set<PciAddress>& addresses, Host& host) {
  for (const PciAddress& address : addresses) {
    auto device = host.devices.find(address);
    if (device == host.devices.end()) continue;
    std::string name = address.str();
    read_state_of(system, Attributes(system, device_directory(name, device_link(system, name))), device->second);
  }
  read_capabilities(system, addresses, host);
}

}  // namespace hostpci
