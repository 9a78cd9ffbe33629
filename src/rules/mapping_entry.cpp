// The `map` of a device.
#include "rules/mapping_entry.hpp"

#include <cerrno>

#include "rules/resolve.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

}  // namespace

std::string mapping_entry(const std::string& node, const std::string& path, const Device& first) {
  if (node.empty() || !first.id || !first.group || !first.subsystem) return {};
  std::string map = "node=" + node + ",path=" + path + ",id=" + first.id->str();
  if (*first.group >= 0) map += ",iommugroup=" + std::to_string(*first.group);
  if (*first.subsystem != PciId{}) map += ",subsystem-id=" + first.subsystem->str();
  return map;
}

Result<std::string> mapping_entry_of(const Host& host, const std::string& address) {
  auto pattern = parse_address_pattern(address);
  if (!pattern) return Failure{quoted(address) + " is no PCI address, such as 01:00.0 or 01:00", EINVAL};
  if (host.node.empty()) return Failure{"the name of this node is not known"};
  std::string path = pattern->whole_slot ? pattern->address.slot() : pattern->address.str();
  auto functions = matching_functions(host, path);
  const Device* first = functions.empty() ? nullptr : host.find(functions.front());
  if (!first) return Failure{"there is no device at " + quoted(path) + " on this host"};
  std::string map = mapping_entry(host.node, path, *first);
  if (map.empty()) return Failure{"the ids or the IOMMU group of " + quoted(path) + " are not known"};
  return map;
}

bool is_mediated(const Device& device) { return device.nvidia_vgpu || (device.mdev_types && !device.mdev_types->empty()); }

}  // namespace hostpci
