// `lint --fix`: what is written, what is left, and that a second run finds nothing to do.
#include <doctest/doctest.h>

#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace fs = std::filesystem;

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

/// A host with Secure Boot, GRUB on its EFI partitions, and this /etc/default/grub.
struct SecureHost {
  TemporaryDirectory root;
  explicit SecureHost(const std::string& grub) {
    unpack("captures/gpu-boot.tar.xz", root.path());
    auto merge = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    fs::copy(FIXTURES "/layouts/pve-9-secure-boot", root.path(), merge);
    root.write("etc/default/grub", grub);
  }
  Ran run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--root", root.path()});
    return run_hostpci(words);
  }
  std::string grub() const { return read_file(root.path() + "/etc/default/grub"); }
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

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

TEST_CASE("the command to run after is the boot loader's that this host has, and the way back runs it") {
  SecureHost machine("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet Intel_iommu=on\"\n");
  Ran ran = machine.run({"lint", "--fix"});
  CHECK(machine.grub() == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n");
  CHECK(says(ran.out, "then run: proxmox-boot-tool refresh\n"));
  CHECK(!says(ran.out, "then run: update-grub"));
  std::string journal = machine.run({"history"}).out;
  REQUIRE(says(journal, "lint --fix"));
  Ran back = machine.run({"rollback", "--yes"});
  INFO(back.out, back.err);
  CHECK(says(back.out + back.err, "proxmox-boot-tool refresh"));
  CHECK(machine.grub() == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet Intel_iommu=on\"\n");
}

TEST_CASE("an argument is not put in beside the same one that another fix only spells right") {
  SecureHost machine("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet Intel_IOMMU=on video=efifb:off\"\n");
  machine.root.write("etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on iommu=pt\n");
  Ran ran = machine.run({"lint", "--fix", "--ignore", "setup-intel-iommu-redundant"});
  INFO(ran.out);
  CHECK(machine.grub() == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt\"\n");
  CHECK(says(machine.run({"lint", "--fix"}).out, "nothing to fix"));
}

TEST_CASE("a misspelt argument goes where the right one stands already") {
  SecureHost machine("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on Intel_IOMMU=on\"\n");
  machine.run({"lint", "--fix", "--select", "setup-param-case"});
  CHECK(machine.grub() == "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n");
}

TEST_CASE("a boot file that leads out of /etc is changed neither by a fix nor by a plan") {
  SecureHost machine("");
  const std::string text = "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet Intel_iommu=on video=efifb:off\"\n";
  machine.root.write("srv/grub", text);
  fs::remove(machine.root.path() + "/etc/default/grub");
  fs::create_symlink("/srv/grub", machine.root.path() + "/etc/default/grub");
  Ran fix = machine.run({"lint", "--fix"});
  CHECK(fix.status == 3);
  CHECK(says(fix.err, "`/etc/default/grub` leads to `/srv/grub`: not changed"));
  Ran plan = machine.run({"plan"});
  INFO(plan.out);
  CHECK(!says(plan.out, "~ /srv/grub"));
  CHECK(!says(plan.out, "~ /etc/default/grub"));
  CHECK(!says(plan.out, "proxmox-boot-tool refresh"));
  CHECK(says(plan.out, "leads to `/srv/grub`: not changed"));
  CHECK(read_file(machine.root.path() + "/srv/grub") == text);
}

TEST_CASE("a folder of boot files that leads out of /etc gets no new file") {
  SecureHost machine("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
  fs::create_directories(machine.root.path() + "/srv");
  fs::rename(machine.root.path() + "/etc/modprobe.d", machine.root.path() + "/srv/modprobe.d");
  fs::create_symlink("/srv/modprobe.d", machine.root.path() + "/etc/modprobe.d");
  Ran plan = machine.run({"plan"});
  INFO(plan.out);
  CHECK(!says(plan.out, "+ /srv/modprobe.d"));
  CHECK(!says(plan.out, "~ /srv/modprobe.d"));
  CHECK(says(plan.out, "leads to `/srv/modprobe.d/"));
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
