// What must not be said about guests that share things, and how often what is said is said.
#include <doctest/doctest.h>

#include "../support/linted.hpp"
#include "config/boot_config.hpp"
#include "config/mapping.hpp"
#include "rules/lint.hpp"

using namespace hostpci;
using test::count_rule;
using test::make_vm;

namespace {

Host example() { return test::load_host(FIXTURES "/hosts/example.yaml"); }

PciAddress at(std::string_view text) { return *parse_pci_address(text); }

std::vector<Vm> vms_with(std::size_t n, const std::string& text) {
  std::vector<Vm> vms;
  for (std::size_t i = 0; i < n; ++i) vms.push_back(make_vm(std::uint32_t(100 + i), text));
  return vms;
}

}  // namespace

TEST_CASE("many VMs with one device make findings by their number, not by their pairs") {
  Report report = test::lint_report(example(), vms_with(40, "machine: q35\nhostpci0: 0000:01:00,pcie=1\n"));
  CHECK(count_rule(report, "conflict-shared-device") == 39);
  report = test::lint_report(example(), vms_with(40, "onboot: 1\nmachine: q35\nhostpci0: 0000:01:00,pcie=1\n"));
  CHECK(count_rule(report, "conflict-shared-device") == 0);
  CHECK(count_rule(report, "conflict-both-onboot") >= 39);
}

TEST_CASE("mediated devices of one parent are not shared, and a VM that runs is told of once") {
  CHECK(count_rule(test::lint_report(example(), vms_with(3, "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\n")),
                   "conflict-shared-device") == 0);
  Host host = example();
  host.running = {{100, 4711, {"/usr/bin/kvm", "-device", "vfio-pci,host=0000:01:00.0,id=hostpci0"}}};
  Report report = test::lint_report(host, vms_with(2, "hostpci0: 0000:01:00\n"));
  CHECK(count_rule(report, "conflict-shared-device") == 0);
  CHECK(count_rule(report, "conflict-in-use") == 1);
}

TEST_CASE("a render node is judged only where every card that could carry it goes to a VM") {
  Host host = example();
  host.files["/etc/pve/lxc/200.conf"] = "dev0: /dev/dri/renderD128\n";
  const std::string rule = "conflict-lxc-shares-gpu", gpu = "hostpci0: 0000:01:00\n", igpu = "hostpci1: 0000:00:02.0\n";
  CHECK(count_rule(test::lint_report(host, {make_vm(100, gpu)}), rule) == 0);
  CHECK(count_rule(test::lint_report(host, {make_vm(100, igpu)}), rule) == 0);
  CHECK(count_rule(test::lint_report(host, {make_vm(100, gpu + igpu)}), rule) == 1);
  CHECK(count_rule(test::lint_report(host, {make_vm(100, gpu + "hostpci1: 0000:00:02.0,mdev=i915-GVTg_V5_4\n")}),
                   rule) == 0);
  host.files["/etc/pve/lxc/200.conf"] = "template: 1\ndev0: /dev/dri/renderD128\n";
  CHECK(count_rule(test::lint_report(host, {make_vm(100, gpu + igpu)}), rule) == 0);
}

TEST_CASE("a USB device by its id is lost only if every one of its kind is") {
  Host host = example();
  PciAddress passed = at("03:00.0"), kept = at("00:14.0");
  host.usb = {{"1-1", {kept, PciId{0x046d, 0xc52b}}}, {"3-1", {passed, PciId{0x046d, 0xc52b}}}};
  std::vector<Vm> vms = {make_vm(100, "hostpci0: 0000:03:00.0\n"), make_vm(101, "usb0: host=046D:C52B\n")};
  CHECK(count_rule(test::lint_report(host, vms), "conflict-usb-lost") == 0);
  host.usb->erase("1-1");
  CHECK(count_rule(test::lint_report(host, vms), "conflict-usb-lost") == 1);
  vms[1] = make_vm(100, "hostpci0: 0000:03:00.0\nusb0: host=046d:c52b\n");
  CHECK(count_rule(test::lint_report(host, {vms[1]}), "conflict-usb-lost") == 0);
  host.usb.reset();
  CHECK(count_rule(test::lint_report(host, {vms[0], make_vm(101, "usb0: host=046d:c52b\n")}), "conflict-usb-lost") ==
        0);
}

TEST_CASE("a disk's name is not the beginning of another's") {
  Host host = example();
  host.devices[at("03:00.0")].uses = {{UseKind::disk, "sdq", "", false}};
  auto lost = [&](const std::string& path) {
    return count_rule(
        test::lint_report(host, {make_vm(100, "hostpci0: 0000:03:00.0\n"), make_vm(101, "scsi1: " + path + "\n")}),
        "conflict-disk-on-passed-controller");
  };
  CHECK(lost("/dev/sdq") == 1);
  CHECK(lost("/dev/sdq12") == 1);
  CHECK(lost("/dev/sdqa") == 0);
  CHECK(lost("/dev/sdb") == 0);
  CHECK(lost("/dev/disk/by-id/ata-X") == 0);
  host.links["/dev/disk/by-id/ata-X"] = "sdq";
  CHECK(lost("/dev/disk/by-id/ata-X") == 1);
  CHECK(lost("local-lvm:vm-101-disk-0") == 0);
}

TEST_CASE("high availability is judged only where the nodes are known") {
  Host host = example();
  const std::string raw = "hostpci0: 0000:01:00\n";
  auto counted = [&](const std::string& text, const std::string& rule) {
    return count_rule(test::lint_report(host, {make_vm(100, text)}), rule);
  };
  host.files["/etc/pve/ha/resources.cfg"] = "vm: 100\n\tstate started\n";
  CHECK(counted(raw, "cluster-raw-device-ha") == 0);
  CHECK(counted("hostpci0: mapping=gpu\n", "cluster-mapping-missing-on-target") == 0);
  host.nodes.emplace();
  CHECK(counted(raw, "cluster-raw-device-ha") == 0);
  host.nodes = {"pve1", "pve2"};
  CHECK(counted(raw, "cluster-raw-device-ha") == 1);
  CHECK(counted("hostpci0: mapping=gpu\n", "cluster-mapping-missing-on-target") == 1);
  CHECK(counted("template: 1\n" + raw, "cluster-raw-device-ha") == 0);
  host.files["/etc/pve/ha/resources.cfg"] = "vm: 100\n\tstate ignored\n";
  CHECK(counted(raw, "cluster-raw-device-ha") == 0);
}

TEST_CASE("a VM without hostpci lines that is asked for hears of who takes its disk") {
  Host host = example();
  host.devices[at("03:00.0")].uses = {{UseKind::disk, "sdq", "", false}};
  std::vector<Vm> vms = {make_vm(100, "hostpci0: 0000:03:00.0\n"), make_vm(101, "scsi1: /dev/sdq\n"),
                         make_vm(102, "scsi1: /dev/sdz\n")};
  Mappings mappings;
  BootConfig boot;
  Facts facts = make_facts(host, mappings, boot, vms);
  LintOptions conflicts{.select = {"conflict"}};
  CHECK(lint(facts, conflicts, {101}).size() == 1);
  CHECK(lint(facts, conflicts, {102}).empty());
}
