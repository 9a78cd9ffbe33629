// Makes the lists of writes; touches nothing.
#include "live/placement.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "rules/device.hpp"

namespace hostpci {
namespace {

constexpr const char* bus = "/sys/bus/pci/";

KernelWrite override_write(const PciAddress& address, const std::string& driver) {
  std::string path = device_path(address, "driver_override");
  return {path, driver + "\n", Shows::text, path, driver};
}

KernelWrite unbind_write(const PciAddress& address, const std::string& driver) {
  return {bus + ("drivers/" + driver) + "/unbind", address.str(), Shows::link, device_path(address, "driver"), ""};
}

KernelWrite probe_write(const PciAddress& address, const std::optional<std::string>& driver) {
  KernelWrite write{bus + std::string("drivers_probe"), address.str()};
  if (driver) write.shows = Shows::link, write.proof = device_path(address, "driver"), write.expected = *driver;
  return write;
}

}  // namespace

Placement placement(const Device& device) {
  assert(device.driver);
  return {*device.driver, device.driver_override.value_or("")};
}

Result<std::string> driver_now(const FileSystem& system, const PciAddress& address) {
  return link_end(system, device_path(address, "driver"));
}

std::map<PciAddress, std::string> all_drivers(const FileSystem& system) {
  std::map<PciAddress, std::string> drivers;
  for (const std::string& name : system.list("/sys/bus/pci/devices").value_or({}))
    if (auto address = parse_pci_address(name))
      if (auto driver = driver_now(system, *address)) drivers[*address] = *driver;
  return drivers;
}

std::vector<PciAddress> newly_taken(const std::map<PciAddress, std::string>& before, const std::map<PciAddress, std::string>& now) {
  std::vector<PciAddress> taken;
  for (const auto& [address, driver] : now) {
    auto then = before.find(address);
    if (!driver.empty() && then != before.end() && then->second != driver) taken.push_back(address);
  }
  return taken;
}

bool is_driver_name(std::string_view name) {
  auto fits = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
  };
  return !name.empty() && name.front() != '-' && std::all_of(name.begin(), name.end(), fits);
}

std::vector<KernelWrite> writes_between(const PciAddress& address, const Placement& from, std::optional<std::string> driver,
                                        const std::string& driver_override) {
  std::vector<KernelWrite> writes;
  bool there = driver && from.driver == *driver;
  if (from.driver_override != driver_override) writes.push_back(override_write(address, driver_override));
  if (!there && !from.driver.empty()) writes.push_back(unbind_write(address, from.driver));
  if (!there && driver != "") writes.push_back(probe_write(address, driver));
  return writes;
}

Move move_to(const Device& device, const std::string& driver) {
  Move move{device.address, placement(device), driver, driver, {}};
  if (move.from.driver != driver) move.writes = writes_between(move.address, move.from, driver, driver);
  return move;
}

Move move_back(const Device& device, const std::optional<Placement>& remembered, bool probe) {
  Move move{device.address, placement(device), {}, {}, {}};
  move.driver_override = remembered ? remembered->driver_override : is_keeper(move.from.driver_override) ? "" : move.from.driver_override;
  bool settled = !remembered && !move.from.driver.empty() && !is_keeper(move.from.driver);
  if (!probe) move.driver = "";
  else if (remembered) move.driver = remembered->driver;
  else if (settled) move.driver = move.from.driver;
  move.writes = writes_between(move.address, move.from, move.driver, move.driver_override);
  return move;
}

}  // namespace hostpci
