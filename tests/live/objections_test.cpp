// What speaks against an act on a device, held against the example host.
#include "live/objections.hpp"

#include <doctest/doctest.h>

#include "host/scan.hpp"
#include "live/reservations.hpp"
#include "live/vfio_openers.hpp"
#include "system/memory.hpp"
#include "tests/support/linted.hpp"
#include "text/words.hpp"

using namespace hostpci;

namespace {

Host example() { return test::load_host(FIXTURES "/hosts/example.yaml"); }

Device& device(Host& host, const std::string& address) { return host.devices.at(*parse_pci_address(address)); }

/// "error device-boot-controller, warning …", in order and each once.
std::string found(const Host& host, const std::string& address, Act act) {
  std::vector<std::string> all;
  for (const Diagnostic& d : objections(host, *host.find(*parse_pci_address(address)), act)) {
    std::string text = std::string(name(d.severity)) + " " + d.rule;
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }
  return join(all, ", ");
}

}  // namespace

TEST_CASE("what the host cannot do without is refused") {
  Host host = example();
  CHECK(found(host, "0000:00:17.0", Act::to_vfio) == "warning device-disks-in-use, error device-boot-controller");
  CHECK(found(host, "0000:00:1f.6", Act::to_vfio) == "error device-mgmt-nic");
  CHECK(found(host, "0000:00:02.0", Act::to_vfio) == "error device-only-gpu, warning device-driver-busy");
  CHECK(found(host, "0000:00:1d.0", Act::to_vfio) == "error device-is-bridge");
  CHECK(found(host, "0000:05:00.0", Act::to_vfio) == "error device-pf-has-vfs, warning device-nic-in-bridge");
  for (Act act : {Act::to_driver, Act::release, Act::reset}) CHECK(found(host, "0000:00:1f.6", act).starts_with("error device-mgmt-nic"));
}

TEST_CASE("what it can do without is asked about, what carries nothing is not") {
  Host host = example();
  CHECK(found(host, "0000:02:00.0", Act::to_vfio) == "warning device-disks-in-use");
  CHECK(found(host, "0000:04:00.0", Act::to_vfio) == "warning device-nic-in-bridge");
  CHECK(found(host, "0000:00:1f.3", Act::to_vfio) == "warning device-driver-busy");
  CHECK(found(host, "0000:00:14.0", Act::to_vfio) == "warning device-usb-controller-host");
  CHECK(found(host, "0000:01:00.0", Act::release) == "");
}

TEST_CASE("uses that are not known count as critical where they may be") {
  Host host = example();
  for (const char* address : {"0000:02:00.0", "0000:04:00.0", "0000:00:14.0"}) {
    device(host, address).uses.reset();
    CHECK(found(host, address, Act::to_vfio).starts_with("error "));
  }
  device(host, "0000:00:1f.3").uses.reset();
  CHECK(found(host, "0000:00:1f.3", Act::to_vfio).starts_with("warning "));
  device(host, "0000:02:00.0").driver = "";
  CHECK(found(host, "0000:02:00.0", Act::to_vfio) == "");
}

TEST_CASE("a device without a group goes to any driver but VFIO's") {
  Host host = example();
  device(host, "0000:01:00.0").group = -1;
  CHECK(found(host, "0000:01:00.0", Act::to_vfio) == "error device-no-iommu-group");
  CHECK(found(host, "0000:01:00.0", Act::to_driver) == "");
}

TEST_CASE("a host that does not remap interrupts is worth a word") {
  Host host = example();
  host.kernel.interrupt_remapping = false;
  CHECK(found(host, "0000:01:00.0", Act::to_vfio) == "info host-intremap-missing");
  host.kernel.unsafe_interrupts = true;
  CHECK(found(host, "0000:01:00.0", Act::to_vfio) == "");
}

TEST_CASE("a device without a reset, and one whose driver may lose it") {
  Host host = example();
  device(host, "0000:01:00.0").reset = false;
  CHECK(found(host, "0000:01:00.0", Act::reset) == "error device-no-reset");
  CHECK(found(host, "0000:01:00.0", Act::release) == "");
  device(host, "0000:00:1f.3").uses.emplace();
  CHECK(found(host, "0000:00:1f.3", Act::reset) == "warning device-driver-busy");
}

TEST_CASE("what a running VM holds") {
  Host host = example();
  host.running = {{.vmid = 100, .pid = 4711, .arguments = {"kvm", "-device", "vfio-pci,host=0000:01:00.0,id=hostpci0"}}};
  for (Act act : {Act::release, Act::reset, Act::to_driver}) CHECK(found(host, "0000:01:00.0", act) == "error conflict-in-use");
  CHECK(found(host, "0000:01:00.1", Act::release) == "");
}

TEST_CASE("mediated devices go with their card, and never while a VM has one") {
  Host host = example();
  device(host, "0000:00:02.0").uses.emplace();
  const std::string uuid = "00000000-0000-0000-0000-000000000100";
  host.mdevs = {{.uuid = uuid, .type = "i915-GVTg_V5_8", .parent = *parse_pci_address("0000:00:02.0")}};
  CHECK(found(host, "0000:00:02.0", Act::to_vfio) == "warning device-mdev-leftover");
  host.running = {{.vmid = 100, .pid = 4711, .arguments = {"kvm", "-device", "vfio-pci,sysfsdev=/sys/bus/mdev/devices/" + uuid}}};
  CHECK(found(host, "0000:00:02.0", Act::to_vfio) == "error conflict-in-use");
}

TEST_CASE("a function that its own driver gives to a VM") {
  Host host = example();
  host.running = {{.vmid = 100, .pid = 4711, .arguments = {"kvm", "-device", "vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:05:10.0"}}};
  CHECK(found(host, "0000:05:10.0", Act::release).starts_with("error conflict-in-use"));
}

TEST_CASE("reservations count while their process lives, or their start has time") {
  MemoryFileSystem system;
  system.put("/run/qemu-server/pci-id-reservations", "0000:01:00.0 100 time:1000\n0000:01:00.0 101 pid:12\n0000:01:00.0 102 pid:13\n0000:01:00.1 103 time:9999\nx\n");
  using namespace std::string_literals;
  auto process = [&](const std::string& pid, const std::string& vmid) {
    system.put("/proc/" + pid + "/cmdline", "/usr/bin/kvm\0-pidfile\0/var/run/qemu-server/"s + vmid + ".pid\0"s);
  };
  process("12", "101");
  Host host = example();
  auto messages = [&](std::int64_t now) {
    Sink out;
    object_to_reservation(system, device(host, "0000:01:00.0"), now, out);
    std::string all;
    for (const Diagnostic& d : out.diagnostics) all += d.message.substr(d.message.find("VM")) + ";";
    return all;
  };
  CHECK(messages(1000) == "VM 100 is being started with it;VM 101 runs with it;");
  CHECK(messages(1001) == "VM 101 runs with it;");
  process("13", "10102");  // the number of a VM that has ended is another process's by now
  CHECK(messages(1001) == "VM 101 runs with it;");
  process("13", "102");
  CHECK(messages(1001) == "VM 101 runs with it;VM 102 runs with it;");
}

TEST_CASE("a console that the firmware has set up needs no driver") {
  Host host = example();
  Device& card = device(host, "0000:00:02.0");
  card.driver = "";
  CHECK(found(host, "0000:00:02.0", Act::to_vfio).starts_with("error device-only-gpu"));
  card.uses.reset();
  CHECK(found(host, "0000:00:02.0", Act::to_vfio) == "warning device-driver-busy");
  card.driver = "vfio-pci";
  CHECK(found(host, "0000:00:02.0", Act::release) == "");
}

TEST_CASE("a network card without an interface: another namespace has it") {
  Host host = example();
  Device& card = device(host, "0000:04:00.0");
  card.uses.emplace();
  for (Act act : {Act::to_vfio, Act::release}) CHECK(found(host, "0000:04:00.0", act) == "error device-nic-in-bridge");
  auto told = objections(host, card, Act::to_vfio);
  REQUIRE(told.size() == 1);
  CHECK(told[0].message.ends_with("its interface is in another network namespace (a container may have it)"));
  card.driver = "";
  CHECK(found(host, "0000:04:00.0", Act::to_vfio) == "");
  Device& function = device(host, "0000:05:10.0");
  function.driver = "iavf";
  function.uses.emplace();
  CHECK(found(host, "0000:05:10.0", Act::to_vfio) == "error device-vf-used-by-host");
}

TEST_CASE("where nothing says which network the host is reached through, none that carries something goes") {
  Host host = example();
  auto told = [&](const FileSystem* system) {
    Sink out;
    object_to_unknown_network(host, system, device(host, "0000:04:00.0"), out);
    return out.diagnostics.empty() ? "" : std::string(name(out.diagnostics[0].severity)) + " " + out.diagnostics[0].rule;
  };
  CHECK(told(nullptr) == "");
  device(host, "0000:00:1f.6").uses->front().critical = false;
  CHECK(told(nullptr) == "error device-mgmt-nic");
  device(host, "0000:04:00.0").driver = "vfio-pci";
  CHECK(told(nullptr) == "");
}

TEST_CASE("of the running host all cards are looked at, and what is up counts") {
  MemoryFileSystem system;
  Host host;
  auto card = [&](const std::string& address, const std::string& interface, const std::string& flags) {
    const std::string path = "/sys/bus/pci/devices/" + address + "/";
    system.put(path + "class", "0x020000\n");
    system.put_link(path + "driver", "../../../../bus/pci/drivers/igb");
    system.put_link("/sys/class/net/" + interface, "../../devices/pci0000:00/" + address + "/net/" + interface);
    system.put("/sys/devices/pci0000:00/" + address + "/net/" + interface + "/flags", flags);
  };
  card("0000:01:00.0", "eno1", "0x1003\n");
  card("0000:02:00.0", "eno2", "0x1002\n");
  system.put("/etc/network/interfaces", "iface eno1 inet manual\n");
  system.put("/proc/net/route", "Iface\tDestination\nppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n");
  (void)system.make_directory("/sys/class/block");
  auto told = [&](const std::string& address) {
    host = scan_host(system);
    Sink out;
    object_to_unknown_network(host, &system, device(host, address), out);
    return out.diagnostics.empty() ? "" : out.diagnostics[0].message;
  };
  CHECK(told("0000:01:00.0") ==
        "which network the host is reached through is not known, and `0000:01:00.0 (Ethernet)` carries one: net `eno1`");
  CHECK(told("0000:02:00.0") == "");
  system.put("/proc/net/route", "eno2\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n");
  CHECK(told("0000:01:00.0") == "");
}

TEST_CASE("processes that have the group or the device open are named") {
  MemoryFileSystem system;
  system.put_link("/proc/12/fd/3", "/dev/vfio/2");
  system.put("/proc/12/comm", "kvm\n");
  system.put_link("/proc/13/fd/3", "/dev/vfio/22");
  system.put_link("/proc/14/fd/9", "/dev/vfio/devices/vfio0");
  system.put("/sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio0/dev", "");
  Host host = example();
  Sink out;
  object_to_openers(system, device(host, "0000:01:00.0"), out);
  REQUIRE(out.diagnostics.size() == 2);
  CHECK(out.diagnostics[0].message == "`0000:01:00.0 (VGA, 10de:1b80)` is in use by process 12 (`kvm`)");
  CHECK(out.diagnostics[1].message.ends_with("process 14 (`?`)"));
  device(host, "0000:01:00.0").driver = "nouveau";
  Sink none;
  object_to_openers(system, device(host, "0000:01:00.0"), none);
  CHECK(none.diagnostics.empty());
}
