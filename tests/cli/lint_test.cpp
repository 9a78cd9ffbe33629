// `hostpci lint`, `explain` and `rules` from the command line: exit statuses, formats, files that cannot be read.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "rules/rule.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

/// A node with the VMs of a root; the host is fixtures/hosts/example.yaml.
class Node {
 public:
  Node() { directory_.write("etc/pve/qemu-server/keep", ""); }
  void vm(const std::string& file, const std::string& text) { directory_.write("etc/pve/qemu-server/" + file, text); }
  const TemporaryDirectory& directory() const { return directory_; }

  Ran lint(std::vector<std::string> arguments = {}) const {
    std::vector<std::string> all = {"lint", "--root", directory_.path(), "--host", FIXTURES "/hosts/example.yaml"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_hostpci(all);
  }

 private:
  TemporaryDirectory directory_;
};

const std::string good = "machine: q35\nhostpci0: 0000:01:00,pcie=1\n";
const std::string bad = "hostpci0: 0000:01:00,pcie=1\n";
const std::string doubtful = "machine: q35\nvga: std\nhostpci0: 0000:01:00,pcie=1,x-vga=1\n";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("lint exits 0 without findings, 1 with a warning or an error") {
  Node node;
  CHECK(node.lint().status == 0);
  node.vm("100.conf", good);
  CHECK(node.lint().status == 0);
  node.vm("101.conf", doubtful);
  Ran ran = node.lint();
  CHECK(ran.status == 1);
  CHECK(has(ran.out, "warning[vm-xvga-keeps-vga]"));
  CHECK(ran.err == "");
  CHECK(has(ran.out, "in 2 VMs\n"));
}

TEST_CASE("--fail-on moves the line") {
  Node node;
  node.vm("100.conf", doubtful);
  CHECK(node.lint({"--fail-on", "error"}).status == 0);
  CHECK(node.lint({"--fail-on", "warning"}).status == 1);
  CHECK(node.lint({"--fail-on", "info"}).status == 1);
  CHECK(node.lint({"--fail-on", "never"}).status == 0);
  CHECK(node.lint({"--fail-on", "sometimes"}).status == 2);
  node.vm("101.conf", bad);
  CHECK(node.lint({"--fail-on", "error"}).status == 1);
  CHECK(node.lint({"--fail-on", "never"}).status == 0);
}

TEST_CASE("VMs named limit what is told about VMs") {
  Node node;
  node.vm("100.conf", good);
  node.vm("101.conf", bad);
  CHECK(node.lint({"100"}).status == 0);
  CHECK(node.lint({"101"}).status == 1);
  CHECK(node.lint({"/etc/pve/qemu-server/101.conf"}).status == 1);
  CHECK(has(node.lint({"/etc/pve/qemu-server"}).out, "in 2 VMs\n"));
  CHECK(has(node.lint({"101", "101"}).out, "in 1 VM\n"));
}

TEST_CASE("neighbours on the node count for conflicts, and are not told about") {
  Node node;
  node.vm("100.conf", "onboot: 1\n" + good);
  node.vm("101.conf", "onboot: 1\n" + bad);
  Ran ran = node.lint({"100"});
  CHECK(has(ran.out, "conflict-both-onboot"));
  CHECK_FALSE(has(ran.out, "vm-pcie-needs-q35"));
}

TEST_CASE("rules are selected and ignored; a name that means nothing is wrong usage") {
  Node node;
  node.vm("100.conf", bad);
  CHECK(node.lint({"--select", "vm-pcie-needs-q35"}).status == 1);
  CHECK(node.lint({"--select", "vm,device"}).status == 1);
  CHECK(node.lint({"--select", "syntax"}).status == 0);
  CHECK(node.lint({"--ignore", "vm-pcie"}).status == 0);
  Ran wrong = node.lint({"--select", "vm-pcie-need-q35"});
  CHECK(wrong.status == 2);
  CHECK(has(wrong.err, "did you mean `vm-pcie-needs-q35`?"));
  CHECK(wrong.out == "");
  CHECK(node.lint({"--select", ""}).status == 2);
  CHECK(node.lint({"--ignore="}).status == 2);
}

TEST_CASE("a file that cannot be read does not stop lint") {
  Node node;
  node.vm("100.conf", bad);
  node.vm("101.conf/not-a-file", "");
  Ran ran = node.lint();
  CHECK(ran.status == 3);
  CHECK(has(ran.out, "vm-pcie-needs-q35"));
  CHECK(has(ran.err, "101.conf"));
  Ran missing = node.lint({"100", "199"});
  CHECK(missing.status == 3);
  CHECK(has(missing.out, "vm-pcie-needs-q35"));
  CHECK(node.lint({"199"}).status == 3);
  CHECK_FALSE(has(node.lint({"199"}).out, "vm-pcie-needs-q35"));
}

TEST_CASE("JSON has the summary and the places of its contract") {
  Node node;
  node.vm("100.conf", "name: t\n" + bad);
  Ran ran = node.lint({"--format", "json", "--select", "vm-pcie-needs-q35"});
  CHECK(ran.status == 1);
  boost::json::object object = boost::json::parse(ran.out).as_object();
  CHECK(object["version"].as_int64() == 1);
  boost::json::object d = object["diagnostics"].as_array().at(0).as_object();
  CHECK(d["rule"].as_string() == "vm-pcie-needs-q35");
  CHECK(d["file"].as_string() == "/etc/pve/qemu-server/100.conf");
  CHECK(d["line"].as_int64() == 2);
  CHECK(d["column"].as_int64() == 22);
  CHECK(d["endColumn"].as_int64() == 28);
  CHECK(d["vm"].as_int64() == 100);
  CHECK(d["key"].as_string() == "hostpci0");
  CHECK(object["summary"].as_object()["rules"].as_int64() == 1);
}

TEST_CASE("the concise form has one line a finding") {
  Node node;
  node.vm("100.conf", bad);
  Ran ran = node.lint({"--format", "concise", "--select", "vm"});
  CHECK(ran.out.substr(0, 66) == "/etc/pve/qemu-server/100.conf:1:22: error[vm-pcie-needs-q35] `pcie");
  CHECK(node.lint({"--format", "xml"}).status == 2);
}

TEST_CASE("no escape byte of a file reaches the terminal") {
  Node node;
  node.vm("100.conf", "hostpci0: 01:00,\x1b[31m=1\nhostpci1: \x9b[0m\nhostpci2: mapping=a\x1b[1m\n");
  for (const char* format : {"text", "concise", "json"}) {
    Ran ran = node.lint({"--format", format, "--color", "never"});
    CHECK(ran.status == 1);
    CHECK(ran.out.find('\x1b') == std::string::npos);
    CHECK(ran.out.find('\x9b') == std::string::npos);
  }
}

TEST_CASE("the same input gives the same bytes") {
  Node node;
  for (int i = 100; i < 120; ++i) node.vm(std::to_string(i) + ".conf", i % 2 ? bad : doubtful);
  CHECK(node.lint().out == node.lint().out);
}

TEST_CASE("explain and rules show the catalogue") {
  Ran ran = run_hostpci({"explain", "vm-pcie-needs-q35"});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "error[vm-pcie-needs-q35]\n"));
  CHECK(has(ran.out, "    machine: q35\n"));
  Ran json = run_hostpci({"explain", "vm-pcie-needs-q35", "--format", "json"});
  CHECK(boost::json::parse(json.out).as_object()["severity"].as_string() == "error");
  Ran wrong = run_hostpci({"explain", "vm-pcie-need-q35"});
  CHECK(wrong.status == 2);
  CHECK(has(wrong.err, "did you mean `vm-pcie-needs-q35`?"));
  Ran all = run_hostpci({"rules", "--format", "json"});
  CHECK(boost::json::parse(all.out).as_object()["rules"].as_array().size() == catalogue().size());
  Ran list = run_hostpci({"rules"});
  for (const Rule* rule : catalogue()) CHECK(has(list.out, rule->id.data()));
}
