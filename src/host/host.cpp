// The host model's own small questions: names of uses, ids as text, look-ups by address, path and group.
#include "host/host.hpp"

#include <array>
#include <cstdio>
#include <set>

namespace hostpci {

std::string_view name(UseKind kind) {
  static constexpr std::array<std::string_view, 9> names{"disk",    "filesystem", "swap",  "net", "bridge_port",
                                                         "console", "input",      "sound", "drm"};
  return names[std::size_t(kind)];
}

std::string PciId::str() const {
  char text[10];
  std::snprintf(text, sizeof text, "%04x:%04x", unsigned(vendor), unsigned(device));
  return text;
}

const Device* Host::find(const PciAddress& address) const {
  auto found = devices.find(address);
  return found == devices.end() ? nullptr : &found->second;
}

const std::string* Host::file(const std::string& path) const {
  auto found = files.find(path);
  return found == files.end() ? nullptr : &found->second;
}

std::vector<const Device*> Host::group(int id) const {
  std::vector<const Device*> members;
  for (const auto& [address, device] : devices)
    if (device.group == id) members.push_back(&device);
  return members;
}

std::vector<int> Host::group_ids() const {
  std::set<int> ids;
  for (const auto& [address, device] : devices)
    if (device.group.value_or(-1) >= 0) ids.insert(*device.group);
  return {ids.begin(), ids.end()};
}

}  // namespace hostpci
