// The checks of a start: what each says of a host and of the kernel's answers.
#include <doctest/doctest.h>

#include "start_check_host.hpp"

using namespace hostpci;
using namespace hostpci::test;

TEST_CASE("a VM whose devices wait on vfio-pci would start") {
  Start start;
  std::vector<Check> checks = start.run();
  for (const Check& check : checks) CHECK_MESSAGE(check.status == CheckStatus::pass, check.message);
  EXPECT(one(checks, "group"), pass, "hostpci0: IOMMU group 2 is viable, says the kernel");
  EXPECT(one(checks, "attach"), pass, "was attached by the kernel, and given back");
  EXPECT(one(checks, "memory"), pass, "4096 MiB to pin, 32768 MiB available");
  CHECK(start.kernel.asked == std::vector<int>{2});
  Readiness verdict = judge_start(checks);
  CHECK(verdict.ready());
  CHECK(verdict.message == "would start");
}

TEST_CASE("a VM that runs, a template, a lock: nothing else is looked at") {
  Start start;
  start.host.running->push_back({100, 4711, {"/usr/bin/kvm"}});
  std::vector<Check> checks = start.run();
  REQUIRE(checks.size() == 1);
  EXPECT(checks[0], unknown, "VM 100 runs already");
  CHECK(judge_start(checks).message == "VM 100 runs already: nothing is checked");
  CHECK(start.kernel.asked.empty());

  Start other;
  EXPECT(one(other.run(std::string(gpu) + "template: 1\n"), "vm"), fail, "is a template");
  EXPECT(one(other.run(std::string(gpu) + "lock: backup\n"), "vm"), fail, "is locked: `backup`");
  EXPECT(one(other.run("memory: 512\n"), "vm"), pass, "has no hostpci line");
}

TEST_CASE("what Proxmox VE refuses, each refusal a line") {
  Start start;
  std::vector<Check> checks = start.run("hostpci0: 0000:01:00,pcie=1\nhostpci1: 0000:09:00.0\n");
  std::vector<Check> refused = named(checks, "configuration");
  REQUIRE(refused.size() == 2);
  EXPECT(refused[0], fail, "q35");
  EXPECT(refused[1], fail, "0000:09:00.0");
  CHECK(refused[0].evidence.front().path == "/etc/pve/qemu-server/100.conf:1");
  CHECK(judge_start(checks).message.find("not ready to start: 2 of") == 0);
  EXPECT(one(start.run("machine: q35\nhostpci0: 0000:02:00.0,x-vga=1\n"), "configuration"), fail, "x-vga");
}

TEST_CASE("a line that Proxmox VE passes over: the VM starts without the device") {
  Start start;
  std::vector<Check> told =
      named(start.run(std::string(gpu) + "hostpci1: 0A:00.0\nhostpci2 0000:02:00.0\nonboot: maybe\n"), "configuration");
  REQUIRE(told.size() == 2);
  EXPECT(told[0], warn, "hostpci1: Proxmox VE passes over this line, and starts the VM without the device");
  EXPECT(told[1], warn, "starts the VM without the device");
}

TEST_CASE("what the host loses: an error where it needs it") {
  Start start;
  std::vector<Check> disk = named(start.run("hostpci0: 0000:00:17.0\n"), "driver");
  REQUIRE_FALSE(disk.empty());
  CHECK(std::any_of(disk.begin(), disk.end(), [](const Check& c) {
    return c.status == CheckStatus::fail && says(c, "the host runs from disks");
  }));
  // 00:1f.3 is audio; its group has the network card too
  std::vector<Check> group = named(start.run("hostpci0: 0000:00:1f.3\n"), "driver");
  CHECK(std::any_of(group.begin(), group.end(), [](const Check& c) {
    return c.status == CheckStatus::fail && says(c, "hostpci0: IOMMU group 15 goes whole: the host is reached through");
  }));
}

TEST_CASE("what the host uses a device for is not known") {
  Start start;
  start.device("0000:00:17.0").uses.reset();
  std::vector<Check> drivers = named(start.run("hostpci0: 0000:00:17.0\n"), "driver");
  REQUIRE(drivers.size() == 2);
  EXPECT(drivers[1], unknown, "is not known");
}

TEST_CASE("a group that nothing of is bound yet is judged by prediction, and said so") {
  Start start;
  start.device("0000:01:00.0").driver = "nouveau";
  start.device("0000:01:00.1").driver = "";
  start.kernel.groups.clear();
  std::vector<Check> checks = start.run();
  EXPECT(one(checks, "driver"), pass, "Proxmox VE binds to `vfio-pci` when the VM starts");
  EXPECT(one(checks, "group"), pass, "a prediction, for no member is on a driver of VFIO yet");
  EXPECT(one(checks, "attach"), pass, "a prediction");
  CHECK(judge_start(checks).message == "would start");

  start.live = false;
  EXPECT(one(start.run(), "group"), pass,
         "will be viable once Proxmox VE has bound it: a prediction, for this is not the running host");
}

TEST_CASE("the kernel and the prediction: they agree, or it is told") {
  Start start;
  SUBCASE("not viable, and the drivers say why") {
    start.device("0000:01:00.1").driver = "snd_hda_intel";
    start.device("0000:01:00.1").uses = std::vector<Use>();
    start.kernel.groups[2] = {false, VfioStep::none, 0};
    Check group = one(start.run(), "group");
    EXPECT(group, warn, "is not viable now, says the kernel: `snd_hda_intel` has");
    CHECK(says(group, "a prediction"));
    EXPECT(one(start.run("machine: q35\nhostpci0: 0000:01:00.0,driver=keep\n"), "group"), fail,
           "`driver=keep` leaves it so");
  }
  SUBCASE("not viable, and the drivers say nothing") {
    start.kernel.groups[2] = {false, VfioStep::none, 0};
    EXPECT(one(start.run(), "group"), fail, "although each member is on a driver of VFIO or on none");
  }
  SUBCASE("viable against the drivers") {
    start.device("0000:01:00.1").driver = "snd_hda_intel";
    EXPECT(one(start.run(), "group"), warn, "is viable, says the kernel; by the drivers of its members it is not");
  }
}

TEST_CASE("the kernel refuses an answer") {
  Start start;
  SUBCASE("not root") {
    start.kernel.groups[2] = {{}, VfioStep::node, EACCES};
    std::vector<Check> checks = start.run();
    EXPECT(one(checks, "group"), unknown, "only root may ask the kernel");
    CHECK(one(checks, "group").mend == "run it as root");
    CHECK(judge_start(checks).message == "nothing speaks against a start, 1 unknown");
    CHECK_FALSE(judge_start(checks).ready());
  }
  SUBCASE("held by a process") {
    start.kernel.groups[2] = {{}, VfioStep::node, EBUSY};
    start.system.put_link("/proc/812/fd/14", "/dev/vfio/2");
    start.system.put_link("/proc/813/fd/14", "/dev/vfio/22");
    start.system.put("/proc/812/comm", "dpdk\x1b[31m\n");
    Check held = one(start.run(), "group");
    EXPECT(held, fail, "is held by process 812");
    CHECK(held.evidence.back() == Evidence{"/proc/812/fd", "/dev/vfio/2"});
    CHECK_FALSE(says(held, "813"));
  }
  SUBCASE("no interrupt remapping") {
    start.host.kernel.interrupt_remapping = false;
    start.kernel.groups[2] = {true, VfioStep::iommu, EPERM};
    Check attach = one(start.run(), "attach");
    EXPECT(attach, fail, "interrupts are not remapped");
    CHECK(attach.rules == std::vector<std::string>{"host-intremap-missing"});
  }
  SUBCASE("memory that the firmware reserved") {
    start.kernel.groups[2] = {true, VfioStep::iommu, EPERM};
    EXPECT(one(start.run(), "attach"), fail, "RMRR");
  }
  SUBCASE("a kernel with iommufd alone") {
    start.kernel.groups[2] = {true, VfioStep::container, ENOENT};
    EXPECT(one(start.run(), "attach"), unknown, "no VFIO container");
  }
  SUBCASE("something else") {
    start.kernel.groups[2] = {true, VfioStep::attach, EINVAL};
    EXPECT(one(start.run(), "attach"), fail, "Invalid argument");
    start.kernel.groups[2] = {{}, VfioStep::status, EIO};
    EXPECT(one(start.run(), "group"), unknown, "VFIO_GROUP_GET_STATUS");
  }
}

TEST_CASE("no node although a member is on vfio-pci is no prediction of a start") {
  Start start;
  start.kernel.groups.clear();
  EXPECT(one(start.run(), "group"), unknown, "is on `vfio-pci`: a kernel with iommufd alone, or a /dev without the node");
  start.system.put("/dev/vfio/noiommu-2", "");
  EXPECT(one(start.run(), "group"), unknown, "without an IOMMU only (`/dev/vfio/noiommu-2`)");
}

TEST_CASE("a group that a VM at its start has reserved is not opened") {
  Start start;
  start.system.put("/run/qemu-server/pci-id-reservations", "0000:01:00.1 105 time:9999999999\n");
  std::vector<Check> checks = start.run();
  EXPECT(one(checks, "group"), fail, "the kernel was not asked: `0000:01:00.1 (audio, 10de:10f0)` is reserved: VM 105 is being started with it");
  CHECK(start.kernel.asked.empty());
}

TEST_CASE("without an answer the interrupts are predicted") {
  Start start;
  start.kernel.groups.clear();
  start.host.kernel.interrupt_remapping = false;
  EXPECT(one(start.run(), "attach"), fail, "will not be attached");
  start.host.kernel.unsafe_interrupts = true;
  EXPECT(one(start.run(), "attach"), warn, "without interrupt remapping");
  start.host.kernel.interrupt_remapping.reset();
  EXPECT(one(start.run(), "attach"), unknown, "is not known");
}

TEST_CASE("a device without a group, and one that another VM holds") {
  Start start;
  for (const char* address : {"0000:01:00.0", "0000:01:00.1"}) start.device(address).group = -1;
  std::vector<Check> groups = named(start.run(), "group");
  REQUIRE(groups.size() == 2);
  EXPECT(groups[0], fail, "has no IOMMU group");

  Start held;
  held.host.running->push_back({105, 99, {"/usr/bin/kvm", "-device", "vfio-pci,host=0000:01:00.0,id=hostpci0"}});
  std::vector<Check> drivers = named(held.run(), "driver");
  REQUIRE(drivers.size() == 2);
  EXPECT(drivers[1], fail, "is in use by VM 105");
}

TEST_CASE("of a mapping the first entry that no running VM holds") {
  Start start;
  auto entry = [&](const char* text) {
    const Device& d = start.device(text);
    return "\tmap id=" + d.id->str() + ",iommugroup=" + std::to_string(*d.group) + ",node=pve1,path=" + text +
           (d.subsystem && *d.subsystem != PciId{} ? ",subsystem-id=" + d.subsystem->str() : "") + "\n";
  };
  start.host.files["/etc/pve/mapping/pci.cfg"] = "cards\n" + entry("0000:01:00.0") + entry("0000:01:00.1") + "\n";
  const std::string vm = "machine: q35\nhostpci0: mapping=cards\n";
  EXPECT(one(start.run(vm), "device"), pass, "0000:01:00.0 (VGA, 10de:1b80)`, entry 1 of 2 of mapping `cards`");
  start.host.running->push_back({105, 99, {"/usr/bin/kvm", "-device", "vfio-pci,host=0000:01:00.0,id=hostpci0"}});
  EXPECT(one(start.run(vm), "device"), pass, "0000:01:00.1 (audio, 10de:10f0)`, entry 2 of 2 of mapping `cards`");
}

TEST_CASE("a device that cannot be reset starts all the same") {
  Start start;
  start.device("0000:01:00.1").reset = false;
  std::vector<Check> resets = named(start.run(), "reset");
  REQUIRE(resets.size() == 2);
  EXPECT(resets[0], pass, "can be reset (bus)");
  EXPECT(resets[1], warn, "cannot be reset");
}

TEST_CASE("ROM files") {
  Start start;
  const std::string vm = "machine: q35\nhostpci0: 0000:01:00,pcie=1,romfile=gpu.rom\n";
  start.host.roms["gpu.rom"] = {};
  EXPECT(one(start.run(vm), "rom"), fail, "there is no ROM file");
  start.host.roms["gpu.rom"] = {true, 0, false, {}, false, {}};
  EXPECT(one(start.run(vm), "rom"), fail, "is empty");
  start.host.roms["gpu.rom"] = {true, 65536, true, {}, false, {}};
  EXPECT(one(start.run(vm), "rom"), pass, "every ROM file is there");
}

TEST_CASE("mediated devices: offered, used up, there already, in use") {
  Start start;
  const std::string vm = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\n";
  EXPECT(one(start.run(vm), "mdev"), pass, "can be made");
  EXPECT(one(start.run(vm), "memory"), pass, "only what their drivers ask for is pinned");
  CHECK(start.kernel.asked.empty());
  EXPECT(one(start.run("hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_1\n"), "mdev"), fail, "i915-GVTg_V5_1");

  start.device("0000:00:02.0").mdev_types->front().available = 0;
  EXPECT(one(start.run(vm), "mdev"), fail, "no free instance");
  const std::string uuid = "00000000-0000-0000-0000-000000000100";
  start.host.mdevs->push_back({uuid, "i915-GVTg_V5_4", start.address("0000:00:02.0")});
  for (const Check& check : named(start.run(vm), "mdev"))
    CHECK_MESSAGE(check.status != CheckStatus::fail, check.message);
  start.host.running->push_back(
      {105, 99, {"/usr/bin/kvm", "-device", "vfio-pci,sysfsdev=/sys/bus/mdev/devices/" + uuid}});
  std::vector<Check> held = named(start.run(vm), "mdev");
  CHECK(std::any_of(held.begin(), held.end(),
                    [](const Check& c) { return c.status == CheckStatus::fail && says(c, "in use by VM 105"); }));
}
