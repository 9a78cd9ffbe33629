// Which VMs of the cluster name a mapping.
#include "config/mapping_users.hpp"

#include <cerrno>
#include <set>

#include "config/site.hpp"
#include "config/vm.hpp"

namespace hostpci {
namespace {

constexpr const char* nodes_directory = "/etc/pve/nodes";

std::set<std::string> keys_naming(const Vm& vm, const std::string& id) {
  std::set<std::string> keys;
  for (const VmSection& section : vm.sections)
    for (const HostpciLine& line : vm.hostpci(section))
      if (line.parsed.text(HostpciKey::mapping) == id) keys.insert(line.key());
  return keys;
}

/// Adds what the VMs of one directory have; one that does not exist has none.
Status add_users(const FileSystem& system, const std::string& directory, const std::string& node, const std::string& id,
                 std::vector<MappingUser>& users) {
  auto paths = list_vms(system, directory);
  if (!paths) return paths.error().code == ENOENT ? Status(Done{}) : Status(paths.error());
  for (const std::string& path : *paths) {
    auto text = system.read(path);
    if (!text && text.error().code == ENOENT) continue;  // it went while we looked
    if (!text) return text.error();
    if (text->find(id) == text->npos) continue;
    Vm vm = read_vm(make_source(path, std::move(*text)));
    for (const std::string& key : keys_naming(vm, id)) users.push_back({vm.vmid, node, key});
  }
  return Done{};
}

}  // namespace

std::string MappingUser::text() const {
  return "VM " + std::to_string(vmid) + " (" + key + (node.empty() ? "" : " on node " + node) + ")";
}

Result<std::vector<MappingUser>> mapping_users(const FileSystem& system, const std::string& id, const std::string& own_node) {
  std::vector<MappingUser> users;
  auto own = system.stat("/etc/pve/qemu-server", false);
  bool linked = own && own->kind == FileKind::link;  // into nodes/, which is read below
  if (!linked)
    if (Status added = add_users(system, "/etc/pve/qemu-server", own_node, id, users); !added) return added.error();
  auto nodes = system.list(nodes_directory);
  if (!nodes && nodes.error().code != ENOENT) return nodes.error();
  for (const std::string& node : nodes.value_or({})) {
    Status added = add_users(system, std::string(nodes_directory) + "/" + node + "/qemu-server", node, id, users);
    if (!added) return added.error();
  }
  return users;
}

}  // namespace hostpci
