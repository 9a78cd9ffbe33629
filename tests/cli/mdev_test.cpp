// `mdev` as it is run: types, free instances, holders by Proxmox VE's naming, NVIDIA's framework.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

/// The example host with more top-level fields.
Ran mdev(const std::string& more, std::vector<std::string> words, const std::string& vm = "") {
  TemporaryDirectory directory;
  directory.write("host.yaml", read_file(std::string(FIXTURES) + "/hosts/example.yaml") + more);
  if (!vm.empty()) directory.write("etc/pve/qemu-server/100.conf", vm);
  std::vector<std::string> all{"--root", directory.path(), "--host", directory.path() + "/host.yaml", "mdev"};
  all.insert(all.end(), words.begin(), words.end());
  return run_hostpci(all);
}

const std::string instances =
    "mdevs:\n"
    "  - {uuid: 00000001-0000-0000-0000-000000000100, type: i915-GVTg_V5_4, parent: \"0000:00:02.0\"}\n"
    "  - {uuid: 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001, type: i915-GVTg_V5_8, parent: \"0000:00:02.0\"}\n";

}  // namespace

TEST_CASE("types with their names, free instances and who wants them") {
  Ran ran = mdev("", {}, "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_8\n");
  CHECK(ran.status == 0);
  CHECK(ran.out.find("0000:00:02.0  i915-GVTg_V5_4  GVTg_V5_4  1     -") != std::string::npos);
  CHECK(ran.out.find("0000:00:02.0  i915-GVTg_V5_8  GVTg_V5_8  2     VM 100 hostpci0") != std::string::npos);
  CHECK(ran.out.find("resolution: 1920x1200") != std::string::npos);
}

TEST_CASE("an instance is traced to its VM by Proxmox VE's name for it") {
  Ran ran = mdev(instances, {"00:02.0"});
  CHECK(ran.out.find("00000001-0000-0000-0000-000000000100  i915-GVTg_V5_4  0000:00:02.0  VM 100 hostpci1") !=
        std::string::npos);
  CHECK(ran.out.find("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001  i915-GVTg_V5_8  0000:00:02.0  not Proxmox VE's") !=
        std::string::npos);
  json::value all = json::parse(mdev(instances, {"--format", "json"}).out);
  const json::array& list = all.at("devices").at(0).at("instances").as_array();
  REQUIRE(list.size() == 2);
  CHECK(list[0].at("vm") == 100);
  CHECK(list[0].at("key") == "hostpci1");
  CHECK(list[1].at("vm").is_null());
}

TEST_CASE("an instance of another name is traced to the VM that was started with it") {
  const std::string running = "running:\n  - vmid: 101\n    pid: 900\n    arguments: [kvm, -device, \"vfio-pci,sysfsdev=/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\"]\n";
  CHECK(mdev(instances + running, {}).out.find("0000:00:02.0  VM 101 (running)\n") != std::string::npos);
  json::value all = json::parse(mdev(instances + running, {"--format", "json"}).out);
  const json::value& held = all.at("devices").at(0).at("instances").at(1);
  CHECK(held.at("vm") == 101);
  CHECK(held.at("key").is_null());
  CHECK(held.at("running") == true);
}

TEST_CASE("a device without types, and one that is not there") {
  Ran none = mdev("", {"01:00"});
  CHECK(none.status == 0);
  CHECK(none.out == "no device here offers mediated types\n");
  CHECK(mdev("", {"01:01"}).status == 3);
  CHECK(mdev("", {"x"}).status == 2);
}

TEST_CASE("NVIDIA's own framework, read live") {
  TemporaryDirectory root;
  const std::string device = "sys/bus/pci/devices/0000:41:00.4/";
  root.write(device + "class", "0x030200\n");
  root.write(device + "vendor", "0x10de\n");
  root.write(device + "device", "0x2236\n");
  root.write(device + "nvidia/current_vgpu_type", "557\n");
  root.write(device + "nvidia/creatable_vgpu_types",
             "ID    : vGPU Name\n557   : NVIDIA A10-1Q\n558   : NVIDIA A10-2Q\n");
  Ran ran = run_hostpci({"--root", root.path(), "mdev"});
  CHECK(ran.status == 0);
  CHECK_MESSAGE(ran.out.find("0000:41:00.4  nvidia-557  NVIDIA A10-1Q  1") != std::string::npos, ran.out);
  CHECK(ran.out.find("NVIDIA's own vGPU framework") != std::string::npos);
  CHECK(ran.out.find("type `nvidia-557` is set") != std::string::npos);
  json::value all = json::parse(run_hostpci({"--root", root.path(), "mdev", "--format", "json"}).out);
  CHECK(all.at("devices").at(0).at("framework") == "nvidia");
  CHECK(all.at("devices").at(0).at("current") == "nvidia-557");
}
