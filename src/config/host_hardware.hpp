// What guests take of the host without a hostpci line: disks by path, USB devices, device nodes of containers.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/vm.hpp"
#include "text/source.hpp"

namespace hostpci {

/// A path of the host that a guest names: "/dev/disk/by-id/ata-X" of scsi1, "/dev/dri/renderD128" of dev0.
struct HostPath {
  std::string_view key, path;
  Span span;  ///< of the path
};

/// usbN: host=1-4 (a port) or host=046d:c52b (an id).
struct HostUsb {
  std::string_view key, host;
  Span span;  ///< of the value
};

/// Whether the text can hold one of these: a file that does not is skipped unparsed.
bool mentions_host_hardware(std::string_view text);
/// Disks of a VM that are given as a path below /dev.
std::vector<HostPath> host_disks(const VmSection&);
std::vector<HostUsb> host_usb_devices(const VmSection&);
/// Paths below /dev/disk that those VMs name: links that have to be followed.
std::set<std::string> disk_links(const std::vector<Vm>&);

/// A container's file (/etc/pve/lxc/VMID.conf) as far as it is about the host's devices; snapshots are left out.
struct Container {
  std::uint32_t vmid = 0;
  SourcePtr source;
  bool is_template = false;
  std::vector<HostPath> nodes;  ///< of devN and of lxc.mount.entry: paths below /dev
  std::vector<HostPath> disks;  ///< rootfs and mpN that are a path below /dev
};
Container read_container(SourcePtr source);

}  // namespace hostpci
