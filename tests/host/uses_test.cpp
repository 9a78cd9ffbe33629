// What hangs on a device, through partitions, LVM, ZFS, multipath, bridges, bonds and VLANs; and what the host would
// lose.
#include <doctest/doctest.h>

#include <cerrno>

#include "host/scan.hpp"
#include "sysfs_tree.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

using Uses = std::vector<Use>;

Fact<Uses> uses_of(const FileSystem& system, const TreeDevice& d) {
  Host host = scan_host(system, {false, true, false, false, false, false});
  return host.find(*parse_pci_address(d.address))->uses;
}

Use use(UseKind kind, std::string name, std::string detail = "", bool critical = false) {
  return {kind, std::move(name), std::move(detail), critical, {}};
}

}  // namespace

TEST_CASE("a disk with the root file system on LVM, the ESP and swap") {
  CHECK(uses_of(small_host(), disk) ==
        Uses{use(UseKind::disk, "sda", "holds pve-root, pve-swap"), use(UseKind::filesystem, "dm-1", "/", true),
             use(UseKind::filesystem, "sda2", "/boot/efi", true), use(UseKind::swap, "dm-0", "", true)});
}

TEST_CASE("a disk with data only is not critical") {
  MemoryFileSystem system = small_host();
  system.put("/proc/self/mountinfo", "30 24 8:2 / /mnt/my\\040data rw - ext4 /dev/sda2 rw\n");
  system.put("/proc/swaps", "Filename Type Size Used Priority\n");
  CHECK(uses_of(system, disk) ==
        Uses{use(UseKind::disk, "sda", "holds pve-root, pve-swap"), use(UseKind::filesystem, "sda2", "/mnt/my data")});
}

TEST_CASE("/proc/mounts serves where mountinfo is missing") {
  MemoryFileSystem inner = small_host();
  inner.put("/proc/mounts", "/dev/mapper/pve-root / ext4 rw 0 0\n/dev/sda2 /boot/efi vfat rw 0 0\n");
  auto system = faulty_file_system(
      inner, [](std::string_view, const std::string& path) { return path == "/proc/self/mountinfo" ? ENOENT : 0; });
  auto uses = uses_of(*system, disk);
  REQUIRE(uses);
  CHECK(uses->size() == 4);
  CHECK(uses->at(1) == use(UseKind::filesystem, "dm-1", "/", true));
}

TEST_CASE("members of ZFS pools and ESPs that are not mounted") {
  MemoryFileSystem system = small_host();
  system.put("/proc/self/mountinfo",
             "24 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw\n25 1 0:26 / /tank rw - zfs tank rw\n");
  system.put("/proc/swaps", "Filename Type Size Used Priority\n");
  std::string sda = device_path(disk) + "/ata1/host0/target0:0:0/0:0:0:0/block/sda";
  system.put(sda + "/sda3/dev", "8:3\n");
  system.put(sda + "/sda2/dev", "8:2\n");
  system.put("/run/udev/data/b8:3", "S:disk/by-label/rpool\nE:ID_FS_LABEL=rpool\nE:ID_FS_TYPE=zfs_member\n");
  system.put("/run/udev/data/b8:2", "E:ID_FS_UUID=7A1C-93F2\nE:ID_FS_TYPE=vfat\n");
  system.put("/etc/kernel/proxmox-boot-uuids", "7A1C-93F2\n");
  auto uses = uses_of(system, disk);
  REQUIRE(uses);
  CHECK(std::count(uses->begin(), uses->end(), use(UseKind::filesystem, "sda3", "/", true)) == 1);
  CHECK(std::count(uses->begin(), uses->end(),
                   use(UseKind::filesystem, "sda2", "EFI system partition of proxmox-boot-tool", true)) == 1);
}

TEST_CASE("an NVMe disk behind the multipath subsystem") {
  MemoryFileSystem system = small_host();
  TreeDevice nvme{"0000:02:00.0", "", "010802", "144d", "a808", "nvme", 7};
  add_device(system, nvme);
  std::string subsystem = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0";
  add_class(system, "block", subsystem, "nvme0n1");
  system.put_link(subsystem + "/nvme0", "../../../pci0000:00/0000:02:00.0/nvme/nvme0");
  CHECK(uses_of(system, nvme) == Uses{use(UseKind::disk, "nvme0n1")});
}

TEST_CASE("an endpoint with a PCI bus below it (Intel VMD) carries what hangs on that bus") {
  MemoryFileSystem system = small_host();
  TreeDevice vmd{"0000:00:0e.0", "", "010400", "8086", "467f", "vmd", 6};
  TreeDevice root_port{"10000:e0:06.0", "0000:00:0e.0/pci10000:e0", "060400", "8086", "464d", "pcieport", 6};
  TreeDevice nvme{"10000:e1:00.0", "0000:00:0e.0/pci10000:e0/10000:e0:06.0", "010802", "144d", "a80a", "nvme", 6};
  for (const TreeDevice& d : {vmd, root_port, nvme}) add_device(system, d);
  std::string below = device_path(nvme) + "/nvme/nvme0";
  add_class(system, "block", below, "nvme0n1");
  add_class(system, "block", below + "/nvme0n1", "nvme0n1p2");
  system.put("/proc/self/mountinfo", "24 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n");
  const Uses expected{use(UseKind::disk, "nvme0n1"), use(UseKind::filesystem, "nvme0n1p2", "/", true)};
  CHECK(uses_of(system, vmd) == expected);
  CHECK(uses_of(system, nvme) == expected);
  CHECK(uses_of(system, root_port) == Uses{});
}

TEST_CASE("an only graphics card below another endpoint is the only console of both") {
  MemoryFileSystem system = small_host();
  TreeDevice above{"0000:00:0e.0", "", "088000", "8086", "467f", "", 6};
  TreeDevice below{"10000:e1:00.0", "0000:00:0e.0/pci10000:e0", "030000", "1a03", "2000", "ast", 6};
  for (const TreeDevice& d : {above, below}) add_device(system, d);
  REQUIRE(system.remove("/sys/class/graphics/fb0"));
  add_class(system, "graphics", device_path(below) + "/graphics", "fb0");
  CHECK(uses_of(system, above) == Uses{use(UseKind::console, "fb0", "", true)});
  CHECK(uses_of(system, below) == Uses{use(UseKind::console, "fb0", "", true)});
}

TEST_CASE("what a disk carries is unknown without the mount table") {
  MemoryFileSystem inner = small_host();
  auto system = faulty_file_system(inner, [](std::string_view, const std::string& path) {
    return path.find("mount") != std::string::npos ? EACCES : 0;
  });
  CHECK_FALSE(uses_of(*system, disk).has_value());
  CHECK(uses_of(*system, network).has_value());
}

TEST_CASE("a port of the management bridge") {
  CHECK(uses_of(small_host(), network) ==
        Uses{use(UseKind::bridge_port, "eno1", "vmbr0 192.0.2.10/24 (default route)", true)});
}

TEST_CASE("the interfaces file alone tells of bridges, bonds and VLANs") {
  MemoryFileSystem system = small_host();
  TreeDevice second{"0000:04:00.0", "", "020000", "10ec", "8168", "r8169", 8},
      third{"0000:06:00.0", "", "020000", "10ec", "8168", "r8169", 9};
  add_device(system, second);
  add_device(system, third);
  add_class(system, "net", device_path(second) + "/net", "enp4s0");
  add_class(system, "net", device_path(third) + "/net", "enp6s0");
  system.put("/proc/net/route", "Iface\tDestination\n");
  system.put("/etc/network/interfaces",
             "iface bond0 inet manual\n\tbond-slaves eno1 enp4s0\n\niface bond0.5 inet manual\n\nauto vmbr0\niface "
             "vmbr0 inet static\n\taddress 198.51.100.2/24\n\tgateway 198.51.100.1\n"
             "\tbridge-ports bond0.5\n\niface vmbr1 inet static\n  address 203.0.113.1/24\n  bridge-ports enp6s0\n");
  Use expected = use(UseKind::bridge_port, "enp4s0", "bond0, bond0.5, vmbr0 198.51.100.2/24 (default route)", true);
  CHECK(uses_of(system, second) == Uses{expected});
  CHECK(uses_of(system, third) == Uses{use(UseKind::bridge_port, "enp6s0", "vmbr1 203.0.113.1/24")});
  system.put("/etc/pve/corosync.conf", "nodelist {\n  node {\n    name: pve1\n    ring0_addr: 203.0.113.1\n  }\n}\n");
  CHECK(uses_of(system, third)->at(0).critical);  // the cluster's link
}

TEST_CASE("the node's own address in /etc/hosts is the management network") {
  MemoryFileSystem system = small_host();
  system.put("/proc/net/route", "Iface\tDestination\n");
  system.put("/etc/network/interfaces", "iface eno1 inet static\n\taddress 192.0.2.10/24\n");
  CHECK_FALSE(uses_of(system, network)->at(0).critical);
  system.put("/etc/hosts", "127.0.0.1 localhost\n192.0.2.10 pve1.example.org pve1 # this host\n");
  CHECK(uses_of(system, network)->at(0).critical);
}

TEST_CASE("an IPv6 default route is a way to the host as the IPv4 one is") {
  const std::string zero(32, '0'), gateway(" fe80000000000000020000fffe000001 00000400 00000001 00000000 ");
  const std::string refusal = zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n";
  auto route = [&](const char* flags) { return zero + " 00 " + zero + " 00" + gateway + flags + "    eno1\n"; };
  MemoryFileSystem system = small_host();
  system.put("/etc/network/interfaces", "iface eno1 inet6 auto\n");
  REQUIRE(system.remove(device_path(network) + "/net/eno1/master"));
  REQUIRE(system.remove(device_path(network) + "/net/eno1/upper_vmbr0"));
  const Use reached = use(UseKind::net, "eno1", "default route", true), idle = use(UseKind::net, "eno1");
  system.put("/proc/net/ipv6_route", refusal + route("00000003"));
  CHECK(uses_of(system, network) == Uses{reached});
  system.put("/proc/net/ipv6_route", refusal + route("00450003"));  // announced by a router, beside vmbr0's IPv4 route
  CHECK(uses_of(system, network) == Uses{idle});
  system.put("/proc/net/route", "Iface\tDestination\n");
  CHECK(uses_of(system, network) == Uses{reached});
  system.put("/proc/net/ipv6_route", refusal + route("00000203"));
  CHECK(uses_of(system, network) == Uses{idle});
}

TEST_CASE("the only console") {
  CHECK(uses_of(small_host(), graphics) == Uses{use(UseKind::console, "fb0", "", true), use(UseKind::drm, "card0")});
  MemoryFileSystem system = small_host();
  system.put("/proc/cmdline", "quiet console=tty0 console=ttyS0,115200\n");
  CHECK_FALSE(uses_of(system, graphics)->at(0).critical);
  system = small_host();
  add_class(system, "graphics", device_path(network) + "/graphics", "fb1");
  CHECK_FALSE(uses_of(system, graphics)->at(0).critical);
}

TEST_CASE("input devices have their names") {
  MemoryFileSystem system = small_host();
  std::string input = device_path(port) + "/usb1/1-1/1-1:1.0/0003:046D:C31C.0001/input";
  add_class(system, "input", input, "input3");
  add_class(system, "input", input + "/input3", "event3");
  system.put(input + "/input3/name", "Logitech USB Keyboard\n");
  CHECK(uses_of(system, port) == Uses{use(UseKind::input, "input3", "Logitech USB Keyboard")});
}

TEST_CASE("uses are unknown where neither networks nor disks can be seen") {
  MemoryFileSystem system;
  add_device(system, disk);
  CHECK_FALSE(uses_of(system, disk).has_value());
  MemoryFileSystem inner = small_host();
  auto denied = faulty_file_system(
      inner, [](std::string_view, const std::string& path) { return path == "/sys/class/net" ? EACCES : 0; });
  CHECK_FALSE(uses_of(*denied, disk).has_value());
}

TEST_CASE("without /sys/class what stands below the device counts") {
  MemoryFileSystem system;
  add_device(system, network);
  add_device(system, disk);
  system.put(device_path(network) + "/net/eth0/address", "00:00:00:00:00:00\n");
  system.put(device_path(disk) + "/ata1/host0/target0:0:0/0:0:0:0/block/sda/dev", "8:0\n");
  CHECK(uses_of(system, network) == Uses{use(UseKind::net, "eth0")});
  CHECK(uses_of(system, disk) == Uses{use(UseKind::disk, "sda")});
}
