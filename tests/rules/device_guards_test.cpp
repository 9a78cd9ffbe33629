// What must not be said about assigned devices: harmless neighbours, devices that keep their driver, VMs that hold their own.
#include <doctest/doctest.h>

#include "../support/linted.hpp"
#include "rules/device_vf.hpp"

using namespace hostpci;
using test::count_rule;
using test::make_vm;

namespace {

Host example() { return test::load_host(FIXTURES "/hosts/example.yaml"); }

PciAddress at(std::string_view text) { return *parse_pci_address(text); }

Report lint_on(const Host& host, std::string text) { return test::lint_report(host, {make_vm(100, std::move(text))}); }

Severity severity_of(const Report& report, std::string_view rule) {
  for (const Diagnostic& d : report.diagnostics)
    if (d.rule == rule) return d.severity;
  FAIL("not reported: " << rule);
  return Severity::info;
}

}  // namespace

TEST_CASE("a group counts by what the host loses with it") {
  Host host = example();
  const std::string usb = "hostpci0: 0000:03:00.0\n";
  CHECK(severity_of(lint_on(host, usb), "device-group-shared") == Severity::warning);
  host.devices[at("04:00.0")].driver = "vfio-pci";
  CHECK(severity_of(lint_on(host, usb), "device-group-shared") == Severity::info);
  host.devices[at("04:00.0")].driver.reset();
  CHECK(severity_of(lint_on(host, usb), "device-group-shared") == Severity::warning);
  host.devices[at("04:00.0")].driver = "r8169";
  host.devices[at("04:00.0")].uses->front().critical = true;
  CHECK(severity_of(lint_on(host, usb), "device-group-shared") == Severity::error);
  CHECK(count_rule(lint_on(host, usb), "device-mgmt-nic") == 1);
  CHECK(count_rule(lint_on(host, usb + "hostpci1: 0000:04:00.0\n"), "device-group-shared") == 0);
}

TEST_CASE("another function of the same card goes along unless the host uses it") {
  Host host = example();
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00.0\n"), "device-group-shared") == 0);
  host.devices[at("01:00.1")].driver = "snd_hda_intel";
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00.0\n"), "device-group-shared") == 0);
  host.devices[at("01:00.1")].uses = {{UseKind::disk, "sdb", "", false}};
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00.0\n"), "device-group-shared") == 1);
}

TEST_CASE("a card's sound is no loss, and a bus reset needs groups, not devices") {
  Host host = example();
  host.devices[at("01:00.1")].driver = "snd_hda_intel";
  host.devices[at("01:00.1")].uses = {{UseKind::sound, "card1", "", false}};
  Report report = lint_on(host, "hostpci0: 0000:01:00.0\n");
  CHECK(count_rule(report, "device-group-shared") == 0);
  CHECK(count_rule(report, "device-reset-bus-not-owned") == 0);
  host.devices[at("01:00.1")].id = PciId{0x8086, 0x2668};
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00.0\n"), "device-gpu-audio-missing") == 1);
}

TEST_CASE("mediated devices, driver=keep and templates take nothing from the host") {
  const Host host = example();
  for (const char* text : {"hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\n", "hostpci0: 0000:00:1f.6,driver=keep\n",
                           "template: 1\nhostpci0: 0000:00:1f.6\nhostpci1: 0000:00:17.0\n"}) {
    Report report = lint_on(host, text);
    for (const char* rule : {"device-group-shared", "device-mgmt-nic", "device-boot-controller", "device-boot-vga"})
      CHECK(count_rule(report, rule) == 0);
  }
}

TEST_CASE("a virtual function is no loss while its card stays with the host") {
  Host host = example();
  host.devices[at("05:00.0")].uses = {{UseKind::bridge_port, "enp5s0f0", "vmbr0 192.0.2.10/24", true}};
  Report report = lint_on(host, "hostpci0: 0000:05:10.0\n");
  CHECK(report.summary.errors == 0);
  CHECK(report.summary.warnings == 0);
}

TEST_CASE("a card whose functions the VM's own guest made is left alone") {
  Host host = example();
  host.devices[at("05:00.0")].driver = "vfio-pci";
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:05:00.0\n"), "device-pf-has-vfs") == 0);
}

TEST_CASE("a running VM holds its own mediated device") {
  Host host = example();
  for (MdevType& type : *host.devices[at("00:02.0")].mdev_types) type.available = 0;
  const std::string text = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\n";
  CHECK(count_rule(lint_on(host, text), "device-mdev-no-instance") == 1);
  host.running = {{100, 4711, {}}};
  host.mdevs = {{"00000000-0000-0000-0000-000000000100", "i915-GVTg_V5_4", at("00:02.0")}};
  Report report = lint_on(host, text);
  CHECK(count_rule(report, "device-mdev-no-instance") == 0);
  CHECK(count_rule(report, "device-mdev-leftover") == 0);
  host.running.reset();
  CHECK(count_rule(lint_on(host, text), "device-mdev-leftover") == 0);
}

TEST_CASE("what could not be read is told once, and only for a device that is there") {
  Host host = example();
  host.devices[at("04:00.0")].uses.reset();
  Report report = lint_on(host, "hostpci0: 0000:04:00.0\nhostpci1: 0000:03:00.0\n");
  CHECK(count_rule(report, "device-mgmt-nic") == 1);
  CHECK(severity_of(report, "device-mgmt-nic") == Severity::info);
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00\n"), "device-mgmt-nic") == 0);
}

TEST_CASE("functions of other makers in the slot of an APU are none of the card") {
  Host host = example();
  host.devices[at("01:00.0")].id = PciId{0x1002, 0x164e};
  Device usb = host.devices[at("03:00.0")];
  usb.address = at("01:00.3");
  usb.id = PciId{0x1022, 0x15b6};
  host.devices[usb.address] = usb;
  CHECK(count_rule(lint_on(host, "hostpci0: 0000:01:00.0;0000:01:00.1\n"), "device-gpu-usbc-missing") == 0);
  Report report = lint_on(host, "hostpci0: 0000:01:00.0\n");
  for (const Diagnostic& d : report.diagnostics) {
    if (d.rule != "device-gpu-audio-missing") continue;
    REQUIRE(d.fix);
    CHECK(d.fix->edits.front().text == "0000:01:00.0;0000:01:00.1");
  }
}

TEST_CASE("a missing address is a virtual function only where a card could have it") {
  Host host = example();
  auto card = [&](std::string_view text) {
    auto missing = missing_function(host, text);
    return missing ? missing->physfn->address.str() + " " + std::to_string(missing->ordinal) : "";
  };
  CHECK(card("0000:05:11.0") == "0000:05:00.0 5");
  CHECK(card("05:10.1") == "");  // between two of the row
  CHECK(card("0000:0b:00.0") == "");
  CHECK(card("05:1f.7") == "");
  host.devices[at("05:00.0")].virtfns.clear();
  host.devices[at("05:00.0")].sriov_numvfs = 0;
  for (const char* vf : {"05:10.0", "05:10.2", "05:10.4", "05:10.6"}) host.devices.erase(at(vf));
  CHECK(card("05:10.0") == "0000:05:00.0 0");
  CHECK(card("06:10.0") == "");
  host.devices[at("00:02.0")].sriov_totalvfs = 7;
  CHECK(card("00:02.1") == "0000:00:02.0 0");
  CHECK(card("00:03.0") == "");
  host.devices[at("05:00.0")].sriov_numvfs.reset();
  CHECK(card("05:10.0") == "");
}

TEST_CASE("a virtual function that is missing is told once") {
  Report report = lint_on(example(), "hostpci0: 0000:05:11.0\n");
  CHECK(count_rule(report, "device-vf-not-created") == 1);
  CHECK(count_rule(report, "device-device-missing") == 0);
}

TEST_CASE("memory counts for VMs that run or start together") {
  Host host = example();
  host.kernel.memory_kib = 32u << 20;
  const std::string big = "memory: 20480\nhostpci0: 0000:05:10.", other = "memory: 20480\nhostpci0: 0000:05:10.";
  auto report = [&](std::string extra) {
    return test::lint_report(host, {make_vm(100, big + "0\n" + extra), make_vm(101, other + "2\n" + extra)});
  };
  CHECK(count_rule(report(""), "device-memory-overcommit") == 0);
  CHECK(count_rule(report("onboot: 1\n"), "device-memory-overcommit") == 1);
  host.running = {{101, 4711, {}}};
  CHECK(count_rule(report(""), "device-memory-overcommit") == 1);
  CHECK(count_rule(test::lint_report(host, {make_vm(100, big + "0\n"), make_vm(101, other + "0\n")}),
                   "device-memory-overcommit") == 0);
}

TEST_CASE("a root port is no bridge to conventional PCI, whatever stands behind it") {
  Host port = test::load_host(FIXTURES "/hosts/gpu-boot.yaml"), bridge = test::load_host(FIXTURES "/hosts/shared-boot.yaml");
  REQUIRE(port.find(at("01:00.0"))->express == false);
  CHECK(count_rule(lint_on(port, "hostpci0: 0000:01:00.0\n"), "device-legacy-pci-bridge") == 0);
  CHECK(count_rule(lint_on(bridge, "hostpci0: 0000:08:01.0\n"), "device-legacy-pci-bridge") == 1);
}
