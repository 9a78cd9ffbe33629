// Names that mean something to pmxcfs: files of VMs, the files it generates, the links it invents, cluster locks.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hostpci::test {

/// A guest's configuration: nodes/NODE/{qemu-server,lxc,openvz}/VMID.conf.
struct GuestName {
  std::string node, type;  ///< type: "qemu", "lxc", "openvz"
  std::uint32_t vmid = 0;
};

/// `place` begins with /etc/pve/. Nothing: an ordinary file ("0100.conf", "100.CONF", "4294967296.conf" are such).
std::optional<GuestName> guest_name(std::string_view place);

bool is_generated(std::string_view place);     ///< .version .members .vmlist .clusterlog .rrd
bool is_virtual_link(std::string_view place);  ///< local, qemu-server, lxc, openvz
bool is_private(std::string_view place);       ///< below priv or nodes/NODE/priv
bool is_cluster_lock(std::string_view place);  ///< a directory right below priv/lock

/// .vmlist of these files.
std::string vm_list(const std::map<std::string, std::string>& files);

}  // namespace hostpci::test
