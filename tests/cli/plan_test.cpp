// `plan` as a command: below a root with a real kernel's tree, and for a snapshot.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "../support/process.hpp"
#include "../support/schema.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

/// A node of its own: the tree of a machine with a Radeon that shows no console, with Proxmox VE's links, one VM and a
/// boot set-up.
struct Node {
  TemporaryDirectory directory;

  Node() {
    unpack("captures/gpu-boot.tar.xz", directory.path());
    directory.write(
        "etc/pve/nodes/pve1/qemu-server/100.conf",
        "bios: ovmf\nefidisk0: local:100/vm-100-disk-0.qcow2,efitype=4m\nhostpci0: 0000:01:00,pcie=1\nmemory: 2048\n");
    fs::create_directory_symlink("nodes/pve1", directory.path() + "/etc/pve/local");
    fs::create_directory_symlink("nodes/pve1/qemu-server", directory.path() + "/etc/pve/qemu-server");
    directory.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    directory.write("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n");
    directory.write("etc/modules", "vfio\nvfio_virqfd\n");
    directory.write("etc/initramfs-tools/modules", "# none\n");
    fs::create_directories(directory.path() + "/etc/modules-load.d");
    fs::create_symlink("../modules", directory.path() + "/etc/modules-load.d/modules.conf");
  }

  Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--root", directory.path()});
    return run_hostpci(arguments);
  }

  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(directory.path() + "/etc"))
      if (entry.is_regular_file()) all[entry.path().string()] = read_file(entry.path().string());
    return all;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a plan below a root: VM and boot set-up together, through links, and nothing is written") {
  Node node;
  auto before = node.files();
  Ran ran = node.run({"plan"});
  CHECK(ran.status == 0);
  CHECK(ran.err == "");
  CHECK(has(ran.out, "~ /etc/pve/nodes/pve1/qemu-server/100.conf\n"));
  CHECK(has(ran.out, "+machine: q35\n"));
  CHECK(has(ran.out, "~ /etc/modules\n"));
  CHECK(has(ran.out, "-vfio_virqfd\n"));
  CHECK(has(ran.out, "vfio-pci takes `0000:01:00.0 (VGA, 1002:5159)` at boot"));
  CHECK(has(ran.out, "  update-initramfs -u -k all\n"));
  CHECK(has(ran.out, "\nPlan: "));
  CHECK(node.files() == before);
  CHECK(node.run({"plan"}).out == ran.out);
  CHECK(node.run({"plan", "100"}).out == ran.out);
}

TEST_CASE("exit status of plan") {
  Node node;
  CHECK(node.run({"plan", "--exit-code"}).status == 1);
  CHECK(node.run({"plan", "999"}).status == 3);
  CHECK(node.run({"plan", "--nonsense"}).status == 2);
  CHECK(node.run({"--format", "sarif", "plan"}).status == 2);
  Ran absent = node.run({"plan", "999"});
  CHECK(absent.out == "");
  CHECK(has(absent.err, "999"));
  node.directory.write("etc/pve/nodes/pve1/qemu-server/100.conf", "memory: 2048\n");
  Ran none = node.run({"plan", "--exit-code"});
  CHECK(none.status == 0);
  CHECK(has(none.out, "No changes.\n"));
}

TEST_CASE("a plan is saved, and its document is what --format json prints") {
  Node node;
  std::string file = node.directory.path() + "/plan.json";
  Ran ran = node.run({"plan", "-o", file});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "\nPlan: "));
  std::string document = read_file(file);
  CHECK(document == node.run({"--format", "json", "plan"}).out);
  CHECK(document == node.run({"plan", "-o", "-"}).out);
  CHECK(schema_faults(SOURCE_DIR "/schemas/plan.schema.json", document) == "");
  CHECK(has(document, "\"path\":\"/etc/pve/nodes/pve1/qemu-server/100.conf\""));
  CHECK(!has(document, "0123456789abcdef0123456789abcdef"));
  Ran refused = node.run({"plan", "-o", node.directory.path() + "/no/such/directory/plan.json"});
  CHECK(refused.status == 3);
  CHECK(has(refused.err, "no/such/directory"));
}

TEST_CASE("a plan for a snapshot names no machine") {
  const std::string folder = FIXTURES "/plans/twins/";
  Ran ran = run_hostpci({"--host", folder + "host.yaml", "plan", folder + "100.conf"});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "ATTR{driver_override}"));
  Ran document = run_hostpci({"--host", folder + "host.yaml", "--format", "json", "plan", folder + "100.conf"});
  CHECK(has(document.out, "\"machine\":null"));
  CHECK(schema_faults(SOURCE_DIR "/schemas/plan.schema.json", document.out) == "");
}

TEST_CASE("a VM that cannot be read does not stop the plan for the others") {
  Node node;
  std::string name = node.directory.path() + "/etc/pve/nodes/pve1/qemu-server/101.conf";
  fs::create_directory(name);
  Ran ran = node.run({"plan"});
  CHECK(ran.status == 3);
  CHECK(has(ran.out, "+machine: q35\n"));
  CHECK(has(ran.err, "101.conf"));
}

TEST_CASE("where a VM could not be read, a plan does not say that nothing is to change") {
  Node node;
  const std::string name = node.directory.path() + "/etc/pve/nodes/pve1/qemu-server/100.conf";
  fs::remove(name);
  fs::create_directory(name);
  Ran ran = node.run({"plan"});
  CHECK(ran.status == 3);
  CHECK(ran.out == "No changes for what could be read.\n");
  CHECK(has(ran.err, "100.conf"));
  fs::remove(name);
  CHECK(node.run({"plan"}).out == "Note:\n  no VM with a hostpci line is to be started here\n\nNo changes.\n");
}

TEST_CASE("colours only where they are asked for") {
  Node node;
  CHECK(!has(node.run({"plan"}).out, "\x1b["));
  std::string coloured = node.run({"--color", "always", "plan"}).out;
  CHECK(has(coloured, "\x1b[32m+machine: q35\x1b[0m\n"));
}
