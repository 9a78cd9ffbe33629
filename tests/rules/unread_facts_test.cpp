// What lint leaves unread of devices that no VM takes: no rule asks for it.
#include <doctest/doctest.h>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "diag/render.hpp"
#include "rules/resolve.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

std::vector<Vm> vms_in(const fs::path& directory) {
  std::vector<Vm> vms;
  for (const fs::path& path : test::sorted_entries(directory))
    if (std::uint32_t vmid = vmid_of_path(path.string()))
      vms.push_back(test::make_vm(vmid, test::read_file(path.string())));
  return vms;
}

/// The host without what HostParts::state and ::capabilities stand for, but of the devices that the VMs take.
Host as_lint_reads(Host host, const std::vector<Vm>& vms) {
  const std::string path = "/etc/pve/mapping/pci.cfg";
  const std::string* text = host.file(path);
  auto assigned = assigned_functions(vms, host, read_mappings(text ? make_source(path, *text) : nullptr));
  for (auto& [address, device] : host.devices) {
    if (assigned.count(address)) continue;
    device.irq.reset(), device.numa_node.reset();
    device.msi = device.d3cold_allowed = device.acs = device.flr = {};
    device.reset_method.reset(), device.power_state.reset();
  }
  return host;
}

/// How many hosts had something to leave out.
std::size_t check(const fs::path& host_file, const fs::path& directory) {
  CAPTURE(directory.string());
  const Host host = test::load_host(host_file);
  const std::vector<Vm> vms = vms_in(directory);
  const Host less = as_lint_reads(host, vms);
  CHECK(render_text(test::lint_report(less, vms), false) == render_text(test::lint_report(host, vms), false));
  return less == host ? 0 : 1;
}

}  // namespace

TEST_CASE("of devices that no VM takes, no rule asks for interrupts, power, reset method, NUMA node or capabilities") {
  std::size_t different = 0;
  for (const fs::path& directory : test::sorted_entries(FIXTURES "/cases")) {
    fs::path host = directory / "host.yaml", clean = directory / "clean", clean_host = clean / "host.yaml";
    different += check(host, directory);
    if (fs::is_directory(clean)) different += check(fs::exists(clean_host) ? clean_host : host, clean);
  }
  for (const char* name : {"amd", "intel", "server"})
    different += check(FIXTURES "/healthy/" + std::string(name) + ".yaml", FIXTURES "/healthy/" + std::string(name));
  different += check(FIXTURES "/demo/host.yaml", FIXTURES "/demo/etc/pve/qemu-server");
  CHECK(different > 100);
}
