// Where the configurations of a node's VMs stand, and what they are called.
#include "config/site.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_path(std::string_view name) { return name.find('/') != name.npos || name.ends_with(".conf"); }

/// Below another root than "/", a relative path counts from that root.
std::string absolute(const FileSystem& system, std::string_view name) {
  if (name.starts_with('/')) return std::string(name);
  std::string directory = "/";
  if (system.root() == "/")
    if (char* current = ::getcwd(nullptr, 0)) {
      directory = current;
      ::free(current);
    }
  if (!directory.ends_with('/')) directory += '/';
  return directory + std::string(name);
}

bool is_vmid(std::string_view name) {
  return name.size() >= 3 && name.size() <= 9 && name[0] != '0' && number(name).has_value();
}

}  // namespace

std::string vm_path(std::uint32_t vmid) { return "/etc/pve/qemu-server/" + std::to_string(vmid) + ".conf"; }

Result<std::string> vm_file(const FileSystem& system, std::string_view name) {
  if (is_vmid(name)) return vm_path(std::uint32_t(*number(name)));
  if (is_path(name)) return absolute(system, name);
  bool directory =
      system.root() == "/" ? ::access(std::string(name).c_str(), F_OK) == 0 : bool(system.stat(absolute(system, name)));
  if (directory && !name.empty()) return absolute(system, name);
  return Failure{"`" + std::string(name) + "` is no VMID (100 to 999999999) and no path of a configuration file",
                 EINVAL};
}

Result<std::vector<std::string>> list_vms(const FileSystem& system, const std::string& directory) {
  auto names = system.list(directory);
  if (!names) return names.error();
  std::vector<std::pair<std::uint32_t, std::string_view>> vms;
  for (const std::string& name : *names)
    if (std::uint32_t vmid = vmid_of_path(name)) vms.emplace_back(vmid, name);
  std::sort(vms.begin(), vms.end());
  std::string base = directory.ends_with('/') ? directory : directory + "/";
  std::vector<std::string> paths;
  for (const auto& [vmid, name] : vms) paths.push_back(base + std::string(name));
  return paths;
}

Failure no_such_vm(const FileSystem& system, const std::string& path) {
  std::uint32_t vmid = vmid_of_path(path);
  if (vmid == 0 || path != vm_path(vmid)) return {"no such file: `" + printable(path) + "`", ENOENT};
  std::string id = std::to_string(vmid), message = "no such VM: " + id;
  auto nodes = system.list("/etc/pve/nodes");
  for (const std::string& node : nodes.value_or({}))
    if (system.stat("/etc/pve/nodes/" + node + "/qemu-server/" + id + ".conf"))
      return {message + " on this node; it is on node `" + printable(node) + "`", ENOENT};
  std::vector<std::string> ids;
  for (const std::string& other : list_vms(system).value_or({})) ids.push_back(std::to_string(vmid_of_path(other)));
  std::vector<std::string_view> candidates(ids.begin(), ids.end());
  if (auto near = closest(id, candidates)) message += "; did you mean " + std::string(*near) + "?";
  return {message, ENOENT};
}

std::string node_name(const FileSystem& system) {
  if (auto link = system.read_link("/etc/pve/local")) {
    std::string_view target = *link;
    while (target.ends_with('/')) target.remove_suffix(1);
    return std::string(target.substr(target.rfind('/') + 1));
  }
  auto name = system.read("/etc/hostname");
  if (!name) return "";
  std::string_view full = trim(*name);  // PVE takes the name up to its first dot
  return std::string(full.substr(0, full.find('.')));
}

}  // namespace hostpci
