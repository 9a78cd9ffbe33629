// The engine: the catalogue as a whole, selection, waivers, pending changes, what is told once.
#include <doctest/doctest.h>

#include <set>

#include "../support/linted.hpp"
#include "config/boot_config.hpp"
#include "config/mapping.hpp"
#include "rules/lint.hpp"
#include "rules/versions.hpp"
#include "rules/waivers.hpp"

using namespace hostpci;
using test::count_rule;
using test::make_vm;

namespace {

const Host& example() {
  static const Host host = test::load_host(FIXTURES "/hosts/example.yaml");
  return host;
}

Report lint_vm(std::string text) { return test::lint_report(example(), {make_vm(100, std::move(text))}); }

std::vector<Diagnostic> lint_with(const std::vector<Vm>& vms, const LintOptions& options,
                                  const std::vector<std::uint32_t>& only = {}) {
  Mappings mappings;
  BootConfig boot = read_boot_config(example().files);
  Facts facts = make_facts(example(), mappings, boot, vms);
  return lint(facts, options, only);
}

bool has_rule(const std::vector<Diagnostic>& found, std::string_view rule) {
  for (const Diagnostic& d : found)
    if (d.rule == rule) return true;
  return false;
}

}  // namespace

TEST_CASE("the catalogue is sorted, unique and complete") {
  std::set<std::string_view> ids;
  std::string_view last;
  for (const Rule* rule : catalogue()) {
    CAPTURE(rule->id);
    CHECK(last < rule->id);
    CHECK(ids.insert(rule->id).second);
    CHECK(well_formed({rule, 1}));
    CHECK((rule->vm || rule->host));
    CHECK(rule->why.find("http") == rule->why.npos);
    last = rule->id;
  }
  CHECK(find_rule("vm-pcie-needs-q35"));
  CHECK_FALSE(find_rule("vm-pcie"));
}

TEST_CASE("the next start is judged: pending values count, snapshots do not") {
  CHECK(count_rule(lint_vm("hostpci0: 0000:01:00,pcie=1\n\n[PENDING]\nmachine: q35\n"), "vm-pcie-needs-q35") == 0);
  CHECK(count_rule(lint_vm("machine: q35\nhostpci0: 0000:01:00,pcie=1\n\n[PENDING]\ndelete: machine\n"),
                   "vm-pcie-needs-q35") == 1);
  CHECK(count_rule(lint_vm("hostpci0: 0000:01:00\n\n[before]\nhostpci0: 0000:01:00,pcie=1\n"), "vm-pcie-needs-q35") ==
        0);
  CHECK(count_rule(lint_vm("hostpci0: 0000:01:00,pcie=1\n\n[PENDING]\ndelete: !hostpci0\n"), "vm-pcie-needs-q35") == 0);
}

TEST_CASE("templates are not judged as users") {
  CHECK(count_rule(lint_vm("template: 1\nhostpci0: 0000:01:00,pcie=1\n"), "vm-pcie-needs-q35") == 0);
  std::vector<Vm> vms = {make_vm(100, "onboot: 1\nhostpci0: 0000:01:00\n"),
                         make_vm(101, "onboot: 1\ntemplate: 1\nhostpci0: 0000:01:00\n")};
  CHECK(count_rule(test::lint_report(example(), vms), "conflict-both-onboot") == 0);
}

TEST_CASE("findings about a VM carry it and its key") {
  Report report = lint_vm("hostpci3: 0000:01:00,pcie=1\n");
  for (const Diagnostic& d : report.diagnostics) {
    if (d.rule != "vm-pcie-needs-q35") continue;
    CHECK(d.vm == 100u);
    CHECK(d.key == "hostpci3");
    return;
  }
  FAIL("not found");
}

TEST_CASE("a waiver needs an existing rule and a reason") {
  const std::string line = "hostpci0: 0000:01:00,pcie=1\n";
  CHECK(count_rule(lint_vm("#hostpci: allow vm-pcie-needs-q35 the VM is never started\n" + line),
                   "vm-pcie-needs-q35") == 0);
  CHECK(count_rule(lint_vm("#hostpci%3A allow vm-pcie-needs-q35 as the GUI stores it\n" + line), "vm-pcie-needs-q35") ==
        0);
  CHECK(count_rule(lint_vm("description: hostpci%3A allow vm-pcie-needs-q35 by qm set\n" + line),
                   "vm-pcie-needs-q35") == 0);
  for (const char* bad : {"#hostpci: allow vm-pcie-needs-q35\n", "#hostpci: allow vm-* all of them\n",
                          "#hostpci: allow no-such-rule why\n", "#hostpci: allow\n"}) {
    Report report = lint_vm(bad + line);
    CHECK(count_rule(report, "vm-pcie-needs-q35") == 1);
    CHECK(count_rule(report, "waiver-void") == 1);
  }
  CHECK(waivers(make_vm(100, "#a note about hostpci: allowed\n")).empty());
  CHECK(waivers(make_vm(100, "hostpci0: 01:00\n\n[snap]\n#hostpci: allow vm-args-cpu old\n")).empty());
}

TEST_CASE("rules are selected and ignored by name or by the beginning of it") {
  std::vector<Vm> vms = {make_vm(100, "hostpci0: 0000:01:00,pcie=1,x_vga=1\nhostpci1: 0000:01:00,pcie=1\n")};
  CHECK(has_rule(lint_with(vms, {}), "vm-pcie-needs-q35"));
  CHECK(has_rule(lint_with(vms, {{"vm"}, {}, true}), "vm-pcie-needs-q35"));
  CHECK_FALSE(has_rule(lint_with(vms, {{"vm"}, {}, true}), "syntax-unknown-option"));
  CHECK_FALSE(has_rule(lint_with(vms, {{}, {"vm-pcie*"}, true}), "vm-pcie-needs-q35"));
  CHECK(unknown_rules({{"vm", "wm"}, {"syntax-"}, true}) == std::vector<std::string>{"wm"});
}

TEST_CASE("findings are limited to the VMs asked for, and to pairs that they are part of") {
  std::vector<Vm> vms;
  for (std::uint32_t id : {100u, 101u, 102u}) vms.push_back(make_vm(id, "onboot: 1\nhostpci0: 0000:01:00,pcie=1\n"));
  for (const Diagnostic& d : lint_with(vms, {{"vm-pcie-needs-q35"}, {}, true}, {101})) CHECK(d.vm == 101u);
  CHECK(lint_with(vms, {{"conflict-both-onboot"}, {}, true}).size() == 2);
  CHECK(lint_with(vms, {{"conflict-both-onboot"}, {}, true}, {100}).size() == 1);
}

TEST_CASE("a thousand VMs that share a device are told in a line each") {
  std::vector<Vm> vms;
  for (std::uint32_t id = 100; id < 1100; ++id) vms.push_back(make_vm(id, "onboot: 1\nhostpci0: 0000:01:00\n"));
  std::vector<Diagnostic> found = lint_with(vms, {{"conflict"}, {}, true});
  CHECK(found.size() == 999);
  for (const Diagnostic& d : found) CHECK(d.labels.size() <= 2);
}

TEST_CASE("an unknown fact is told once a rule, as an info") {
  Host host = example();
  host.running.reset();
  std::vector<Vm> vms = {make_vm(100, "hostpci0: 0000:01:00\n"), make_vm(101, "hostpci0: 0000:01:00\n")};
  Report report = test::lint_report(host, vms);
  REQUIRE(count_rule(report, "conflict-in-use") == 1);
  for (const Diagnostic& d : report.diagnostics)
    if (d.rule == "conflict-in-use") CHECK(d.severity == Severity::info);
}

TEST_CASE("another node's devices are not held against this host") {
  Vm vm =
      read_vm(make_source("/etc/pve/nodes/pve9/qemu-server/100.conf", "machine: q35\nhostpci0: 0000:99:00,pcie=1\n"));
  CHECK(test::lint_report(example(), {vm}).summary.errors == 0);
}

TEST_CASE("versions are compared as numbers; unknown means newest") {
  CHECK(compare_versions("9.0.25", "9.0.3") > 0);
  CHECK(compare_versions("1:8.4-2", "8.4") == 0);
  CHECK(compare_versions("8", "8.0.1") < 0);
  CHECK(at_least(Host{}, "qemu-server", "99"));
  CHECK_FALSE(at_least(example(), "qemu-server", "99"));
  CHECK(machine_too_new(machine("pc-q35-99.0"), example()));
  CHECK_FALSE(machine_too_new(machine("q35"), example()));
}

TEST_CASE("a host element means the functions whose name it begins") {
  auto names = [&](std::string_view element) {
    std::string text;
    for (const PciAddress& a : matching_functions(example(), element)) text += a.str() + " ";
    return text;
  };
  CHECK(names("01:00") == "0000:01:00.0 0000:01:00.1 ");
  CHECK(names("0000:01:00.1") == "0000:01:00.1 ");
  CHECK(names("00000000:01:00.0") == "");
  CHECK(names("01:00.8") == "");
  CHECK(names("0001:01:00") == "");
}
