// Places below /etc/pve by Proxmox VE's rules, and reads that outlast a replacement.
#include "apply/vm_place.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

#include "config/site.hpp"
#include "config/vm.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view cluster_directory = "/etc/pve/";
constexpr const char* own_node_link = "/etc/pve/local";

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

/// "nodes/NODE/qemu-server/100.conf" or "qemu-server/100.conf": the node, "" for the second form; nothing for any other
/// path.
std::optional<std::string> node_of(std::string_view below) {
  auto parts = split(below, '/');
  bool own = parts.size() == 2, other = parts.size() == 4 && parts[0] == "nodes";
  if ((!own && !other) || parts[parts.size() - 2] != "qemu-server" || vmid_of_path(parts.back()) == 0)
    return std::nullopt;
  return other ? std::string(parts[1]) : std::string();
}

Status check_cluster_place(const FileSystem& system, const VmPlace& place) {
  auto node = node_of(std::string_view(place.path).substr(cluster_directory.size()));
  if (!node)
    return Failure{
        quoted(place.path) + " is no configuration of a VM: below /etc/pve these are nodes/NODE/qemu-server/VMID.conf",
        EINVAL};
  std::string own = node_name(system);
  if (!node->empty() && !own.empty() && *node != own)
    return Failure{"VM " + std::to_string(place.vmid) + " belongs to node " + quoted(*node) +
                       "; only that node may change it (this is " + quoted(own) + ")",
                   EACCES};
  return cluster_writable(system);
}

/// A text that may be absent for a moment only where pmxcfs runs.
template <class Read>
auto patiently(const FileSystem& system, const std::string& path, Read read) {
  constexpr int tries = 10;
  auto text = read(path);
  bool live = in_cluster(path) && system.root() == "/";
  for (int i = 1; live && i < tries && !text && text.error().code == ENOENT; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    text = read(path);
  }
  return text;
}

}  // namespace

bool in_cluster(std::string_view path) { return path.starts_with(cluster_directory); }

/// pmxcfs takes the write bit from its links where quorum is lost.
Status cluster_writable(const FileSystem& system) {
  auto link = system.stat(own_node_link, false);
  if (!link && system.root() == "/")
    return Failure{"the cluster file system is not mounted: `/etc/pve/local` is missing", EACCES};
  if (link && link->kind == FileKind::link && (link->mode & 0200) == 0)
    return Failure{"the cluster has no quorum: /etc/pve can only be read", EACCES};
  return Done{};
}

Result<VmPlace> vm_place(const FileSystem& system, const std::string& path) {
  auto real = system.canonical(path);
  if (!real) return real.error();
  VmPlace place{*real, vmid_of_path(*real), in_cluster(*real)};
  if (place.vmid == 0) place.vmid = vmid_of_path(path);
  if (!place.cluster) return place;
  if (Status allowed = check_cluster_place(system, place); !allowed) return allowed.error();
  return place;
}

Result<std::string> read_vm_text(const FileSystem& system, const VmPlace& place) {
  return patiently(system, place.path, [&](const std::string& path) { return system.read(path); });
}

std::string lock_path(std::uint32_t vmid) { return "/var/lock/qemu-server/lock-" + std::to_string(vmid) + ".conf"; }

Result<std::optional<std::string>> read_target(const FileSystem& system, const std::string& path) {
  auto real = system.canonical(path);
  if (!real && real.error().code == ENOENT) return std::optional<std::string>();  // not even its directory
  if (!real) return real.error();
  if (*real != path) return Failure{quoted(path) + " was changed meanwhile by someone else: it leads to " + quoted(*real), EBUSY};
  auto text = patiently(system, path, [&](const std::string& name) { return system.read(name); });
  if (text) return std::optional<std::string>(std::move(*text));
  if (text.error().code == ENOENT) return std::optional<std::string>();
  return text.error();
}

}  // namespace hostpci
