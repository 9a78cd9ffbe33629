// Networks: what stands above each interface (bridges, bonds, VLANs), and which of them the host is reached by.
#include <algorithm>
#include <cerrno>

#include "host/uses_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// An `iface` stanza of ifupdown, all of one name joined.
struct Interface {
  std::vector<std::string> addresses;  ///< as written, with prefix length
  bool gateway = false;
};

struct Networks {
  std::map<std::string, Interface> interfaces;
  std::map<std::string, std::set<std::string>> above;  ///< lower -> uppers
  std::set<std::string> management;                    ///< interfaces the host is reached by
  std::set<std::string> default_routes;
  bool known = true;  ///< something said how the host is reached
};

/// Options that name the interfaces below this one.
bool names_lowers(std::string_view option) {
  for (std::string_view own : {"bridge-ports", "bridge_ports", "bond-slaves", "bond_slaves", "slaves",
                               "vlan-raw-device", "vlan_raw_device", "ovs_ports", "ovs_bonds"})
    if (option == own) return true;
  return false;
}

void read_option(const std::string& name, const std::vector<std::string_view>& parts, Networks& networks) {
  Interface& own = networks.interfaces[name];
  if (parts[0] == "gateway") own.gateway = true;
  if (parts[0] == "address" && parts.size() > 1) own.addresses.emplace_back(parts[1]);
  if (parts[0] == "ovs_bridge" && parts.size() > 1) networks.above[name].insert(std::string(parts[1]));
  if (!names_lowers(parts[0])) return;
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (parts[i] != "none") networks.above[std::string(parts[i])].insert(name);
}

/// "eno1.100" is VLAN 100 of eno1.
void start_interface(const std::string& name, Networks& networks) {
  networks.interfaces[name];
  std::size_t dot = name.rfind('.');
  if (dot != std::string::npos && number(std::string_view(name).substr(dot + 1)))
    networks.above[name.substr(0, dot)].insert(name);
}

void read_interfaces_text(std::string_view text, Networks& networks) {
  std::string current;
  for (std::string_view line : split(text, '\n')) {
    auto parts = words(line);
    if (parts.empty() || parts[0][0] == '#') continue;
    if (parts[0] == "iface" && parts.size() > 1)
      start_interface(current = parts[1], networks);
    else if (parts[0] == "auto" || parts[0] == "mapping" || parts[0].substr(0, 6) == "allow-" ||
             parts[0].substr(0, 6) == "source")
      current.clear();
    else if (!current.empty())
      read_option(current, parts, networks);
  }
}

/// False if the files are there and cannot be read.
bool read_interfaces(const FileSystem& system, Networks& networks) {
  auto text = system.read("/etc/network/interfaces");
  if (!text) return text.error().code == ENOENT || text.error().code == ENOTDIR;
  read_interfaces_text(*text, networks);
  auto names = system.list("/etc/network/interfaces.d");
  if (!names) return true;
  for (const std::string& name : *names)
    if (auto part = system.read("/etc/network/interfaces.d/" + name)) read_interfaces_text(*part, networks);
  return true;
}

/// /proc/net/route: "vmbr0 00000000 010200C0 0003 0 0 0 00000000 …" is a default route. Its columns are hexadecimal.
Result<bool> read_routes(const FileSystem& system, Networks& networks) {
  auto text = system.read("/proc/net/route");
  if (!text) return text.error();
  for (std::string_view line : split(*text, '\n')) {
    auto parts = words(line);
    if (parts.size() > 7 && parts[1] == "00000000" && parts[7] == "00000000")
      networks.default_routes.insert(std::string(parts[0]));
  }
  return true;
}

/// /proc/net/ipv6_route: "DESTINATION 00 SOURCE 00 GATEWAY METRIC REFERENCES USE FLAGS vmbr0" is a default route, all
/// in hexadecimal. Refusals (the kernel's own on lo) are none. One that a router announced counts only where the host
/// has no other default route: any port with IPv6 gets one.
void read_ipv6_routes(const FileSystem& system, Networks& networks) {
  constexpr std::uint64_t reject = 0x200, announced = 0x40000;
  auto text = system.read("/proc/net/ipv6_route");
  if (!text) return;
  std::set<std::string> own, learned;
  for (std::string_view line : split(*text, '\n')) {
    auto parts = words(line);
    if (parts.size() < 10 || parts[1] != "00" || parts[0].find_first_not_of('0') != std::string_view::npos) continue;
    std::uint64_t flags = number(parts[8], 16).value_or(reject);
    if (!(flags & reject) && parts[9] != "lo") (flags & announced ? learned : own).emplace(parts[9]);
  }
  networks.default_routes.merge(own);
  if (networks.default_routes.empty()) networks.default_routes = std::move(learned);
}

/// Addresses that the cluster and the node's own name stand for: PVE demands the latter in /etc/hosts.
std::set<std::string> own_addresses(const FileSystem& system, const std::string& node) {
  std::set<std::string> result;
  if (auto text = system.read("/etc/hosts"))
    for (std::string_view line : split(*text, '\n')) {
      auto parts = words(line.substr(0, line.find('#')));
      if (!node.empty() && std::find(parts.begin(), parts.end(), node) != parts.end())
        result.insert(std::string(parts[0]));
    }
  if (auto text = system.read("/etc/pve/corosync.conf"))
    for (std::string_view line : split(*text, '\n')) {
      auto parts = words(line);
      if (parts.size() == 2 && parts[0].substr(0, 4) == "ring" && parts[0].find("_addr:") != std::string_view::npos)
        result.insert(std::string(parts[1]));
    }
  return result;
}

void find_management(const std::set<std::string>& own, Networks& networks) {
  networks.management = networks.default_routes;
  for (const auto& [name, facts] : networks.interfaces) {
    if (facts.gateway) networks.management.insert(name);
    for (const std::string& address : facts.addresses)
      if (own.count(address.substr(0, address.find('/')))) networks.management.insert(name);
  }
}

/// The kernel's own links upper_NAME, and the master.
void read_uppers(const FileSystem& system, const std::string& name, Networks& networks) {
  auto entries = system.list("/sys/class/net/" + name);
  if (!entries) return;
  for (const std::string& entry : *entries) {
    if (entry.substr(0, 6) == "upper_") networks.above[name].insert(entry.substr(6));
    if (entry != "master") continue;
    if (auto target = system.read_link("/sys/class/net/" + name + "/master"))
      networks.above[name].insert(std::string(base_name(*target)));
  }
}

void collect_above(const Networks& networks, const std::string& name, std::vector<std::string>& found) {
  auto uppers = networks.above.find(name);
  if (uppers == networks.above.end()) return;
  for (const std::string& upper : uppers->second) {
    if (std::find(found.begin(), found.end(), upper) != found.end()) continue;
    found.push_back(upper);
    collect_above(networks, upper, found);
  }
}

std::string describe(const Networks& networks, const std::string& name) {
  std::string text;
  auto own = networks.interfaces.find(name);
  if (own != networks.interfaces.end()) text = join(own->second.addresses, " ");
  bool routed = networks.default_routes.count(name) || (own != networks.interfaces.end() && own->second.gateway);
  if (routed) text += text.empty() ? "default route" : " (default route)";
  return text;
}

Use net_use(const Networks& networks, const std::string& name) {
  std::vector<std::string> above;
  collect_above(networks, name, above);
  Use use{above.empty() ? UseKind::net : UseKind::bridge_port, name, describe(networks, name),
          networks.management.count(name) > 0};
  for (const std::string& upper : above) {
    std::string carried = describe(networks, upper);
    use.detail += (use.detail.empty() ? "" : ", ") + upper + (carried.empty() ? "" : ' ' + carried);
    use.critical = use.critical || networks.management.count(upper);
  }
  return use;
}

Networks read_networks(const FileSystem& system, const std::vector<ClassEntry>& entries, const std::string& node) {
  Networks networks;
  bool files = read_interfaces(system, networks);
  auto routes = read_routes(system, networks);
  read_ipv6_routes(system, networks);
  networks.known = files && (routes || (routes.error().code == ENOENT && !networks.interfaces.empty()));
  find_management(own_addresses(system, node), networks);
  for (const ClassEntry& entry : entries) read_uppers(system, entry.name, networks);
  return networks;
}

}  // namespace

void find_net_uses(const FileSystem& system, const std::vector<ClassEntry>& entries, const std::string& node,
                   UseTable& table) {
  bool any = std::any_of(entries.begin(), entries.end(),
                         [](const ClassEntry& e) { return last_address(e.target).has_value(); });
  if (!any) return;
  Networks networks = read_networks(system, entries, node);
  for (const ClassEntry& entry : entries) {
    for (const PciAddress& device : carriers(table, entry.target)) {
      table.uses[device].push_back(net_use(networks, entry.name));
      if (!networks.known) table.unknown.insert(device);
    }
  }
}

}  // namespace hostpci
