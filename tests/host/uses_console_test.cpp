// Whose console the host's only one is: framebuffers of the firmware, and serial lines on PCI devices.
#include <doctest/doctest.h>

#include "host/scan.hpp"
#include "sysfs_tree.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const TreeDevice serial{"0000:00:16.3", "", "070002", "8086", "a363", "serial", 9};
const Use firmware{UseKind::console, "fb0", "firmware framebuffer", true};

/// The small host without its graphics driver: neither framebuffer nor card0.
MemoryFileSystem host_without_framebuffer() {
  MemoryFileSystem system = small_host();
  for (const char* entry : {"graphics/fb0", "drm/card0", "drm/renderD128", "drm/card0-HDMI-A-1"})
    REQUIRE(system.remove(std::string("/sys/class/") + entry));
  add_device(system, serial);
  return system;
}

void add_serial(MemoryFileSystem& system, const std::string& active) {
  add_class(system, "tty", device_path(serial) + "/0000:00:16.3:0/0000:00:16.3:0.0/tty", "ttyS4");
  add_class(system, "tty", "/sys/devices/pnp0/00:04/tty", "ttyS0");
  system.put("/sys/class/tty/console/active", active + '\n');
}

std::vector<Use> uses_of(const FileSystem& system, const TreeDevice& d) {
  Host host = scan_host(system, {true, true, false, false, false, false});
  const Fact<std::vector<Use>>& uses = host.find(*parse_pci_address(d.address))->uses;
  REQUIRE(uses);
  return *uses;
}

Use console(const std::string& name, bool critical) { return {UseKind::console, name, "", critical}; }

}  // namespace

TEST_CASE("the firmware's framebuffer is on the card that the firmware chose") {
  for (const char* platform : {"efi-framebuffer.0", "simple-framebuffer.0", "vesa-framebuffer.0"}) {
    CAPTURE(platform);
    MemoryFileSystem system = host_without_framebuffer();
    add_class(system, "graphics", std::string("/sys/devices/platform/") + platform + "/graphics", "fb0");
    add_class(system, "graphics", "/sys/devices/virtual/graphics", "fbcon");
    CHECK(uses_of(system, graphics) == std::vector<Use>{firmware});
    system.put(device_path(graphics) + "/boot_vga", "0\n");
    CHECK(uses_of(system, graphics).empty());
  }
}

TEST_CASE("a card that VFIO has is not the console, whatever framebuffer was left behind") {
  MemoryFileSystem system = host_without_framebuffer();
  add_class(system, "graphics", "/sys/devices/platform/efi-framebuffer.0/graphics", "fb0");
  system.put_link(device_path(graphics) + "/driver", "../../../bus/pci/drivers/vfio-pci");
  CHECK(uses_of(system, graphics).empty());
}

TEST_CASE("the firmware's framebuffer beside another card's is not the only console") {
  MemoryFileSystem system = host_without_framebuffer();
  add_class(system, "graphics", "/sys/devices/platform/efi-framebuffer.0/graphics", "fb0");
  add_class(system, "graphics", device_path(network) + "/graphics", "fb1");
  CHECK_FALSE(uses_of(system, graphics).at(0).critical);
  CHECK(uses_of(system, network).at(1) == console("fb1", false));
  system.put(device_path(graphics) + "/boot_vga", "0\n");  // on no card that is known
  CHECK(uses_of(system, network).at(1) == console("fb1", false));
  system.put(device_path(graphics) + "/boot_vga", "1\n");
  system.put_link(device_path(graphics) + "/driver", "../../../bus/pci/drivers/vfio-pci");
  CHECK(uses_of(system, network).at(1) == console("fb1", true));
}

TEST_CASE("a console on a PCI serial port") {
  MemoryFileSystem system = host_without_framebuffer();
  add_serial(system, "ttyS4");
  CHECK(uses_of(system, serial) == std::vector<Use>{console("ttyS4", true)});
  system.put("/sys/class/tty/console/active", "ttyS0 ttyS4\n");  // ttyS0 stays
  CHECK(uses_of(system, serial) == std::vector<Use>{console("ttyS4", false)});
  system.put("/sys/class/tty/console/active", "tty0\n");  // nobody's console
  CHECK(uses_of(system, serial).empty());
}

TEST_CASE("of a graphics card and a PCI serial port neither is the only console") {
  MemoryFileSystem system = small_host();
  add_device(system, serial);
  add_serial(system, "tty0 ttyS4");
  CHECK(uses_of(system, serial) == std::vector<Use>{console("ttyS4", false)});
  CHECK_FALSE(uses_of(system, graphics).at(0).critical);
}

TEST_CASE("the command line tells of serial consoles where the kernel's list is missing") {
  MemoryFileSystem system = host_without_framebuffer();
  add_class(system, "tty", device_path(serial) + "/tty", "ttyS4");
  system.put("/proc/cmdline", "quiet console=tty0 console=ttyS4,115200n8\n");
  CHECK(uses_of(system, serial) == std::vector<Use>{console("ttyS4", true)});
}
