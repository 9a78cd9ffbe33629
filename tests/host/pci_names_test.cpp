// Names and capabilities through libpci, below a root of its own.
#include "host/pci_names.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "../support/temporary.hpp"

using namespace hostpci;

namespace {

Device device(std::uint16_t vendor, std::uint16_t id, std::uint32_t class_code) {
  Device d;
  d.id = PciId{vendor, id};
  d.class_code = class_code;
  return d;
}

/// Configuration space of an endpoint with these capabilities, one behind the other from 40h.
std::string config_space(std::size_t size, std::initializer_list<std::string> capabilities) {
  std::string config(size, '\0');
  config.replace(0, 4, "\xde\x10\x80\x1b");
  config[6] = 0x10;  // status: a capability list
  std::size_t at = 0x40, pointer = 0x34;
  for (const std::string& capability : capabilities) {
    config.replace(at, capability.size(), capability);
    config[pointer] = char(at);
    pointer = at + 1;
    at += 0x40;
  }
  return config;
}

/// The PCI Express capability: endpoint, Device Capabilities with or without FLR.
std::string express(bool flr) { return std::string("\x10\0\x02\0\0\0\0", 7) + char(flr ? 0x10 : 0); }

/// Conventional Advanced Features with FLR.
const std::string features("\x13\0\x06\x03", 4);

struct Tree {
  test::TemporaryDirectory root;
  std::unique_ptr<FileSystem> system;
  Host host;

  explicit Tree(const std::string& config) {
    std::string directory = "sys/bus/pci/devices/0000:01:00.0/";
    root.write(directory + "config", config);
    root.write(directory + "vendor", "0x10de\n");
    auto opened = real_file_system(root.path());
    REQUIRE(opened);
    system = std::move(*opened);
    PciAddress address = *parse_pci_address("0000:01:00.0");
    host.devices[address].address = address;
    read_capabilities(*system, host);
  }
  const Device& card() const { return host.devices.begin()->second; }
};

}  // namespace

TEST_CASE("names come from the root's own list") {
  test::TemporaryDirectory root;
  root.write("usr/share/misc/pci.ids", "10de  Our NVIDIA\n\t1b80  Our Card\nC 03  Display controller\n\t00  Our VGA\n");
  auto system = real_file_system(root.path());
  REQUIRE(system);
  PciNames names(**system);
  CHECK(names.device(device(0x10de, 0x1b80, 0x030000)) == "Our NVIDIA Our Card");
  CHECK(names.device(device(0x10de, 0xffff, 0x030000)) == "Our NVIDIA Device 10de:ffff");
  CHECK(names.device(device(0x1234, 0x1111, 0x030000)) == "Device 1234:1111");
  CHECK(names.class_name(device(0, 0, 0x030000)) == "Our VGA");
  CHECK(names.device(Device{}) == "unknown device");
  CHECK(names.class_name(Device{}) == "unknown class");
}

TEST_CASE("a list that is no list gives numbers") {
  test::TemporaryDirectory root;
  root.write("usr/share/misc/pci.ids", "\xff\xfe nonsense\n\t\t\t\n");
  auto system = real_file_system(root.path());
  REQUIRE(system);
  CHECK(PciNames(**system).device(device(0x10de, 0x1b80, 0x030000)) == "Device 10de:1b80");
}

TEST_CASE("function-level reset, of PCI Express and of conventional PCI") {
  CHECK(Tree(config_space(4096, {express(true)})).card().flr == true);
  CHECK(Tree(config_space(4096, {express(false)})).card().flr == false);
  CHECK(Tree(config_space(256, {features})).card().flr == true);
  CHECK(Tree(config_space(256, {})).card().flr == false);
}

TEST_CASE("access control services stand in the extended space") {
  std::string config = config_space(4096, {express(false)});
  CHECK(Tree(config).card().acs == false);
  config.replace(0x100, 4, std::string("\x0d\0\x01\0", 4));
  CHECK(Tree(config).card().acs == true);
  CHECK(Tree(config_space(256, {})).card().acs == false);  // conventional PCI has no such space
}

TEST_CASE("what may not be read is unknown") {
  CHECK_FALSE(
      Tree(config_space(4096, {express(true)}).substr(0, 64)).card().flr.has_value());  // an unprivileged reader's view
  CHECK_FALSE(Tree(config_space(256, {express(true)})).card().acs.has_value());
  CHECK(Tree(config_space(256, {express(true)})).card().flr == true);
  CHECK_FALSE(Tree("").card().flr.has_value());
}

TEST_CASE("a bridge is known by its header") {
  std::string config = config_space(256, {});
  config[0x0e] = 1;
  CHECK(Tree(config).card().bridge == true);
}

TEST_CASE("capabilities that lead in a circle end") {
  std::string config = config_space(256, {express(true)});
  config[0x41] = 0x40;
  CHECK(Tree(config).host.devices.size() == 1);
}
