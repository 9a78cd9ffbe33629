// The hosts of fixtures/corpus/showcmd: as a value, and as a tree for --root.
#include "recorded_host.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "text/words.hpp"

namespace hostpci::test {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

std::string text(const json::object& object, const char* key, const char* fallback = "") {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->as_string().c_str()) : fallback;
}

bool flag(const json::object& object, const char* key, bool fallback = false) {
  const json::value* value = object.if_contains(key);
  if (!value) return fallback;
  if (value->is_bool()) return value->as_bool();
  return value->is_int64() ? value->as_int64() != 0 : !value->is_null();
}

std::int64_t integer(const json::object& object, const char* key, std::int64_t fallback) {
  const json::value* value = object.if_contains(key);
  return value && value->is_int64() ? value->as_int64() : fallback;
}

std::uint16_t hex16(const std::string& value) { return std::uint16_t(std::stoul(value, nullptr, 16)); }

PciAddress address(const std::string& name) {
  auto parsed = parse_pci_address(name);
  if (!parsed) throw std::runtime_error("no address: " + name);
  return *parsed;
}

std::vector<std::string> mdev_types(const json::object& device) {
  const json::value* types = device.if_contains("mdev");
  if (!types) return {};
  if (!types->is_array()) return {"i915-GVTg_V5_4"};
  std::vector<std::string> names;
  for (const json::value& type : types->as_array()) names.emplace_back(type.as_string().c_str());
  return names;
}

Device device(const json::object& from) {
  Device d;
  d.address = address(text(from, "id"));
  d.class_code = std::uint32_t(std::stoul(text(from, "class", "0x020000"), nullptr, 16));
  d.id = PciId{hex16(text(from, "vendor", "0x8086")), hex16(text(from, "device", "0x1234"))};
  d.subsystem = PciId{hex16(text(from, "subsystem_vendor", "0x0000")), hex16(text(from, "subsystem_device", "0x0000"))};
  d.group = int(integer(from, "iommugroup", -1));
  d.driver = text(from, "driver");
  d.bridge = flag(from, "bridge");
  d.nvidia_vgpu = flag(from, "nvidia");
  d.mdev_types.emplace();
  for (const std::string& type : mdev_types(from)) d.mdev_types->push_back({type, type, "", 4u});
  if (from.contains("physfn")) d.physfn = address(text(from, "physfn"));
  return d;
}

/// A value of a mapping's section as pci.cfg has it: booleans are 0 and 1.
std::string scalar(const json::value& value) {
  if (value.is_bool()) return value.as_bool() ? "1" : "0";
  if (value.is_int64()) return std::to_string(value.as_int64());
  return value.as_string().c_str();
}

std::string mapping_section(std::string_view id, const json::object& section) {
  std::string out = std::string(id) + "\n";
  for (const auto& property : section) {
    const std::string key = property.key();
    const json::value& value = property.value();
    auto line = [&](const json::value& v) { out += "\t" + key + " " + scalar(v) + "\n"; };
    if (!value.is_array())
      line(value);
    else
      for (const json::value& item : value.as_array()) line(item);
  }
  return out + "\n";
}

std::string mapping_file(const json::object& host) {
  if (host.contains("mapping_cfg")) return text(host, "mapping_cfg");
  std::string out;
  if (const json::value* mappings = host.if_contains("mappings"))
    for (const auto& [id, section] : mappings->as_object())
      out += mapping_section(std::string_view(id), section.as_object());
  return out;
}

void write(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void write_device(const fs::path& root, const json::object& from) {
  std::string name = text(from, "id");
  fs::path directory = root / "sys/bus/pci/devices" / name;
  for (auto [attribute, fallback] : {std::pair{"vendor", "0x8086"},
                                     {"device", "0x1234"},
                                     {"class", "0x020000"},
                                     {"subsystem_vendor", ""},
                                     {"subsystem_device", ""}})
    if (std::string value = text(from, attribute, fallback); !value.empty()) write(directory / attribute, value + "\n");
  if (from.contains("iommugroup")) {
    std::string group = std::to_string(integer(from, "iommugroup", 0));
    fs::create_directories(root / "sys/kernel/iommu_groups" / group / "devices");
    fs::create_symlink("../../../../kernel/iommu_groups/" + group, directory / "iommu_group");
    fs::create_symlink("../../../../bus/pci/devices/" + name,
                       root / "sys/kernel/iommu_groups" / group / "devices" / name);
  }
  for (const std::string& type : mdev_types(from))
    write(directory / "mdev_supported_types" / type / "available_instances", "4\n");
  if (flag(from, "nvidia")) write(directory / "nvidia/current_vgpu_type", "0\n");
  if (from.contains("physfn")) fs::create_symlink("../" + text(from, "physfn"), directory / "physfn");
}

std::string package(const std::string& name, const std::string& version) {
  return "Package: " + name + "\nStatus: install ok installed\nVersion: " + version + "\n\n";
}

std::string debian_architecture(const json::object& host) {
  return text(host, "arch") == "aarch64" ? "arm64" : "amd64";
}

}  // namespace

Host recorded_host(const std::string& source) {
  json::value document = json::parse(source);
  const json::object& from = document.as_object();
  Host host;
  host.node = text(from, "nodename", "localhost");
  for (const json::value& item : from.at("devices").as_array()) {
    Device d = device(item.as_object());
    host.devices.emplace(d.address, d);
  }
  host.groups_known = true;
  host.packages = {{"pve-qemu-kvm", text(from, "qemu_version", "11.0.0") + "-1"},
                   {"qemu-server", "9.2.6"},
                   {"pve-manager", "9.2.1"}};
  host.architecture = debian_architecture(from);
  host.running.emplace();
  if (std::string mappings = mapping_file(from); !mappings.empty()) host.files["/etc/pve/mapping/pci.cfg"] = mappings;
  return host;
}

void write_recorded_host(const std::string& source, const std::string& directory) {
  json::value document = json::parse(source);
  const json::object& from = document.as_object();
  fs::path root(directory);
  fs::create_directories(root / "sys/kernel/iommu_groups");
  fs::create_directories(root / "sys/class/iommu");
  for (const json::value& item : from.at("devices").as_array()) write_device(root, item.as_object());
  std::string node = text(from, "nodename", "localhost");
  fs::create_directories(root / "etc/pve/nodes" / node / "qemu-server");
  fs::create_symlink("nodes/" + node, root / "etc/pve/local");
  fs::create_symlink("nodes/" + node + "/qemu-server", root / "etc/pve/qemu-server");
  write(root / "etc/hostname", node + "\n");
  write(root / "var/lib/dpkg/status", package("pve-qemu-kvm", text(from, "qemu_version", "11.0.0") + "-1") +
                                          package("qemu-server", "9.2.6") + package("pve-manager", "9.2.1"));
  write(root / "var/lib/dpkg/arch", debian_architecture(from) + "\n");
  if (std::string mappings = mapping_file(from); !mappings.empty()) write(root / "etc/pve/mapping/pci.cfg", mappings);
}

}  // namespace hostpci::test
