// Facts about what guests share with the host: the kernel's log, USB devices, the cluster's nodes, links to disks.
#include <doctest/doctest.h>

#include "host/redact.hpp"
#include "host/scan.hpp"
#include "host/snapshot.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

HostParts only_kernel() {
  HostParts parts;
  parts.details = parts.uses = parts.files = parts.running = parts.capabilities = false;
  return parts;
}

}  // namespace

TEST_CASE("of the kernel's log the lines that matter are kept, without level and time, few of a kind and device") {
  MemoryFileSystem system;
  std::string text = "<6>[    0.000000] Linux version 6.8.12-4-pve\n<6>[    0.084082] DMAR: IOMMU enabled\n";
  for (int i = 0; i < 40; ++i) text += "<3>[  10.5] DMAR: [DMA Read] Request device [01:00.0] fault addr 0xfff000\n";
  text += "<3>[  11.5] DMAR: [DMA Read] Request device [02:00.0] fault addr 0xfff000\n";
  text += "4,1,12000000,-;vfio-pci 0000:01:00.0: not ready 65535ms after FLR; giving up\n";
  system.put("/dev/kmsg", text);
  Host host = scan_host(system, only_kernel());
  REQUIRE(host.kernel.log);
  const std::vector<std::string>& log = *host.kernel.log;
  REQUIRE(log.size() == 19);
  CHECK(log.front() == "DMAR: IOMMU enabled");
  CHECK(log[1] == "DMAR: [DMA Read] Request device [01:00.0] fault addr 0xfff000");
  CHECK(log[17] == "DMAR: [DMA Read] Request device [02:00.0] fault addr 0xfff000");
  CHECK(log.back() == "vfio-pci 0000:01:00.0: not ready 65535ms after FLR; giving up");
}

TEST_CASE("a log that cannot be read is unknown") {
  MemoryFileSystem system;
  CHECK(!scan_host(system, only_kernel()).kernel.log);
}

namespace {

std::string syslog(const std::string& message) { return "2026-11-21T10:00:00.000001+00:00 pve1 kernel: [    0.1] " + message + "\n"; }

const std::string boot_line = "Linux version 6.8.12-4-pve (build@proxmox)", fault = "DMAR: [DMA Read] Request device [01:00.0] fault";

}  // namespace

TEST_CASE("where the kernel's buffer has lost the boot or is refused, syslog's file of this boot is read") {
  MemoryFileSystem system;
  system.put("/dev/kmsg", "<6>[ 99.0] vmbr0: port 2 entered disabled state\n");
  Host rotated = scan_host(system, only_kernel());
  CHECK(rotated.kernel.log == std::vector<std::string>{});
  CHECK_FALSE(rotated.kernel.log_file);
  system.put("/var/log/kern.log", syslog(fault + " before") + syslog(boot_line) + syslog("DMAR: IOMMU enabled") + syslog(fault));
  Host whole = scan_host(system, only_kernel());
  CHECK(whole.kernel.log == std::vector<std::string>{"DMAR: IOMMU enabled", fault});
  CHECK(whole.kernel.log_file == "/var/log/kern.log");
}

TEST_CASE("a syslog file without the boot's first line is this boot's, and counts only where the buffer is refused") {
  MemoryFileSystem system;
  system.put("/var/log/kern.log", syslog(fault));
  CHECK(scan_host(system, only_kernel()).kernel.log == std::vector<std::string>{fault});
  system.put("/dev/kmsg", "<6>[ 99.0] DMAR: IOMMU enabled\n");
  CHECK(scan_host(system, only_kernel()).kernel.log == std::vector<std::string>{"DMAR: IOMMU enabled"});
  system.put("/dev/kmsg", "<6>[ 0.0] " + boot_line + "\n");
  CHECK(scan_host(system, only_kernel()).kernel.log == std::vector<std::string>{});
}

TEST_CASE("in a container neither the command line nor syslog's file is the running kernel's; a masked folder tells nothing") {
  MemoryFileSystem system;
  system.put("/proc/cmdline", "quiet\n");
  system.put("/var/log/kern.log", syslog(fault));
  CHECK(scan_host(system, only_kernel()).kernel.container == "");
  CHECK(scan_host(system, only_kernel()).kernel.command_line == "quiet");
  system.put("/run/systemd/container", "lxc");
  REQUIRE(system.make_directory("/sys/firmware"));
  Kernel kernel = scan_host(system, only_kernel()).kernel;
  CHECK(kernel.container == "/run/systemd/container");
  CHECK_FALSE(kernel.command_line.has_value());
  CHECK_FALSE(kernel.log.has_value());
  CHECK_FALSE(kernel.efi.has_value());
  CHECK_FALSE(kernel.dmar_table.has_value());
}

TEST_CASE("of the users' file only the pools' guests are kept, and only where backup jobs may name a pool") {
  MemoryFileSystem system;
  system.put("/etc/pve/user.cfg", "user:root@pam:1:0:::me@example.org::\npool:gpu:the%20cards:100,101:local:\n");
  CHECK_FALSE(scan_host(system).file("/etc/pve/user.cfg"));
  system.put("/etc/pve/jobs.cfg", "vzdump: nightly\n\tpool gpu\n");
  Host host = scan_host(system);
  REQUIRE(host.file("/etc/pve/user.cfg"));
  CHECK(*host.file("/etc/pve/user.cfg") == "pool:gpu::100,101::\n");
}

TEST_CASE("GRUB 1's menu is kept whole; a snapshot leaves its passwords out") {
  MemoryFileSystem system;
  system.put("/boot/grub/menu.lst", "password --md5 $1$x\ntitle Debian\n\tkernel /vmlinuz quiet\n");
  Host host = scan_host(system);
  CHECK(*host.file("/boot/grub/menu.lst") == "password --md5 $1$x\ntitle Debian\n\tkernel /vmlinuz quiet\n");
  CHECK(*redacted(host).file("/boot/grub/menu.lst") == "password redacted\ntitle Debian\n\tkernel /vmlinuz quiet\n");
}

TEST_CASE("the narrowest IOMMU and the free huge pages") {
  MemoryFileSystem system;
  system.put("/sys/class/iommu/dmar0/intel-iommu/cap", "1c0000c40660462\n");
  system.put("/sys/class/iommu/dmar1/intel-iommu/cap", "d2008c40660462\n");
  system.put("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "12\n");
  Kernel kernel = scan_host(system, only_kernel()).kernel;
  CHECK(kernel.iommu_bits == 39u);
  CHECK(kernel.free_gib_pages == 12u);
}

TEST_CASE("USB devices and root hubs with their controllers") {
  MemoryFileSystem system;
  const std::string controller = "/sys/devices/pci0000:00/0000:00:14.0/usb1";
  system.put(controller + "/idVendor", "1d6b\n");
  system.put(controller + "/idProduct", "0002\n");
  system.put(controller + "/1-4/idVendor", "046d\n");
  system.put(controller + "/1-4/idProduct", "c52b\n");
  system.put_link("/sys/bus/usb/devices/usb1", "../../../devices/pci0000:00/0000:00:14.0/usb1");
  system.put_link("/sys/bus/usb/devices/1-4", "../../../devices/pci0000:00/0000:00:14.0/usb1/1-4");
  system.put_link("/sys/bus/usb/devices/1-4:1.0", "../../../devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0");
  Host host = scan_host(system);
  REQUIRE(host.usb);
  CHECK(host.usb->size() == 2);
  CHECK(host.usb->at("1-4") == UsbDevice{*parse_pci_address("0000:00:14.0"), PciId{0x046d, 0xc52b}});
  CHECK(host.usb->at("usb1").id == PciId{0x1d6b, 0x0002});
}

TEST_CASE("the cluster's nodes come from corosync.conf; without it there is no cluster") {
  MemoryFileSystem system;
  CHECK(scan_host(system).nodes == std::vector<std::string>());
  system.put("/etc/pve/corosync.conf",
             "nodelist {\n  node {\n    name: pve2\n    ring0_addr: 192.0.2.2\n  }\n  node {\n    name: pve1\n  }\n}\n"
             "totem {\n  cluster_name: lab\n  interface {\n    name: x\n  }\n}\n");
  CHECK(scan_host(system).nodes == std::vector<std::string>{"pve1", "pve2"});
}

TEST_CASE("links to disks are followed on request, and serial numbers stay out of snapshots") {
  MemoryFileSystem system;
  system.put("/dev/sda", "");
  system.put_link("/dev/disk/by-id/ata-DISK_S3R1AL", "../../sda");
  Host host;
  read_links(system, {"/dev/disk/by-id/ata-DISK_S3R1AL", "/dev/disk/by-id/gone"}, host);
  CHECK(host.links == std::map<std::string, std::string>{{"/dev/disk/by-id/ata-DISK_S3R1AL", "sda"}});
  std::string text = write_snapshot(host);
  CHECK(text.find("S3R1AL") == text.npos);
  CHECK(text.find("ata-redacted: sda") != text.npos);
}
