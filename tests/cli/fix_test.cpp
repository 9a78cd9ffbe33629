// `lint --fix`: what is written, what is left, and that a second run finds nothing to do.
#include <doctest/doctest.h>

#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;

namespace {

const std::string host = FIXTURES "/hosts/example.yaml";

/// A root with one VM, linted against the example host.
struct Node {
  TemporaryDirectory root;
  explicit Node(const std::string& text) { root.write("etc/pve/qemu-server/100.conf", text); }
  Ran lint(std::vector<std::string> options) const {
    options.insert(options.begin(), {"--root", root.path(), "--host", host, "lint", "100"});
    return run_hostpci(options);
  }
  std::string text() const { return read_file(root.path() + "/etc/pve/qemu-server/100.conf"); }
};

const std::string mistakes = "#kept as it is\nhostpci0: 0000:01:00.0,pcie=yes,x_vga=1\r\nmachine: q35\nunknown_key: stays\nvga: none";

}  // namespace

TEST_CASE("a dry run prints the difference and writes nothing") {
  Node node(mistakes);
  Ran ran = node.lint({"--fix", "--dry-run"});
  CHECK(ran.out.find("-hostpci0: 0000:01:00.0,pcie=yes,x_vga=1") != std::string::npos);
  CHECK(ran.out.find("+hostpci0: 0000:01:00") != std::string::npos);
  CHECK(node.text() == mistakes);
}

TEST_CASE("fixes change their spans only, and a second run changes nothing") {
  Node node(mistakes);
  CHECK(node.lint({"--fix", "--select", "syntax"}).status == 0);
  CHECK(node.text() == "#kept as it is\nhostpci0: 0000:01:00.0,pcie=yes,x-vga=1\r\nmachine: q35\nunknown_key: stays\nvga: none");
  std::string once = node.text();
  Ran again = node.lint({"--fix", "--select", "syntax"});
  CHECK(again.out.find("nothing to fix") != std::string::npos);
  CHECK(node.text() == once);
}

TEST_CASE("what the guest would notice is written only when asked for") {
  Node node("hostpci0: 0000:01:00.0,pcie=1\nmachine: q35\n");
  node.lint({"--fix", "--select", "device-gpu-audio-missing"});
  CHECK(node.text() == "hostpci0: 0000:01:00.0,pcie=1\nmachine: q35\n");
  node.lint({"--unsafe-fixes", "--select", "device-gpu-audio-missing"});
  CHECK(node.text() == "hostpci0: 0000:01:00,pcie=1\nmachine: q35\n");
}

TEST_CASE("a locked VM is left alone") {
  Node node("hostpci0: 01:00,x_vga=1\nlock: backup\nmachine: q35\n");
  node.lint({"--fix"});
  CHECK(node.text() == "hostpci0: 01:00,x_vga=1\nlock: backup\nmachine: q35\n");
}

TEST_CASE("files of a snapshot are never written") {
  Node node("hostpci0: 01:00\n");
  std::string text = read_file(host);
  std::string with = text;
  with.replace(with.find("    vfio_pci\n"), 0, "    vfio_virqfd\n");
  node.root.write("host.yaml", with);
  Ran ran = run_hostpci({"--root", node.root.path(), "--host", node.root.path() + "/host.yaml", "lint", "--fix"});
  CHECK(ran.out.find("nothing to fix") != std::string::npos);
  CHECK(ran.out.find("setup-vfio-virqfd") != std::string::npos);
}

TEST_CASE("boot files of the root are mended, with the command to run after") {
  TemporaryDirectory root;
  root.write("etc/initramfs-tools/modules", "vfio\nvfio_virqfd\nvfio_pci");
  root.write("etc/modules", "vfio_virqfd\n");
  root.write("proc/sys/kernel/osrelease", "6.8.12-4-pve\n");
  Ran ran = run_hostpci({"--root", root.path(), "lint", "--fix", "--select", "setup-vfio-virqfd"});
  INFO(ran.out, ran.err);
  CHECK(read_file(root.path() + "/etc/initramfs-tools/modules") == "vfio\nvfio_pci");
  CHECK(read_file(root.path() + "/etc/modules").empty());
  CHECK(ran.out.find("update-initramfs -u -k all") != std::string::npos);
}

TEST_CASE("a baseline hides what is known, and only that") {
  Node node(mistakes);
  std::string baseline = node.root.path() + "/baseline.json";
  CHECK(node.lint({"--write-baseline", baseline}).status == 0);
  CHECK(node.lint({"--baseline", baseline}).status == 0);
  node.root.write("etc/pve/qemu-server/100.conf", mistakes + "\nhostpci1: 09:00\n");
  Ran later = node.lint({"--baseline", baseline, "--format", "concise"});
  CHECK(later.status == 1);
  CHECK(later.out.find("09:00") != std::string::npos);
  CHECK(later.out.find("x_vga") == std::string::npos);
  node.root.write("baseline.json", "{");
  CHECK(node.lint({"--baseline", baseline}).status == 3);
}

TEST_CASE("every form of the report is printed") {
  Node node(mistakes);
  CHECK(node.lint({"--format", "jsonl"}).out.find("\"summary\"") != std::string::npos);
  CHECK(node.lint({"--format", "sarif"}).out.find("\"2.1.0\"") != std::string::npos);
  CHECK(node.lint({"--format", "github"}).out.find("::error ") != std::string::npos);
  CHECK(node.lint({"--format", "junit"}).out.find("<testsuite") != std::string::npos);
  CHECK(node.lint({"--statistics"}).out.find("syntax-unknown-option") != std::string::npos);
}

TEST_CASE("options that mean nothing are refused") {
  Node node("hostpci0: 01:00\n");
  CHECK(node.lint({"--dry-run"}).status == 2);
  CHECK(node.lint({"--select", "no-such-rule"}).status == 2);
}
