// A small host in memory, as sysfs and /proc show one: a disk controller, a network card, a graphics card, a card with
// virtual functions.
#pragma once
#include <string>
#include <vector>

#include "system/memory.hpp"

namespace hostpci::test {

struct TreeDevice {
  std::string address, parent, class_code, vendor, device, driver;
  int group = -1;
};

/// The directory of a device below /sys/devices.
inline std::string device_path(const TreeDevice& d) {
  return "/sys/devices/pci0000:00/" + (d.parent.empty() ? "" : d.parent + '/') + d.address;
}

inline void add_device(MemoryFileSystem& system, const TreeDevice& d) {
  std::string path = device_path(d);
  system.put_link("/sys/bus/pci/devices/" + d.address, "../../../" + path.substr(5));
  system.put(path + "/class", "0x" + d.class_code + "\n");
  system.put(path + "/vendor", "0x" + d.vendor + "\n");
  system.put(path + "/device", "0x" + d.device + "\n");
  system.put(path + "/subsystem_vendor", "0x1043\n");
  system.put(path + "/subsystem_device", "0x8694\n");
  system.put(path + "/irq", "16\n");
  system.put(path + "/resource",
             "0x00000000de000000 0x00000000deffffff 0x0000000000140204\n0x0000000000000000 0x0000000000000000 "
             "0x0000000000000000\n");
  system.put(path + "/power_state", "D0\n");
  system.put(path + "/numa_node", "-1\n");
  if (!d.driver.empty()) system.put_link(path + "/driver", "../../../bus/pci/drivers/" + d.driver);
  if (d.group < 0) return;
  std::string group = std::to_string(d.group);
  system.put_link(path + "/iommu_group", "../../../kernel/iommu_groups/" + group);
  system.put("/sys/kernel/iommu_groups/" + group + "/type", "DMA\n");
}

/// An entry of /sys/class with its link.
inline void add_class(MemoryFileSystem& system, const std::string& kind, const std::string& below,
                      const std::string& name) {
  system.put_link("/sys/class/" + kind + '/' + name, "../../" + below.substr(5) + '/' + name);
  system.put(below + '/' + name + "/uevent", "");
}

inline const TreeDevice disk{"0000:00:17.0", "", "010601", "8086", "a352", "ahci", 5};
inline const TreeDevice network{"0000:00:1f.6", "", "020000", "8086", "15bc", "e1000e", 15};
inline const TreeDevice graphics{"0000:01:00.0", "0000:00:01.0", "030000", "10de", "1b80", "nouveau", 2};
inline const TreeDevice port{"0000:00:01.0", "", "060400", "8086", "1901", "pcieport", 1};

inline MemoryFileSystem small_host() {
  MemoryFileSystem system;
  for (const TreeDevice& d : {disk, network, graphics, port}) add_device(system, d);
  std::string sda = device_path(disk) + "/ata1/host0/target0:0:0/0:0:0:0/block";
  add_class(system, "block", sda, "sda");
  add_class(system, "block", sda + "/sda", "sda2");
  add_class(system, "block", sda + "/sda", "sda3");
  add_class(system, "block", "/sys/devices/virtual/block", "dm-0");
  add_class(system, "block", "/sys/devices/virtual/block", "dm-1");
  for (const char* dm : {"dm-0", "dm-1"})
    system.put_link(std::string("/sys/devices/virtual/block/") + dm + "/slaves/sda3", "../../../../pci0000:00/sda3");
  system.put("/sys/devices/virtual/block/dm-0/dm/name", "pve-swap\n");
  system.put("/sys/devices/virtual/block/dm-1/dm/name", "pve-root\n");
  system.put_link("/sys/dev/block/8:2",
                  "../../devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda/sda2");
  system.put_link("/sys/dev/block/253:1", "../../devices/virtual/block/dm-1");
  system.put("/proc/self/mountinfo",
             "24 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/pve-root rw\n30 24 8:2 / /boot/efi rw - vfat "
             "/dev/sda2 rw\n31 24 0:5 / /proc rw - proc proc rw\n");
  system.put("/proc/swaps",
             "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-0                               "
             "partition\t8388604\t\t0\t\t-2\n");
  add_class(system, "net", device_path(network) + "/net", "eno1");
  add_class(system, "net", "/sys/devices/virtual/net", "vmbr0");
  system.put_link(device_path(network) + "/net/eno1/master", "../../../../virtual/net/vmbr0");
  system.put_link(device_path(network) + "/net/eno1/upper_vmbr0", "../../../../virtual/net/vmbr0");
  system.put("/etc/network/interfaces",
             "auto lo\niface lo inet loopback\n\niface eno1 inet manual\n\nauto vmbr0\niface vmbr0 inet "
             "static\n\taddress 192.0.2.10/24\n\tgateway 192.0.2.1\n\tbridge-ports eno1\n");
  system.put("/proc/net/route",
             "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\nvmbr0\t00000000\t010200"
             "C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  add_class(system, "graphics", device_path(graphics) + "/graphics", "fb0");
  add_class(system, "drm", device_path(graphics) + "/drm", "card0");
  add_class(system, "drm", device_path(graphics) + "/drm", "renderD128");
  add_class(system, "drm", device_path(graphics) + "/drm/card0", "card0-HDMI-A-1");
  system.put(device_path(graphics) + "/boot_vga", "1\n");
  system.put(device_path(graphics) + "/rom", "");
  system.put(device_path(graphics) + "/reset", "");
  system.put(device_path(graphics) + "/reset_method", "bus\n");
  system.put("/proc/cmdline", "root=/dev/mapper/pve-root quiet\n");
  system.put("/etc/hostname", "pve1.example.org\n");
  return system;
}

}  // namespace hostpci::test
