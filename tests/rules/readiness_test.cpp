// The readiness of a host: why an IOMMU is missing, what counts as a fault where, and what is left unknown.
#include "rules/readiness.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "../support/temporary.hpp"
#include "host/snapshot.hpp"
#include "rules/rule.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

Host example() {
  Sink sink;
  auto host =
      read_snapshot(make_source("example.yaml", read_file(std::string(FIXTURES) + "/hosts/example.yaml")), sink);
  REQUIRE(host);
  return *host;
}

/// A host with its VMs, judged.
struct Judged {
  Host host;
  Mappings mappings;
  BootConfig boot;
  std::vector<Vm> vms;
  Facts facts;
  std::vector<Check> checks;
  Readiness readiness;

  explicit Judged(Host h, const std::string& vm = "", const std::string& unread = "")
      : host(std::move(h)), mappings(read_mappings(nullptr)), boot(read_boot_config(host.files, host.unreadable)) {
    if (!vm.empty()) vms.push_back(read_vm(make_source("/etc/pve/qemu-server/100.conf", vm)));
    facts = make_facts(host, mappings, boot, vms);
    checks = check_readiness(facts, unread);
    readiness = judge(facts, checks);
  }
  Judged(const Judged&) = delete;

  const Check& operator[](std::string_view name) const {
    auto at = std::find_if(checks.begin(), checks.end(), [&](const Check& c) { return c.name == name; });
    REQUIRE_MESSAGE(at != checks.end(), name);
    return *at;
  }
};

/// Intel, bare metal, a table, Proxmox's kernel 6.8, and no IOMMU.
Host without_iommu() {
  Host host = example();
  host.kernel.iommus.emplace();
  for (auto& [address, device] : host.devices) device.group = -1;
  host.kernel.command_line = "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 quiet";
  return host;
}

struct Expected {
  std::string cause, certainty;
};

Expected cause_of(Host host) {
  Judged judged(std::move(host));
  const Check& check = judged["iommu"];
  CHECK(check.status == CheckStatus::fail);
  CHECK(check.message.find(check.certainty) != std::string::npos);
  return {std::string(check.cause), std::string(check.certainty)};
}

bool operator==(const Expected& a, const Expected& b) { return a.cause == b.cause && a.certainty == b.certainty; }

}  // namespace

TEST_CASE("every rule that a check stands on is in the catalogue") {
  for (const std::string& rule : readiness_rules()) CHECK_MESSAGE(find_rule(rule), rule);
}

TEST_CASE("a healthy host passes every check") {
  Judged judged(example(), "machine: q35\nhostpci0: 0000:01:00,pcie=1\n");
  for (const Check& check : judged.checks) {
    CHECK_MESSAGE(check.status == CheckStatus::pass, check.name << ": " << check.message);
    CHECK_MESSAGE(!check.evidence.empty(), check.name);
    CHECK(check.mend.empty());
  }
  CHECK(judged.readiness.message == "ready for passthrough");
  CHECK(judged.readiness.ready());
}

TEST_CASE("the verdict says that no VM uses it yet") {
  CHECK(Judged(example()).readiness.message == "ready for passthrough; no VM of this node uses it yet");
}

TEST_CASE("an argument that switches the IOMMU off is the reason") {
  for (const char* argument :
       {"intel_iommu=off", "iommu=off", "intel_iommu=on,off", "intel_iommu=on intel_iommu=off", "intel-iommu=off"}) {
    Host host = without_iommu();
    *host.kernel.command_line += std::string(" ") + argument;
    CHECK_MESSAGE((cause_of(host) == Expected{"command-line", "certain"}), argument);
  }
  Host host = without_iommu();
  host.kernel.dmar_table.reset();
  *host.kernel.command_line += " iommu=off";
  CHECK(cause_of(host) == Expected{"command-line", "likely"});
}

TEST_CASE("an argument that switches nothing off is not blamed") {
  for (const char* argument :
       {"intel_iommu=off intel_iommu=on", "amd_iommu=off", "-- intel_iommu=off", "iommu=pt", "Intel_iommu=off"}) {
    Host host = without_iommu();
    *host.kernel.command_line += std::string(" ") + argument;
    CHECK_MESSAGE((cause_of(host).cause == "platform"), argument);
  }
}

TEST_CASE("the mend of a switch names the file that has it, and the commands") {
  Host host = without_iommu();
  host.kernel.command_line = "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 intel_iommu=off";
  host.files["/etc/default/grub"] = "GRUB_CMDLINE_LINUX_DEFAULT=\"intel_iommu=off\"\n";
  Judged judged(host);
  CHECK(judged["iommu"].mend == "take `intel_iommu=off` out of /etc/default/grub, run `update-grub`, then reboot");
  CHECK(judged["iommu"].commands == std::vector<std::string>{"update-grub", "reboot"});
  bool shown = std::count(judged["iommu"].evidence.begin(), judged["iommu"].evidence.end(),
                          Evidence{"/proc/cmdline", "intel_iommu=off"});
  CHECK(shown);
}

TEST_CASE("without a table the firmware is the reason, more or less surely") {
  Host host = without_iommu();
  host.kernel.dmar_table = false;
  CHECK(cause_of(host) == Expected{"firmware", "likely"});
  Judged judged(host);
  CHECK(judged["iommu"].commands == std::vector<std::string>{"systemctl reboot --firmware-setup"});
  host.kernel.cpu_flags.reset();
  CHECK(cause_of(host) == Expected{"firmware", "possible"});
  host.kernel.cpu_flags = std::vector<std::string>{"aes", "lm"};
  CHECK(cause_of(host) == Expected{"platform", "likely"});
  host.kernel.cpu_flags = std::vector<std::string>{"aes", "hypervisor", "lm"};
  CHECK(cause_of(host) == Expected{"guest", "certain"});
}

TEST_CASE("firmware and command line together: both are to be mended") {
  Host host = without_iommu();
  host.kernel.dmar_table = false;
  *host.kernel.command_line += " intel_iommu=off";
  Judged judged(host);
  CHECK(judged["iommu"].cause == "firmware");
  CHECK(judged["iommu"].mend.find("take `intel_iommu=off` out") != std::string::npos);
}

TEST_CASE("an old kernel of Proxmox's leaves Intel's IOMMU off") {
  Host host = without_iommu();
  host.kernel.release = "6.5.13-6-pve";
  CHECK(cause_of(host) == Expected{"kernel", "certain"});
  host.kernel.release = "6.1.0-28-amd64";  // another kernel: its default is not known
  CHECK(cause_of(host) == Expected{"kernel", "likely"});
  *host.kernel.command_line += " intel_iommu=on";
  CHECK(cause_of(host) == Expected{"platform", "possible"});
}

TEST_CASE("AMD is judged by its own table and switch") {
  Host host = without_iommu();
  host.kernel.cpu_vendor = "AuthenticAMD";
  host.kernel.cpu_flags = std::vector<std::string>{"lm", "svm"};
  host.kernel.ivrs_table = false;
  CHECK(cause_of(host) == Expected{"firmware", "likely"});
  host.kernel.ivrs_table = true;
  CHECK(cause_of(host) == Expected{"platform", "possible"});
  *host.kernel.command_line += " amd_iommu=off";
  CHECK(cause_of(host) == Expected{"command-line", "certain"});
}

TEST_CASE("an unreadable table leaves the reason unknown") {
  Host host = without_iommu();
  host.kernel.dmar_table.reset();
  CHECK(cause_of(host) == Expected{"unknown", "possible"});
}

TEST_CASE("checks name rules that are in the catalogue") {
  Host host = without_iommu();
  *host.kernel.command_line += " intel_iommu=off pcie_acs_override=downstream";
  host.kernel.unsafe_interrupts = true;
  Judged judged(host);
  CHECK(judged["iommu"].rules == std::vector<std::string>{"host-iommu-cmdline-off"});
  CHECK(judged["acs-override"].rules == std::vector<std::string>{"host-acs-override"});
  for (const Check& check : judged.checks)
    for (const std::string& rule : check.rules) CHECK_MESSAGE(find_rule(rule), rule);
}

TEST_CASE("a missing IOMMU is a fault only where something asks for one") {
  Host host = without_iommu();
  host.packages = {{"grub-pc", "2.06-13"}};
  Judged plain(host);
  CHECK(plain["iommu"].status == CheckStatus::warn);
  CHECK(plain["packages"].status == CheckStatus::pass);
  CHECK(plain.readiness.status == CheckStatus::warn);
  CHECK(plain.readiness.message.find("nothing on this host asks for it") != std::string::npos);
  Judged used(host, "hostpci0: 0000:05:10.0\n");
  CHECK(used["iommu"].status == CheckStatus::fail);
  CHECK(used.readiness.message.substr(0, 9) == "not ready");
}

TEST_CASE("what could not be read is unknown, never a fault") {
  Judged judged(Host{}, "", "cannot read `/etc/pve/qemu-server`: Permission denied");
  for (const Check& check : judged.checks)
    CHECK_MESSAGE(check.status != CheckStatus::fail, check.name << ": " << check.message);
  for (const char* name :
       {"packages", "kernel", "processor", "guest", "iommu", "interrupt-remapping", "unsafe-interrupts", "groups",
        "acs-override", "vfio", "boot-loader", "boot-files", "command-line", "devices"})
    CHECK_MESSAGE(judged[name].status == CheckStatus::unknown, name);
  CHECK(judged.readiness.status == CheckStatus::unknown);
  CHECK_FALSE(judged.readiness.ready());
}

TEST_CASE("interrupt remapping is judged by the interrupt chips") {
  Host host = example();
  host.kernel.interrupt_remapping = false;
  host.kernel.interrupt_chips = "PCI-MSI-0000:00:17.0";
  Judged refused(host);
  CHECK(refused["interrupt-remapping"].status == CheckStatus::fail);
  CHECK(refused["interrupt-remapping"].evidence.front() == Evidence{"/proc/interrupts", "PCI-MSI-0000:00:17.0"});
  host.kernel.unsafe_interrupts = true;
  Judged allowed(host);
  CHECK(allowed["interrupt-remapping"].status == CheckStatus::warn);
  CHECK(allowed["unsafe-interrupts"].status == CheckStatus::warn);
}

TEST_CASE("unsafe interrupts that nothing needs are traced to their file") {
  Host host = example();
  host.kernel.unsafe_interrupts = true;
  host.files["/etc/modprobe.d/iommu.conf"] = "options vfio_iommu_type1 allow_unsafe_interrupts=1\n";
  Judged judged(host);
  CHECK(judged["unsafe-interrupts"].status == CheckStatus::warn);
  CHECK(judged["unsafe-interrupts"].evidence.back() ==
        Evidence{"/etc/modprobe.d/iommu.conf", "allow_unsafe_interrupts=1"});
  CHECK(judged["unsafe-interrupts"].commands.front() == "update-initramfs -u -k all");
}

TEST_CASE("the ACS override is told by what the running kernel was started with") {
  Host host = example();
  *host.kernel.command_line += " pcie_acs_override=downstream,multifunction";
  Judged judged(host);
  CHECK(judged["acs-override"].status == CheckStatus::warn);
  CHECK(judged["acs-override"].evidence.front().value == "pcie_acs_override=downstream,multifunction");
}

TEST_CASE("vfio: built in, loaded, loadable, gone") {
  Host host = example();
  host.kernel.modules = std::vector<std::string>{"kvm"};
  CHECK(Judged(host)["vfio"].status == CheckStatus::pass);
  host.kernel.builtin->push_back("vfio_pci");
  CHECK(Judged(host)["vfio"].message == "vfio_pci is built in");
  host.kernel.builtin.reset();
  CHECK(Judged(host)["vfio"].status == CheckStatus::unknown);
  host.kernel.modules_directory = false;
  CHECK(Judged(host)["vfio"].status == CheckStatus::fail);
  host.packages = {{"grub-pc", "2.06-13"}};  // a container sees no modules either
  CHECK(Judged(host)["vfio"].status == CheckStatus::unknown);
}

TEST_CASE("findings of lint are told once a check, the worst first") {
  Host host = example();
  host.files["/etc/modules"] = "vfio\nvfio_virqfd\n";
  Judged judged(host, "machine: q35\nhostpci0: 0000:0b:00.0\nhostpci1: 0000:04:00.0\n");
  CHECK(judged["dead-advice"].status == CheckStatus::warn);
  CHECK(judged["dead-advice"].evidence.front() == Evidence{"/etc/modules:2", "vfio_virqfd"});
  const Check& devices = judged["devices"];
  CHECK(devices.status == CheckStatus::fail);
  CHECK(devices.message == "VM 100: there is no device `0000:0b:00.0` on this host; 1 more: `hostpci lint`");
  CHECK(devices.rules == std::vector<std::string>{"device-device-missing", "device-group-shared"});
}

TEST_CASE("groups of several cards are counted, bridges and functions of one card are not") {
  Judged judged(example());
  CHECK(judged["groups"].status == CheckStatus::pass);
  CHECK(judged["groups"].message.find("1 of 16 groups holds several cards, 2 devices") == 0);
}
