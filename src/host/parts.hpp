// The parts of a scan: each fills its own fields of the host and leaves unknown what cannot be read.
#pragma once
#include <set>
#include <string>
#include <string_view>

#include "host/attributes.hpp"
#include "host/scan.hpp"

namespace hostpci {

/// Devices and groups. Where the device list itself cannot be read, `unreadable` says so for /sys/bus/pci/devices.
void scan_devices(const FileSystem&, const HostParts&, Host&);
/// mdev_supported_types and nvidia/ of one device.
void read_mdev_types(const FileSystem&, const Attributes&, Device&);
/// Mediated devices that exist.
void scan_mdevs(const FileSystem&, Host&);
void scan_kernel(const FileSystem&, Host&);
/// Configuration files.
void scan_files(const FileSystem&, Host&);
/// Into the files too: installed tools by directory ("/usr/sbin/" -> a name a line), the firmware's boot entries, those
/// of the boot loader, and what hostpci itself has put beside them.
void scan_boot_evidence(const FileSystem&, Host&);
/// Versions of the packages that matter, and the architecture.
void scan_packages(const FileSystem&, Host&);
void scan_running(const FileSystem&, Host&);
/// USB devices and the controllers they are on.
void scan_usb(const FileSystem&, Host&);
/// The cluster's nodes.
void scan_nodes(const FileSystem&, Host&);
/// What the kernel logged, and what its IOMMUs and huge pages have room for.
void scan_kernel_log(const FileSystem&, Kernel&);
void scan_kernel_limits(const FileSystem&, Kernel&);
/// Fills Device::uses from /sys/class; where that is missing, from what scan_devices saw below the devices.
void scan_uses(const FileSystem&, Host&);
/// What hangs directly below a device, without /sys/class: its net, block, drm, graphics, sound and input folders.
std::vector<Use> uses_below(const FileSystem&, const Attributes&);

/// The node's name: /etc/pve/local, else /etc/hostname up to the first dot, else "".
std::string read_node_name(const FileSystem&);

/// A file of /proc or /etc, or nothing.
Fact<std::string> read_text(const FileSystem&, const std::string& path);

}  // namespace hostpci
