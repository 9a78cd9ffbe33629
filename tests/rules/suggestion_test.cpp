// The suggested line: which functions, which properties, which are left out and why, and what lint says of it.
#include "rules/suggestion.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "../support/linted.hpp"
#include "rules/rule.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

/// A host with VMs and what is suggested for a device.
struct Suggested {
  Host host;
  Mappings mappings;
  BootConfig boot;
  std::vector<Vm> vms;
  Facts facts;
  Suggestion line;
  std::vector<Diagnostic> warnings;

  /// `vm`: the text of VM 100, for which the line is; empty: for none. `other`: the text of VM 101.
  Suggested(Host h, const std::string& address, const std::string& vm = "", const std::string& other = "")
      : host(std::move(h)) {
    const std::string* text = host.file("/etc/pve/mapping/pci.cfg");
    mappings = read_mappings(text ? make_source("/etc/pve/mapping/pci.cfg", *text) : nullptr);
    boot = read_boot_config(host.files, host.unreadable);
    if (!vm.empty()) vms.push_back(make_vm(100, vm));
    if (!other.empty()) vms.push_back(make_vm(101, other));
    facts = make_facts(host, mappings, boot, vms);
    const Vm* named = vm.empty() ? nullptr : &vms.front();
    line = suggest_line(facts, *parse_address_pattern(address), named);
    warnings = findings_of(line, facts, vms, named);
  }
  Suggested(const Suggested&) = delete;

  std::string left_out(std::string_view what) const {
    for (const LeftOut& l : line.left_out)
      if (l.what == what) return l.reason;
    return "";
  }
  bool warns(std::string_view rule) const {
    return std::any_of(warnings.begin(), warnings.end(), [&](const Diagnostic& d) { return d.rule == rule; });
  }
};

Host example() { return load_host(std::string(FIXTURES) + "/hosts/example.yaml"); }

Host unmapped() {
  Host host = example();
  host.files.erase("/etc/pve/mapping/pci.cfg");
  return host;
}

}  // namespace

TEST_CASE("a graphics card goes as a whole, whichever function was named") {
  for (const char* address : {"01:00", "01:00.0", "01:00.1", "0000:01:00"}) {
    Suggested s(unmapped(), address);
    CHECK(s.line.value() == "0000:01:00");
    CHECK(s.line.functions.size() == 2);
    CHECK(s.line.properties.front().reason.find("0000:01:00.1 (audio, 10de:10f0)") != std::string::npos);
    CHECK(s.warnings.empty());
  }
}

TEST_CASE("functions of another vendor in the slot do not belong to the card") {
  Host host = unmapped();
  host.devices.at(*parse_pci_address("0000:01:00.1")).id = PciId{0x1234, 0x5678};
  CHECK(Suggested(host, "01:00.0").line.value() == "0000:01:00.0");
}

TEST_CASE("a mapping of this node that names the device and holds comes first") {
  Suggested s(example(), "01:00");
  CHECK(s.line.value() == "mapping=gpu");
  CHECK(s.line.mapping_command.empty());
  CHECK_FALSE(s.left_out("host=0000:01:00").empty());
}

TEST_CASE("a mapping that Proxmox VE would refuse is not used, and why") {
  Host host = example();
  std::string& text = host.files["/etc/pve/mapping/pci.cfg"];
  text.replace(text.find("iommugroup=2,"), 13, "iommugroup=7,");
  Suggested s(host, "01:00");
  CHECK(s.line.value() == "0000:01:00");
  CHECK(s.left_out("mapping=gpu").find("`iommugroup` of `0000:01:00` is `2`, the entry says `7`") != std::string::npos);
}

TEST_CASE("a mapping of another node, or of one function of the card, is not the device") {
  Host host = example();
  std::string& text = host.files["/etc/pve/mapping/pci.cfg"];
  text.replace(text.find("node=pve1"), 9, "node=pve2");
  CHECK(Suggested(host, "01:00").line.value() == "0000:01:00");
  Host part = example();
  std::string& entry = part.files["/etc/pve/mapping/pci.cfg"];
  entry.replace(entry.find("0000:01:00"), 10, "0000:01:00.0");
  CHECK(Suggested(part, "01:00").line.value() == "0000:01:00");
}

TEST_CASE("the command that makes a mapping has all that Proxmox VE compares") {
  CHECK(Suggested(unmapped(), "01:00").line.mapping_command ==
        "pvesh create /cluster/mapping/pci --id gpu-01-00 --map "
        "node=pve1,path=0000:01:00,id=10de:1b80,iommugroup=2,subsystem-id=10de:119e");
  CHECK(Suggested(unmapped(), "00:02.0").line.mapping_command.find(" --mdev 1") != std::string::npos);
}

TEST_CASE("pcie follows the machine type of the VM") {
  Suggested q35(unmapped(), "01:00", "machine: q35\n");
  CHECK(q35.line.value() == "0000:01:00,pcie=1");
  CHECK(q35.line.properties.back().reason.find("VM 100 runs q35") == 0);
  Suggested i440fx(unmapped(), "01:00", "memory: 512\n");
  CHECK(i440fx.line.value() == "0000:01:00");
  CHECK(i440fx.left_out("pcie=1").find("q35 machine model is not enabled") != std::string::npos);
  Suggested pending(unmapped(), "01:00", "memory: 512\n[PENDING]\nmachine: q35\n");
  CHECK(pending.line.value() == "0000:01:00,pcie=1");
  CHECK_FALSE(Suggested(unmapped(), "01:00").left_out("pcie=1").empty());
}

TEST_CASE("x-vga only where the card is to be the only display and needs it") {
  CHECK(Suggested(unmapped(), "01:00", "vga: none\n").line.value() == "0000:01:00,x-vga=1");
  CHECK(Suggested(unmapped(), "01:00", "vga: none\nbios: ovmf\n").left_out("x-vga=1").find("not needed") == 0);
  CHECK(Suggested(unmapped(), "01:00", "vga: std\n").left_out("x-vga=1").find("`vga: std`") != std::string::npos);
  CHECK(Suggested(unmapped(), "01:00", "hostpci0: 0000:00:02.0,x-vga=1\n").left_out("x-vga=1").find("another line") ==
        0);
  CHECK(Suggested(unmapped(), "05:10.0").left_out("x-vga=1").empty());
  Host host = unmapped();
  host.devices.at(*parse_pci_address("0000:01:00.0")).class_code = 0x030200;
  CHECK(Suggested(host, "01:00").left_out("x-vga=1").find("0302") != std::string::npos);
}

TEST_CASE("a device with mediated types gets the first that is free, and the host keeps it") {
  Suggested s(unmapped(), "00:02.0", "machine: q35\n");
  CHECK(s.line.value() == "0000:00:02.0,mdev=i915-GVTg_V5_4");
  CHECK(s.line.types.size() == 2);
  CHECK(s.left_out("pcie=1").find("mediated") != std::string::npos);
  Host host = unmapped();
  host.devices.at(*parse_pci_address("0000:00:02.0")).mdev_types->front().available = 0;
  CHECK(Suggested(host, "00:02.0").line.value() == "0000:00:02.0,mdev=i915-GVTg_V5_8");
  host.devices.at(*parse_pci_address("0000:00:02.0")).mdev_types->back().available = 0;
  Suggested none(host, "00:02.0");
  CHECK(none.line.value() == "0000:00:02.0");
  CHECK_FALSE(none.left_out("mdev=TYPE").empty());
}

TEST_CASE("bridges, slots of the chipset and slots of virtual functions are refused with the reason") {
  CHECK(Suggested(example(), "00:1d.0").line.refusal.find("is a bridge") != std::string::npos);
  CHECK(Suggested(example(), "00:1f").line.refusal.find("`0000:00:1f.3 (audio, 8086:a348)`") != std::string::npos);
  CHECK(Suggested(example(), "05:10").line.refusal.find("virtual functions") != std::string::npos);
  Suggested refused(example(), "00:1d.0");
  CHECK(refused.line.properties.empty());
  CHECK(refused.warnings.empty());
}

TEST_CASE("a virtual function stands alone and has no ROM") {
  Suggested s(example(), "05:10.0", "machine: q35\n");
  CHECK(s.line.value() == "0000:05:10.0,pcie=1");
  CHECK(s.line.properties.front().reason.find("virtual function of `0000:05:00.0`") != std::string::npos);
  CHECK(s.left_out("rombar=0").empty());
  CHECK(s.warnings.empty());
}

TEST_CASE("what the host would lose is warned of in lint's words") {
  CHECK(Suggested(example(), "00:17.0").warns("device-boot-controller"));
  CHECK(Suggested(example(), "00:1f.6").warns("device-mgmt-nic"));
  CHECK(Suggested(example(), "04:00.0").warns("device-group-shared"));
  CHECK(Suggested(example(), "05:00.0").warns("device-pf-has-vfs"));
}

TEST_CASE("a device of another VM is warned of, in its own VM too") {
  Suggested other(unmapped(), "01:00", "onboot: 1\n", "onboot: 1\nhostpci0: 0000:01:00\n");
  CHECK(other.warns("conflict-both-onboot"));
  Suggested twice(unmapped(), "01:00", "hostpci0: 0000:01:00\n");
  CHECK(twice.warns("device-duplicate-function"));
  CHECK(twice.line.key() == "hostpci1");
}

TEST_CASE("the lowest index that is free now and after the next start") {
  CHECK(Suggested(unmapped(), "05:10.0", "hostpci0: 0000:01:00\nhostpci2: 0000:02:00.0\n").line.key() == "hostpci1");
  CHECK(Suggested(unmapped(), "05:10.0", "memory: 512\n[PENDING]\nhostpci0: 0000:01:00\n").line.key() == "hostpci1");
  CHECK(Suggested(unmapped(), "05:10.0", "hostpci0: 0000:01:00\n[PENDING]\ndelete: hostpci0\n").line.key() ==
        "hostpci1");
  std::string full;
  for (int i = 0; i < 16; ++i) full += "hostpci" + std::to_string(i) + ": 0000:02:00.0\n";
  Suggested none(unmapped(), "05:10.0", full);
  CHECK_FALSE(none.line.index);
  CHECK(none.line.notes.front().find("no free hostpciN") != std::string::npos);
}

TEST_CASE("ROM hints: a file that fits, a shadowed ROM, a boot ROM in the way") {
  CHECK_FALSE(Suggested(unmapped(), "01:00").left_out("romfile=gtx1080.rom").empty());
  Host host = unmapped();
  host.roms.clear();
  host.devices.at(*parse_pci_address("0000:01:00.0")).boot_vga = true;
  CHECK(Suggested(host, "01:00").left_out("romfile=FILE").find("boot display") != std::string::npos);
  CHECK_FALSE(Suggested(unmapped(), "05:00.0").left_out("rombar=0").empty());
}
