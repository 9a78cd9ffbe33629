// Names that mean something to pmxcfs. Source: pve-cluster memdb.c (name_is_vm_config, path_is_lockdir), cfs-plug-link.c.
#include "tests/support/pmxcfs_names.hpp"

#include <algorithm>
#include <set>

#include "text/words.hpp"

namespace hostpci::test {
namespace {

constexpr std::string_view top = "/etc/pve/";

std::string_view below_top(std::string_view place) { return place.starts_with(top) ? place.substr(top.size()) : std::string_view(); }

std::optional<std::uint32_t> vmid_of(std::string_view name) {
  if (!name.ends_with(".conf")) return std::nullopt;
  name.remove_suffix(5);
  if (name.empty() || name.size() > 10 || name[0] == '0') return std::nullopt;
  std::uint64_t number = 0;
  for (char c : name) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + std::uint64_t(c - '0');
  }
  return number <= UINT32_MAX ? std::optional(std::uint32_t(number)) : std::nullopt;
}

bool is_host_label(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

}  // namespace

std::optional<GuestName> guest_name(std::string_view place) {
  auto parts = split(below_top(place), '/');
  if (parts.size() != 4 || parts[0] != "nodes" || !is_host_label(parts[1])) return std::nullopt;
  if (parts[2] != "qemu-server" && parts[2] != "lxc" && parts[2] != "openvz") return std::nullopt;
  auto vmid = vmid_of(parts[3]);
  if (!vmid) return std::nullopt;
  return GuestName{std::string(parts[1]), parts[2] == "qemu-server" ? "qemu" : std::string(parts[2]), *vmid};
}

bool is_generated(std::string_view place) {
  static const std::set<std::string_view> names{".version", ".members", ".vmlist", ".clusterlog", ".rrd"};
  return names.count(below_top(place)) > 0;
}

bool is_virtual_link(std::string_view place) {
  static const std::set<std::string_view> names{"local", "qemu-server", "lxc", "openvz"};
  return names.count(below_top(place)) > 0;
}

bool is_private(std::string_view place) {
  auto parts = split(below_top(place), '/');
  return (!parts.empty() && parts[0] == "priv") || (parts.size() > 2 && parts[0] == "nodes" && parts[2] == "priv");
}

bool is_cluster_lock(std::string_view place) {
  auto parts = split(below_top(place), '/');
  return parts.size() == 3 && parts[0] == "priv" && parts[1] == "lock";
}

std::string vm_list(const std::map<std::string, std::string>& files) {
  std::string ids;
  for (const auto& [path, bytes] : files)
    if (auto guest = guest_name(path))
      ids += (ids.empty() ? "" : ",\n") + ("\"" + std::to_string(guest->vmid)) + "\": { \"node\": \"" + guest->node + "\", \"type\": \"" +
             guest->type + "\", \"version\": 1 }";
  return "{\n\"version\": 1,\n\"ids\": {\n" + ids + "}\n\n}\n";
}

}  // namespace hostpci::test
