// The lists of writes that bring a device from driver to driver.
#include "live/placement.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

const PciAddress nic = *parse_pci_address("0000:01:00.0");

Device device_on(const std::string& driver, const std::string& driver_override = "") {
  Device device;
  device.address = nic;
  device.driver = driver;
  device.driver_override = driver_override;
  return device;
}

std::string text(const std::vector<KernelWrite>& writes) {
  std::string all;
  for (const KernelWrite& write : writes) all += as_text(write) + "\n";
  return all;
}

}  // namespace

TEST_CASE("to vfio-pci: override, out of the old driver, probe") {
  Move move = move_to(device_on("e1000e"), "vfio-pci");
  CHECK(text(move.writes) ==
        "write `vfio-pci` to /sys/bus/pci/devices/0000:01:00.0/driver_override\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers/e1000e/unbind\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers_probe\n");
  REQUIRE(move.writes.size() == 3);
  CHECK(move.writes[0].shows == Shows::text);
  CHECK(move.writes[0].expected == "vfio-pci");
  CHECK(move.writes[1].shows == Shows::link);
  CHECK(move.writes[1].proof == "/sys/bus/pci/devices/0000:01:00.0/driver");
  CHECK(move.writes[1].expected == "");
  CHECK(move.writes[2].expected == "vfio-pci");
}

TEST_CASE("a device without a driver is not unbound, one that is there already is left alone") {
  CHECK(move_to(device_on(""), "vfio-pci").writes.size() == 2);
  CHECK(move_to(device_on("", "vfio-pci"), "vfio-pci").writes.size() == 1);
  CHECK(move_to(device_on("vfio-pci", "vfio-pci"), "vfio-pci").writes.empty());
  CHECK(move_to(device_on("vfio-pci"), "vfio-pci").writes.empty());
}

TEST_CASE("back to what was remembered") {
  Move move = move_back(device_on("vfio-pci", "vfio-pci"), Placement{"e1000e", ""}, true);
  CHECK(text(move.writes) ==
        "write an empty line to /sys/bus/pci/devices/0000:01:00.0/driver_override\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers/vfio-pci/unbind\n"
        "write `0000:01:00.0` to /sys/bus/pci/drivers_probe\n");
  CHECK(move.writes.back().expected == "e1000e");
  CHECK(move_back(device_on("e1000e"), Placement{"e1000e", ""}, true).writes.empty());
  Move named = move_back(device_on("vfio-pci", "vfio-pci"), Placement{"e1000e", "e1000e"}, true);
  CHECK(named.writes.front().value == "e1000e\n");
}

TEST_CASE("what had no driver is left without one") {
  Move move = move_back(device_on("vfio-pci", "vfio-pci"), Placement{"", ""}, true);
  REQUIRE(move.writes.size() == 2);
  CHECK(move.writes.back().path == "/sys/bus/pci/drivers/vfio-pci/unbind");
}

TEST_CASE("where nothing is remembered, the kernel chooses") {
  Move move = move_back(device_on("vfio-pci", "vfio-pci"), {}, true);
  REQUIRE(move.writes.size() == 3);
  CHECK(move.writes.back().shows == Shows::nothing);
  CHECK(move_back(device_on("e1000e"), {}, true).writes.empty());
  CHECK(move_back(device_on("e1000e", "e1000e"), {}, true).writes.empty());
  CHECK(move_back(device_on(""), {}, true).writes.size() == 1);
}

TEST_CASE("without a probe it is left without a driver") {
  Move move = move_back(device_on("vfio-pci", "vfio-pci"), Placement{"e1000e", ""}, false);
  REQUIRE(move.writes.size() == 2);
  CHECK(move.writes.back().path == "/sys/bus/pci/drivers/vfio-pci/unbind");
  CHECK(move_back(device_on(""), {}, false).writes.empty());
  CHECK(move_back(device_on("e1000e"), {}, false).writes.size() == 1);
}

TEST_CASE("names of drivers") {
  CHECK(is_driver_name("vfio-pci"));
  CHECK(is_driver_name("mlx5_vfio_pci"));
  for (const char* wrong : {"", "-r", "../x", "a b", "e1000e\n", "x.ko"}) CHECK_FALSE(is_driver_name(wrong));
}

TEST_CASE("devices that a module took when it came") {
  const PciAddress twin = *parse_pci_address("0000:02:00.0"), third = *parse_pci_address("0000:03:00.0");
  const std::map<PciAddress, std::string> before{{nic, ""}, {twin, ""}, {third, "e1000e"}};
  CHECK(newly_taken(before, before).empty());
  CHECK(newly_taken(before, {{nic, ""}, {twin, "vfio-pci"}, {third, ""}}) == std::vector<PciAddress>{twin});
  CHECK(newly_taken(before, {{nic, "vfio-pci"}, {third, "vfio-pci"}}) == std::vector<PciAddress>{nic, third});
}
