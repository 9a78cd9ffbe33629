// `hostpci lint` of recorded trees: live, where only the devices of VMs are read in full, and against a snapshot of all.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

const std::string vm_file = "etc/pve/qemu-server/100.conf";

std::set<std::string> slots(const std::string& root) {
  std::set<std::string> found;
  for (const auto& device : fs::directory_iterator(root + "/sys/bus/pci/devices")) {
    std::string name = device.path().filename().string();
    found.insert(name.substr(0, name.rfind('.')));
  }
  return found;
}

}  // namespace

TEST_CASE("lint finds the same live and in a snapshot, whichever device the VM takes") {
  std::size_t compared = 0;
  for (const char* name : {"amd-boot", "clean-mdev", "gpu-vfio", "noiommu-boot", "shared-boot", "sriov-vfs"}) {
    CAPTURE(name);
    TemporaryDirectory root;
    unpack("captures/" + std::string(name) + ".tar.xz", root.path());
    std::string snapshot = root.path() + "/host.yaml";
    REQUIRE(run_hostpci({"snapshot", "--root", root.path(), "-o", snapshot}).status == 0);
    for (const std::string& slot : slots(root.path())) {
      CAPTURE(slot);
      root.write(vm_file, "bios: ovmf\nmachine: q35\nhostpci0: " + slot + ",pcie=1,x-vga=1\nnuma: 1\nnuma0: cpus=0,hostnodes=1,memory=512\n");
      Ran live = run_hostpci({"lint", "--root", root.path(), "100"});
      Ran held = run_hostpci({"lint", "--root", root.path(), "--host", snapshot, "100"});
      CHECK(live.out == held.out);
      CHECK(live.status == held.status);
      compared += live.out.size() > 100;
    }
  }
  CHECK(compared > 30);
}
