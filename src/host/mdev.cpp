// Mediated devices: the types a device offers (the kernel's framework and NVIDIA's own), and those that exist.
#include <algorithm>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

MdevType read_type(const FileSystem& system, const std::string& directory, const std::string& type) {
  Attributes attributes(system, directory + '/' + type);
  MdevType result;
  result.type = type;
  result.name = attributes.text_or("name", "").value_or("");
  result.description = attributes.text_or("description", "").value_or("");
  result.available = attributes.number<std::uint32_t>("available_instances", 10);
  return result;
}

/// Rows of creatable_vgpu_types: " 557  : NVIDIA A10-1Q" below a heading "ID    : vGPU Name". What is listed can be
/// made once.
std::vector<MdevType> nvidia_types(std::string_view text) {
  std::vector<MdevType> types;
  for (std::string_view line : split(text, '\n')) {
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !number(trim(line.substr(0, colon)))) continue;
    types.push_back(
        {"nvidia-" + std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))), "", 1});
  }
  return types;
}

Fact<std::vector<MdevType>> kernel_types(const FileSystem& system, const Attributes& attributes) {
  auto present = attributes.has("mdev_supported_types");
  if (!present) return {};
  std::vector<MdevType> types;
  if (!*present) return types;
  std::string directory = attributes.directory() + "/mdev_supported_types";
  auto names = system.list(directory);
  if (!names) return {};
  for (const std::string& name : *names) types.push_back(read_type(system, directory, name));
  return types;
}

}  // namespace

void read_mdev_types(const FileSystem& system, const Attributes& attributes, Device& device) {
  device.mdev_types = kernel_types(system, attributes);
  auto nvidia = attributes.has("nvidia");
  device.nvidia_vgpu = nvidia.value_or(false);
  if (!nvidia) return;
  device.nvidia_current_type = "";
  if (!*nvidia) return;
  Attributes vendor(system, attributes.directory() + "/nvidia");
  device.nvidia_current_type = vendor.text_or("current_vgpu_type", "");
  auto rows = vendor.text_or("creatable_vgpu_types", "");
  if (!rows) return device.mdev_types.reset();
  if (!device.mdev_types) return;
  for (MdevType& type : nvidia_types(*rows)) device.mdev_types->push_back(std::move(type));
}

void scan_mdevs(const FileSystem& system, Host& host) {
  const std::string directory = "/sys/bus/mdev/devices";
  auto names = system.list(directory);
  if (!names) {
    // the bus appears with the module mdev: without it there are none
    auto buses = system.list("/sys/bus");
    if (buses && !std::binary_search(buses->begin(), buses->end(), "mdev")) host.mdevs.emplace();
    return;
  }
  host.mdevs.emplace();
  for (const std::string& uuid : *names) {
    auto link = system.read_link(directory + '/' + uuid);
    auto type = system.read_link(directory + '/' + uuid + "/mdev_type");
    auto parent = link ? last_address(*link) : std::nullopt;
    if (parent) host.mdevs->push_back({uuid, type ? std::string(base_name(*type)) : "", *parent});
  }
}

}  // namespace hostpci
