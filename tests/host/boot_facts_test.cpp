// Facts about modules and the initramfs that the rules of the boot set-up ask for.
#include <doctest/doctest.h>

#include "../support/temporary.hpp"
#include "host/scan.hpp"
#include "system/memory.hpp"

using namespace hostpci;

TEST_CASE("parameters of modules: those that exist, by name") {
  MemoryFileSystem system;
  system.put("/sys/module/i915/parameters/enable_guc", "3\n");
  system.put("/sys/module/i915/parameters/mitigations", "auto\n");
  Host host = scan_host(system);
  REQUIRE(host.kernel.parameters);
  CHECK(*host.kernel.parameters == std::map<std::string, std::string>{{"i915.enable_guc", "3"}});
  CHECK_FALSE(scan_host(MemoryFileSystem()).kernel.parameters.has_value());
}

TEST_CASE("the running kernel's modules are there, are gone, or nothing is known of them") {
  MemoryFileSystem system;
  CHECK_FALSE(scan_host(system).kernel.modules_directory.has_value());
  system.put("/proc/sys/kernel/osrelease", "6.8.12-4-pve\n");
  system.put("/lib/modules/6.8.12-5-pve/modules.dep", "");
  CHECK(scan_host(system).kernel.modules_directory == false);
  system.put("/lib/modules/6.8.12-4-pve/modules.dep", "");
  CHECK(scan_host(system).kernel.modules_directory == true);
}

TEST_CASE("times are kept of what goes into an initramfs, if there is one") {
  test::TemporaryDirectory root;
  root.write("etc/modprobe.d/vfio.conf", "options vfio-pci ids=10de:1b80\n");
  root.write("etc/default/grub", "GRUB_TIMEOUT=5\n");
  auto system = real_file_system(root.path());
  REQUIRE(system);
  CHECK(scan_host(**system).times.empty());
  root.write("boot/initrd.img-6.8.12-4-pve", "image");
  Host host = scan_host(**system);
  CHECK(host.times.size() == 2);
  CHECK(host.times.count("/boot/initrd.img-6.8.12-4-pve") == 1);
  CHECK(host.times.count("/etc/modprobe.d/vfio.conf") == 1);
}
