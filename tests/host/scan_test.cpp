// Devices out of sysfs: what is there, what is absent, what cannot be read.
#include "host/scan.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "host/redact.hpp"
#include "host/snapshot.hpp"
#include "sysfs_tree.hpp"

using namespace hostpci;
using namespace hostpci::test;
using namespace std::string_literals;

namespace {

const Device& at(const Host& host, const TreeDevice& d) {
  const Device* found = host.find(*parse_pci_address(d.address));
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("a device's facts") {
  Host host = scan_host(small_host());
  CHECK(host.node == "pve1");
  const Device& card = at(host, graphics);
  CHECK(card.class_code == 0x030000u);
  CHECK(card.id == PciId{0x10de, 0x1b80});
  CHECK(card.subsystem == PciId{0x1043, 0x8694});
  CHECK(card.driver == "nouveau");
  CHECK(card.group == 2);
  CHECK(card.parent == parse_pci_address("0000:00:01.0"));
  CHECK(card.boot_vga == true);
  CHECK(card.rom == true);
  CHECK(card.reset == true);
  CHECK(card.reset_method == "bus");
  CHECK(card.irq == 16u);
  CHECK(card.numa_node == -1);
  CHECK(card.power_state == "D0");
  REQUIRE(card.bars);
  CHECK(*card.bars == std::vector<Bar>{{0xde000000, 0xdeffffff, 0x140204}, {}});
  CHECK(at(host, port).bridge == true);
  CHECK(host.groups_known == true);
  CHECK(host.group_types.at(2) == "DMA");
}

TEST_CASE("what an optional attribute's absence means") {
  const Host host = scan_host(small_host());
  const Device& nic = at(host, network);
  CHECK(nic.boot_vga == false);
  CHECK(nic.rom == false);
  CHECK(nic.reset == false);
  CHECK(nic.reset_method == "");
  CHECK(nic.sriov_totalvfs == 0u);
  CHECK(nic.msi == false);
  CHECK(nic.mdev_types == std::vector<MdevType>{});
  CHECK(nic.driver_override == "");
  CHECK_FALSE(nic.physfn);
  CHECK_FALSE(nic.d3cold_allowed.has_value());
}

TEST_CASE("uevent has class, ids and driver; where it does not have them all, the attributes have") {
  MemoryFileSystem system = small_host();
  const std::string path = device_path(graphics) + "/uevent";
  const std::string whole = "PCI_CLASS=30200\nPCI_ID=10DE:1B81\nPCI_SUBSYS_ID=0000:0000\nMODALIAS=pci:v000010DE\n";
  system.put(path, whole);
  Device card = at(scan_host(system), graphics);
  CHECK(card.class_code == 0x030200u);
  CHECK(card.id == PciId{0x10de, 0x1b81});
  CHECK(card.subsystem == PciId{});
  CHECK(card.driver == "");
  system.put(path, "DRIVER=vfio-pci\n" + whole);
  CHECK(at(scan_host(system), graphics).driver == "vfio-pci");
  for (const char* broken : {"", "DRIVER=x\n", "PCI_CLASS=30200\nPCI_ID=10DE:\nPCI_SUBSYS_ID=0:0\n", "PCI_CLASS=\n=\n\n"}) {
    system.put(path, broken);
    card = at(scan_host(system), graphics);
    CHECK(card.class_code == 0x030000u);
    CHECK(card.id == PciId{0x10de, 0x1b80});
    CHECK(card.driver == "nouveau");
  }
}

TEST_CASE("virtual functions, interrupts, overrides, mediated types") {
  MemoryFileSystem system = small_host();
  TreeDevice physical{"0000:05:00.0", "", "020000", "8086", "10fb", "ixgbe", 10},
      first{"0000:05:10.0", "", "020000", "8086", "10ed", "", 11};
  add_device(system, physical);
  add_device(system, first);
  std::string path = device_path(physical);
  for (int i = 0; i < 12; ++i)
    system.put_link(path + "/virtfn" + std::to_string(i),
                    "../0000:05:1" + std::to_string(i / 8) + '.' + std::to_string(i % 8));
  system.put(path + "/sriov_totalvfs", "63\n");
  system.put(path + "/sriov_numvfs", "12\n");
  system.put(path + "/msi_irqs/128", "msix\n");
  system.put(path + "/driver_override", "(null)\n");
  system.put(path + "/mdev_supported_types/i915-GVTg_V5_4/name", "GVTg_V5_4\n");
  system.put(path + "/mdev_supported_types/i915-GVTg_V5_4/available_instances", "1\n");
  system.put(path + "/mdev_supported_types/i915-GVTg_V5_4/description", "low_gm_size: 128MB\nfence: 4\n");
  system.put_link(device_path(first) + "/physfn", "../0000:05:00.0");
  Host host = scan_host(system);
  const Device& device = at(host, physical);
  REQUIRE(device.virtfns.size() == 12);
  CHECK(device.virtfns[9] == *parse_pci_address("0000:05:11.1"));  // by number, not by name: virtfn10 follows virtfn9
  CHECK(device.virtfns[10] == *parse_pci_address("0000:05:11.2"));
  CHECK(device.sriov_numvfs == 12u);
  CHECK(device.msi == true);
  CHECK(device.driver_override == "");
  CHECK(device.mdev_types ==
        std::vector<MdevType>{{"i915-GVTg_V5_4", "GVTg_V5_4", "low_gm_size: 128MB\nfence: 4", 1, {}}});
  CHECK(at(host, first).physfn == device.address);
  CHECK(at(host, first).driver == "");
}

TEST_CASE("NVIDIA's own vGPU framework") {
  MemoryFileSystem system = small_host();
  std::string path = device_path(graphics) + "/nvidia";
  system.put(path + "/creatable_vgpu_types", "ID    : vGPU Name\n557   : NVIDIA A10-1Q\n558   : NVIDIA A10-2Q\n");
  system.put(path + "/current_vgpu_type", "0\n");
  Host host = scan_host(system);
  const Device& card = at(host, graphics);
  CHECK(card.nvidia_vgpu);
  CHECK(card.nvidia_current_type == "0");
  REQUIRE(card.mdev_types);
  REQUIRE(card.mdev_types->size() == 2);
  CHECK(card.mdev_types->at(1) == MdevType{"nvidia-558", "NVIDIA A10-2Q", "", 1, {}});
}

TEST_CASE("mediated devices that exist") {
  MemoryFileSystem system = small_host();
  CHECK(scan_host(system).mdevs == std::vector<MdevInstance>{});  // no bus mdev: none
  std::string uuid = "00000000-0000-0000-0000-000000000100", path = device_path(graphics) + '/' + uuid;
  system.put_link("/sys/bus/mdev/devices/" + uuid, "../../../" + path.substr(5));
  system.put_link(path + "/mdev_type", "../mdev_supported_types/nvidia-35");
  CHECK(scan_host(system).mdevs ==
        std::vector<MdevInstance>{{uuid, "nvidia-35", *parse_pci_address(graphics.address), {}}});
}

TEST_CASE("parts that are not asked for are not read") {
  MemoryFileSystem inner = small_host();
  std::vector<std::string> read;
  auto system = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    if (call == "read") read.push_back(path);
    return 0;
  });
  Host host = scan_host(*system, {false, false, false, false, false, false});
  CHECK(at(host, graphics).driver == "nouveau");
  CHECK_FALSE(at(host, graphics).bars.has_value());
  CHECK_FALSE(at(host, disk).uses.has_value());
  for (const std::string& path : read) {
    CAPTURE(path);
    bool identity = path.find("/sys/devices/") == 0 || path == "/etc/hostname";
    CHECK(identity);
    CHECK(path.find("resource") == std::string::npos);
    CHECK(path.find("config") == std::string::npos);
  }
}

TEST_CASE("a device list that cannot be read is told") {
  Host host = scan_host(MemoryFileSystem{});
  CHECK(host.devices.empty());
  CHECK(host.unreadable.count("/sys/bus/pci/devices") == 1);
  CHECK_FALSE(host.groups_known.has_value());
  CHECK(scan_host(small_host()).unreadable.empty());
}

TEST_CASE("a fault on any one path makes facts unknown and nothing else different") {
  MemoryFileSystem inner = small_host();
  inner.put("/run/qemu-server/100.pid", "4711\n");
  inner.put("/proc/4711/cmdline", "/usr/bin/kvm\0-pidfile\0/var/run/qemu-server/100.pid\0"s);
  std::set<std::pair<std::string, std::string>> calls;
  auto watching = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    calls.emplace(call, path);
    return 0;
  });
  const Host whole = scan_host(*watching);
  REQUIRE(whole.running);
  CHECK(whole.running->size() == 1);
  REQUIRE(calls.size() > 100);
  for (int code : {EACCES, EIO, ENOENT, ENODEV}) {
    for (const std::pair<std::string, std::string>& call : calls) {
      auto faulty = faulty_file_system(inner, [&](std::string_view name, const std::string& at) {
        return name == call.first && at == call.second ? code : 0;
      });
      Host host = scan_host(*faulty);
      std::string what = call.first + ' ' + call.second + ' ' + std::to_string(code);
      CAPTURE(what);
      // whatever is still known of a device is what it was
      for (const auto& [address, device] : host.devices) {
        const Device& was = *whole.find(address);
        if (device.driver) CHECK((*device.driver == *was.driver || code == ENOENT));
        if (device.class_code) CHECK(device.class_code == was.class_code);
        if (device.id) CHECK(device.id == was.id);
        if (device.group) CHECK((device.group == was.group || code == ENOENT));
      }
      Sink sink;
      auto back = read_snapshot(make_source("s", write_snapshot(host)), sink);
      REQUIRE(back);
      CHECK(*back == redacted(host));
    }
  }
}

TEST_CASE("attributes that may not be read are unknown, not absent") {
  MemoryFileSystem inner = small_host();
  auto system = faulty_file_system(inner, [](std::string_view, const std::string& path) {
    for (const char* name : {"/driver", "/iommu_group", "/class", "/irq", "/boot_vga", "/reset_method", "/resource"})
      if (path == device_path(graphics) + name) return EACCES;
    return 0;
  });
  const Host host = scan_host(*system);
  const Device& card = at(host, graphics);
  CHECK_FALSE(card.driver.has_value());
  CHECK_FALSE(card.group.has_value());
  CHECK_FALSE(card.class_code.has_value());
  CHECK_FALSE(card.bridge.has_value());
  CHECK_FALSE(card.irq.has_value());
  CHECK_FALSE(card.boot_vga.has_value());
  CHECK_FALSE(card.reset_method.has_value());
  CHECK_FALSE(card.bars.has_value());
  CHECK(card.id.has_value());
}

TEST_CASE("a device whose folder cannot be listed has its facts all the same") {
  MemoryFileSystem inner = small_host();
  auto system = faulty_file_system(inner, [](std::string_view call, const std::string& path) {
    return call == "list" && path == device_path(graphics) ? EACCES : 0;
  });
  const Host host = scan_host(*system);
  CHECK(at(host, graphics).driver == "nouveau");
  CHECK(at(host, graphics).group == 2);
  CHECK(at(host, graphics).boot_vga == true);
  CHECK(at(host, graphics).sriov_totalvfs == 0u);
}

TEST_CASE("running virtual machines") {
  MemoryFileSystem system = small_host();
  CHECK_FALSE(scan_host(system).running.has_value());  // no /run
  system.put("/run/systemd/x", "");
  CHECK(scan_host(system).running == std::vector<RunningVm>{});
  auto process = [&](const std::string& pid, const std::string& program, const std::string& file) {
    system.put("/proc/" + pid + "/cmdline",
               program + '\0' + "-id" + '\0' + "1" + '\0' + "-pidfile" + '\0' + file + '\0');
  };
  system.put("/run/qemu-server/100.pid", "4711\n");
  system.put("/run/qemu-server/101.pid", "4712\n");
  system.put("/run/qemu-server/102.pid", "4713\n");
  system.put("/run/qemu-server/103.pid", "nonsense\n");
  system.put("/run/qemu-server/100.qmp", "");
  process("4711", "/usr/bin/kvm", "/var/run/qemu-server/100.pid");
  process("4712", "/usr/bin/vim", "/var/run/qemu-server/101.pid");  // the number was given to another process
  process("4713", "/usr/bin/qemu-system-aarch64", "/run/qemu-server/102.pid");
  auto running = scan_host(system).running;
  REQUIRE(running);
  REQUIRE(running->size() == 2);
  CHECK(running->at(0).vmid == 100);
  CHECK(running->at(0).pid == 4711);
  CHECK(running->at(0).arguments.size() == 5);
  CHECK(running->at(1).vmid == 102);
}
