// Disks that the host runs from in less common ways: swap files, ZFS on LUKS, swap on a ZFS volume, btrfs over several
// disks, and a root that cannot be traced.
#include <doctest/doctest.h>

#include <algorithm>

#include "host/scan.hpp"
#include "sysfs_tree.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const TreeDevice second{"0000:03:00.0", "", "010601", "1b21", "0612", "ahci", 7};
const std::string sda = device_path(disk) + "/ata1/host0/target0:0:0/0:0:0:0/block/sda";
const std::string sdb = device_path(second) + "/ata2/host1/target1:0:0/1:0:0:0/block/sdb";
const char* const no_swap = "Filename Type Size Used Priority\n";

/// The small host with a second controller and its disk sdb, of two partitions.
MemoryFileSystem two_disks() {
  MemoryFileSystem system = small_host();
  add_device(system, second);
  add_class(system, "block", sdb.substr(0, sdb.rfind('/')), "sdb");
  add_class(system, "block", sdb, "sdb1");
  add_class(system, "block", sdb, "sdb2");
  system.put(sdb + "/sdb1/dev", "8:17\n");
  return system;
}

/// An opened LUKS container (or another stacked device) on sdb2, number 253:7.
void add_stacked(MemoryFileSystem& system, const std::string& uuid) {
  const std::string dm = "/sys/devices/virtual/block/dm-7";
  add_class(system, "block", "/sys/devices/virtual/block", "dm-7");
  system.put_link(dm + "/slaves/sdb2", "../../../../pci0000:00/sdb2");
  system.put(dm + "/dev", "253:7\n");
  system.put(dm + "/dm/name", "upper\n");
  system.put(dm + "/dm/uuid", uuid + "\n");
}

void add_pool(MemoryFileSystem& system, const std::string& number, const std::string& pool) {
  system.put("/run/udev/data/b" + number, "E:ID_FS_LABEL=" + pool + "\nE:ID_FS_TYPE=zfs_member\n");
}

Fact<std::vector<Use>> uses_of(const FileSystem& system, const TreeDevice& d) {
  Host host = scan_host(system, {false, true, false, false, false, false});
  return host.find(*parse_pci_address(d.address))->uses;
}

bool has(const Fact<std::vector<Use>>& uses, const Use& wanted) {
  return uses && std::find(uses->begin(), uses->end(), wanted) != uses->end();
}

bool any_critical(const Fact<std::vector<Use>>& uses) {
  return uses && std::any_of(uses->begin(), uses->end(), [](const Use& use) { return use.critical; });
}

}  // namespace

TEST_CASE("a swap file lies on the disk of the longest mount point above it") {
  MemoryFileSystem system = two_disks();
  system.put("/proc/self/mountinfo",
             "24 1 253:1 / / rw - ext4 /dev/mapper/pve-root rw\n25 1 8:17 / /mnt/data rw - ext4 /dev/sdb1 rw\n");
  system.put("/proc/swaps", std::string(no_swap) + "/mnt/data/swap\\040file file 1024 0 -2\n");
  CHECK(has(uses_of(system, second), {UseKind::swap, "sdb1", "/mnt/data/swap file", true}));
  system.put("/proc/swaps", std::string(no_swap) + "/mnt/database/swap file 1024 0 -2\n");
  CHECK_FALSE(any_critical(uses_of(system, second)));
  CHECK(has(uses_of(system, disk), {UseKind::swap, "dm-1", "/mnt/database/swap", true}));
}

TEST_CASE("a ZFS root on LUKS") {
  MemoryFileSystem system = two_disks();
  add_stacked(system, "CRYPT-LUKS2-0123456789abcdef-upper");
  add_pool(system, "253:7", "rpool");
  system.put("/proc/self/mountinfo", "24 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw\n");
  system.put("/proc/swaps", no_swap);
  CHECK(has(uses_of(system, second), {UseKind::filesystem, "dm-7", "/", true}));
  CHECK(uses_of(system, disk).has_value());
  CHECK_FALSE(any_critical(uses_of(system, disk)));
}

TEST_CASE("a guest's pool on a logical volume is not the host's pool of the same name") {
  MemoryFileSystem system = two_disks();
  add_stacked(system, "LVM-0123456789abcdef");
  add_pool(system, "253:7", "rpool");
  add_pool(system, "8:3", "rpool");
  system.put(sda + "/sda3/dev", "8:3\n");
  system.put("/proc/self/mountinfo", "24 1 0:25 / / rw - zfs rpool/ROOT/pve-1 rw\n");
  CHECK_FALSE(any_critical(uses_of(system, second)));
  CHECK(has(uses_of(system, disk), {UseKind::filesystem, "sda3", "/", true}));
}

TEST_CASE("swap on a volume of ZFS is on the disks of its pool") {
  MemoryFileSystem system = two_disks();
  add_class(system, "block", "/sys/devices/virtual/block", "zd16");
  system.put("/sys/devices/virtual/block/zd16/dev", "230:16\n");
  system.put("/run/udev/data/b230:16", "S:zvol/tank/swap\nE:ID_FS_TYPE=swap\n");
  add_pool(system, "8:17", "tank");
  system.put("/proc/swaps", std::string(no_swap) + "/dev/zd16 partition 1024 0 -2\n");
  CHECK(has(uses_of(system, second), {UseKind::swap, "sdb1", "", true}));
  system.put("/proc/swaps", no_swap);
  CHECK_FALSE(any_critical(uses_of(system, second)));
}

TEST_CASE("a btrfs root over two disks") {
  MemoryFileSystem system = two_disks();
  system.put("/proc/self/mountinfo", "24 1 0:25 /@ / rw - btrfs /dev/sda2 rw\n");
  system.put("/proc/swaps", no_swap);
  CHECK_FALSE(any_critical(uses_of(system, second)));
  for (const char* member : {"sda2", "sdb2"})
    system.put_link(std::string("/sys/fs/btrfs/01234567-89ab-cdef-0123-456789abcdef/devices/") + member, "../../x");
  system.put("/sys/fs/btrfs/features/raid56", "1\n");
  CHECK(has(uses_of(system, disk), {UseKind::filesystem, "sda2", "/", true}));
  CHECK(has(uses_of(system, second), {UseKind::filesystem, "sdb2", "/", true}));
}

TEST_CASE("what disks carry is unknown where the root's own cannot be found") {
  MemoryFileSystem system = two_disks();
  system.put("/proc/swaps", no_swap);
  system.put("/proc/self/mountinfo", "24 1 9:99 / / rw - ext4 /dev/nowhere rw\n");
  CHECK_FALSE(uses_of(system, second).has_value());
  CHECK(uses_of(system, network).has_value());
  system.put("/proc/self/mountinfo",
             "24 1 9:99 / / rw - ext4 /dev/nowhere rw\n25 1 8:17 / /var/lib rw - ext4 /dev/sdb1 rw\n");
  CHECK(any_critical(uses_of(system, second)));  // what is known to be needed stays known
  CHECK_FALSE(uses_of(system, disk).has_value());
}

TEST_CASE("a root that needs no disk of this host leaves the disks known") {
  MemoryFileSystem system = two_disks();
  system.put("/proc/swaps", no_swap);
  for (const char* root : {"nfs4 192.0.2.1:/root", "overlay overlay", "9p root", "tmpfs tmpfs", "rootfs rootfs",
                           "zfs rpool/data/subvol-101-disk-0"}) {
    CAPTURE(root);
    system.put("/proc/self/mountinfo", std::string("24 1 0:25 / / rw - ") + root + " rw\n");
    CHECK(uses_of(system, second).has_value());
    CHECK_FALSE(any_critical(uses_of(system, second)));
  }
  add_pool(system, "8:17", "tank");  // udev's records are there, and none is of the root's pool
  CHECK_FALSE(uses_of(system, second).has_value());
}
