// `bind`, `unbind` and `reset` as far as they only say what they would write: by snapshots, and below roots.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

const std::string example = std::string(FIXTURES) + "/hosts/example.yaml";

Ran on_example(std::vector<std::string> words) {
  words.insert(words.begin(), {"--host", example});
  words.emplace_back("--dry-run");
  return run_hostpci(words);
}

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// A host of one network card on vfio-pci, as files.
struct Tree {
  TemporaryDirectory directory;
  const std::string device = "sys/bus/pci/devices/0000:01:00.0";

  Tree() {
    directory.write(device + "/uevent", "DRIVER=vfio-pci\nPCI_CLASS=20000\nPCI_ID=8086:10D3\nPCI_SUBSYS_ID=8086:0000\n");
    directory.write(device + "/driver_override", "vfio-pci\n");
    directory.write(device + "/reset", "");
    directory.write("sys/bus/pci/drivers/vfio-pci/unbind", "");
    link("../../../../kernel/iommu_groups/7", device + "/iommu_group");
    directory.write("sys/kernel/iommu_groups/7/type", "identity\n");
  }

  void link(const std::string& target, const std::string& path) const {
    std::filesystem::path where = directory.path() + "/" + path;
    std::filesystem::create_directories(where.parent_path());
    std::filesystem::create_symlink(target, where);
  }

  Ran run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--root", directory.path()});
    words.emplace_back("--dry-run");
    return run_hostpci(words);
  }
};

}  // namespace

TEST_CASE("what bind would write, in order") {
  Ran ran = on_example({"bind", "02:00.0"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "remember nvme in /run/hostpci/drivers/0000:02:00.0\n"
        "write `vfio-pci` to /sys/bus/pci/devices/0000:02:00.0/driver_override\n"
        "write `0000:02:00.0` to /sys/bus/pci/drivers/nvme/unbind\n"
        "write `0000:02:00.0` to /sys/bus/pci/drivers_probe\n");
  CHECK(mentions(ran.err, "warning[device-disks-in-use]: the host uses `0000:02:00.0 (NVMe, 144d:a808)`: filesystem `nvme0n1p1` (/mnt/vmdata)"));
}

TEST_CASE("a driver that no device has is loaded first") {
  Ran ran = on_example({"bind", "02:00.0", "--driver", "pci-stub"});
  CHECK(ran.status == 0);
  CHECK(mentions(ran.out, "run `modprobe pci-stub`\nremember nvme"));
  CHECK(mentions(ran.out, "write `pci-stub` to /sys/bus/pci/devices/0000:02:00.0/driver_override\n"));
  for (const char* wrong : {"", "-r", "../x", "a b"}) {
    Ran refused = on_example({"bind", "02:00.0", std::string("--driver=") + wrong});
    CHECK(refused.status == 2);
    CHECK(refused.out.empty());
  }
}

TEST_CASE("with its group: the other endpoints, no bridges") {
  Ran ran = on_example({"bind", "04:00.0", "--group"});
  CHECK(ran.status == 0);
  CHECK(mentions(ran.out, "remember xhci_hcd in /run/hostpci/drivers/0000:03:00.0\n"));
  CHECK(mentions(ran.out, "remember r8169 in /run/hostpci/drivers/0000:04:00.0\n"));
  CHECK_FALSE(mentions(ran.out, "pcieport"));
  CHECK(ran.out.find("0000:03:00.0") < ran.out.find("0000:04:00.0"));
}

TEST_CASE("what must not be bound is refused by the name of its rule") {
  const std::pair<const char*, const char*> cases[] = {
      {"00:17.0", "error[device-boot-controller]"}, {"00:1f.6", "error[device-mgmt-nic]"},   {"00:02.0", "error[device-only-gpu]"},
      {"00:1d.0", "error[device-is-bridge]"},       {"05:00.0", "error[device-pf-has-vfs]"},
  };
  for (const auto& entry : cases)
    for (const char* command : {"bind", "reset"}) {
      const char *address = entry.first, *rule = entry.second;
      CAPTURE(address);
      Ran ran = on_example({command, address, "--yes"});
      CHECK(ran.status == 3);
      CHECK(ran.out.empty());
      CHECK(mentions(ran.err, rule));
      CHECK(mentions(ran.err, "hostpci: nothing was changed\n"));
    }
  Ran group = on_example({"bind", "00:1f.3", "--group"});
  CHECK(group.status == 3);
  CHECK(mentions(group.err, "device-mgmt-nic"));
}

TEST_CASE("a device that is where it should be is left alone, whatever it carries") {
  Ran bound = on_example({"bind", "01:00.0"});
  CHECK(bound.status == 0);
  CHECK(bound.out == "0000:01:00.0: is on vfio-pci already\n");
  Ran home = on_example({"unbind", "00:17.0"});
  CHECK(home.status == 0);
  CHECK(home.out == "0000:00:17.0: is on ahci already\n");
  CHECK(on_example({"unbind", "00:17.0", "--no-probe"}).status == 3);
}

TEST_CASE("what unbind would write where nothing is remembered") {
  CHECK(on_example({"unbind", "01:00.0"}).out ==
        "write `0000:01:00.0` to /sys/bus/pci/drivers/vfio-pci/unbind\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers_probe\n");
  CHECK(on_example({"unbind", "01:00.0", "--no-probe"}).out == "write `0000:01:00.0` to /sys/bus/pci/drivers/vfio-pci/unbind\n");
}

TEST_CASE("what unbind would write where a driver is remembered") {
  Tree tree;
  tree.directory.write("run/hostpci/drivers/0000:01:00.0", "driver=e1000e\ndriver_override=\n");
  Ran ran = tree.run({"unbind", "01:00.0"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "write an empty line to /sys/bus/pci/devices/0000:01:00.0/driver_override\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers/vfio-pci/unbind\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers_probe\n");
  Ran other = tree.run({"bind", "01:00.0", "--driver", "pci-stub"});
  CHECK_FALSE(mentions(other.out, "remember"));
  tree.directory.write("run/hostpci/drivers/0000:01:00.0", "nonsense");
  CHECK(tree.run({"unbind", "01:00.0"}).status == 3);
}

TEST_CASE("a process that has the device open is named") {
  Tree tree;
  tree.link("/dev/vfio/7", "proc/77/fd/9");
  tree.directory.write("proc/77/comm", "kvm\n");
  for (const char* command : {"unbind", "reset"}) {
    Ran ran = tree.run({command, "01:00.0"});
    CHECK(ran.status == 3);
    CHECK(mentions(ran.err, "error[conflict-in-use]: `0000:01:00.0 (Ethernet, 8086:10d3)` is in use by process 77 (`kvm`)"));
  }
}

TEST_CASE("a device without a driver does not go to the host's out of a group that somebody has open") {
  Tree tree;
  std::filesystem::remove(tree.directory.path() + "/" + tree.device + "/driver");
  tree.directory.write(tree.device + "/uevent", "PCI_CLASS=20000\nPCI_ID=8086:10D3\nPCI_SUBSYS_ID=8086:0000\n");
  CHECK(tree.run({"bind", "01:00.0", "--driver", "pci-stub"}).status == 0);
  tree.link("/dev/vfio/7", "proc/77/fd/9");
  tree.directory.write("proc/77/comm", "kvm\n");
  for (std::vector<std::string> words : {std::vector<std::string>{"bind", "01:00.0", "--driver", "e1000e"}, {"unbind", "01:00.0"}}) {
    Ran ran = tree.run(words);
    CHECK(ran.status == 3);
    CHECK(mentions(ran.err, "the IOMMU group of `0000:01:00.0 (Ethernet, 8086:10d3)` is in use by process 77 (`kvm`)"));
  }
  CHECK(tree.run({"bind", "01:00.0"}).status == 0);
  CHECK(tree.run({"unbind", "01:00.0", "--no-probe"}).status == 0);
}

TEST_CASE("as JSON") {
  json::value all = json::parse(on_example({"bind", "02:00.0", "--format", "json"}).out);
  CHECK(all.at("version") == 1);
  CHECK(all.at("dryRun") == true);
  const json::value& device = all.at("devices").at(0);
  CHECK(device.at("address") == "0000:02:00.0");
  CHECK(device.at("before") == "nvme");
  CHECK(device.at("after") == "vfio-pci");
  CHECK(device.at("group") == 7);
  CHECK(device.at("viable") == true);
  CHECK(device.at("writes").as_array().size() == 3);
}

TEST_CASE("reset: each function by itself") {
  Ran ran = on_example({"reset", "01:00"});
  CHECK(ran.status == 0);
  CHECK(ran.out ==
        "write `1` to /sys/bus/pci/devices/0000:01:00.0/reset\n"
        "write `1` to /sys/bus/pci/devices/0000:01:00.1/reset\n");
  json::value all = json::parse(on_example({"reset", "01:00", "--format", "json"}).out);
  CHECK(all.at("devices").at(1).at("address") == "0000:01:00.1");
}

TEST_CASE("only the running kernel is written to, and words must make sense") {
  Ran ran = run_hostpci({"--host", example, "bind", "02:00.0", "--yes"});
  CHECK(ran.status == 3);
  CHECK(mentions(ran.err, "`bind` acts on the running kernel"));
  CHECK(run_hostpci({"--root", "/tmp", "unbind", "02:00.0"}).status == 3);
  CHECK(on_example({"bind", "x"}).status == 2);
  CHECK(on_example({"bind", "0b:00.0"}).status == 3);
  CHECK(on_example({"bind", "02:00.0", "--timeout", "0"}).status == 2);
  CHECK(run_hostpci({"bind"}).status == 2);
}
