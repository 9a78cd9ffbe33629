// `hostpci showcmd` below a root: the recordings through the executable.
#include <doctest/doctest.h>

#include <map>

#include "../support/linted.hpp"
#include "../support/process.hpp"
#include "../support/recorded_host.hpp"
#include "../support/temporary.hpp"

using namespace hostpci;
using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/corpus/showcmd";

/// A root with the recording's host; the VM goes where PVE has it.
std::string vm_path_in(const TemporaryDirectory& root, const std::string& vmid) {
  for (const fs::path& node : sorted_entries(fs::path(root.path()) / "etc/pve/nodes"))
    return "etc/pve/nodes/" + node.filename().string() + "/qemu-server/" + vmid + ".conf";
  return "";
}

void check_recording(const TemporaryDirectory& root, const std::string& name) {
  CAPTURE(name);
  std::string vmid = name.substr(0, 4), expected = read_file((folder / (name + ".hostpci")).string());
  root.write(vm_path_in(root, vmid), read_file((folder / (name + ".conf")).string()));
  Ran ran = run_hostpci({"showcmd", vmid, "--root", root.path()});
  if (expected.compare(0, 6, "ERROR:") == 0) {
    CHECK(ran.status == 1);
    CHECK(ran.out.compare(0, 6, "error[") == 0);
  } else {
    CHECK(ran.status == 0);
    CHECK(ran.out == expected);
  }
}

std::string host_of(const std::string& name) {
  fs::path own = folder / (name + ".host.json");
  return read_file((fs::exists(own) ? own : folder / "host.json").string());
}

}  // namespace

TEST_CASE("showcmd below a root prints what was recorded") {
  TemporaryDirectory root;
  write_recorded_host(host_of(""), root.path());
  std::size_t count = 0;
  for (const fs::path& path : sorted_entries(folder)) {
    std::string name = path.stem().string();
    if (path.extension() != ".hostpci" || fs::exists(folder / (name + ".host.json"))) continue;
    if (++count % 3 == 0) check_recording(root, name);
  }
  CHECK(count > 60);
}

TEST_CASE("showcmd below other roots prints what was recorded") {
  for (const char* name :
       {"2151-badmapcfg-nic", "2154-no-iommu-host", "2155-no-iommu-mapping", "2156-other-node-mapping",
        "2157-older-qemu", "2158-older-qemu-too-new-machine", "2159-rawcfg-gpu", "2162-rawcfg-nomap"}) {
    TemporaryDirectory root;
    write_recorded_host(host_of(name), root.path());
    check_recording(root, name);
  }
}

TEST_CASE("a VM that is not there is no refusal of PVE") {
  TemporaryDirectory root;
  write_recorded_host(host_of(""), root.path());
  CHECK(run_hostpci({"showcmd", "999", "--root", root.path()}).status == 3);
  CHECK(run_hostpci({"showcmd", "--root", root.path()}).status == 2);
}
