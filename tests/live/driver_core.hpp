// A double of the kernel's driver core: binding, unbinding and probing of PCI devices by writes to sysfs, with faults.
#pragma once
#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "live/placement.hpp"
#include "system/memory.hpp"
#include "text/words.hpp"

namespace hostpci::test {

/// What a driver does other than take and give.
struct DriverTraits {
  bool refuses = false;  ///< its probe fails
  int lets_go = 0;       ///< errno of the write to its unbind: EBUSY, EINPROGRESS
};

class DriverCore : public MemoryFileSystem {
 public:
  /// Called before each write to an attribute with its number: an errno to fail with, 0, or -1 for a write that is taken without effect.
  std::function<int(std::size_t)> fault;
  std::vector<std::string> written;  ///< "PATH VALUE" of each write to an attribute

  /// Drivers are asked in the order in which they came.
  void add_driver(const std::string& name, DriverTraits traits = {}) {
    order_.push_back(name);
    traits_[name] = traits;
    put("/sys/bus/pci/drivers/" + name + "/unbind", "");
    put("/sys/bus/pci/drivers_probe", "");
  }

  /// A device that these drivers know by its id; on the first of them.
  const Device& add_device(const std::string& address, std::vector<std::string> known) {
    matches_[address] = std::move(known);
    put(path(address, "driver_override"), "(null)\n");
    attach(address, matches_[address].front());
    Device device;
    device.address = *parse_pci_address(address);
    device.driver = matches_[address].front();
    device.driver_override = "";
    return devices_[address] = device;
  }

  /// Somebody else gives the device to this driver.
  void take(const std::string& address, const std::string& driver) {
    attach(address, driver);
    files_.at(path(address, "driver_override")) = driver + "\n";
  }

  /// The device as a scan would read it now.
  Device device(const std::string& address) const {
    Device now = devices_.at(address);
    now.driver = driver(address);
    now.driver_override = override_of(address);
    return now;
  }

  std::string driver(const std::string& address) const {
    auto link = links_.find(path(address, "driver"));
    return link == links_.end() ? "" : link->second.substr(link->second.rfind('/') + 1);
  }

  /// Every device's place.
  std::map<std::string, Placement> state() const {
    std::map<std::string, Placement> all;
    for (const auto& [address, known] : matches_) all[address] = {driver(address), override_of(address)};
    return all;
  }

  Status write_attribute(const std::string& where, std::string_view value, int) override {
    written.push_back(where + " " + std::string(trim(value)));
    int code = fault ? fault(written.size() - 1) : 0;
    if (code > 0) return refusal(where, code);
    if (code < 0) return Done{};
    if (where.ends_with("/driver_override")) return set_override(where, std::string(trim(value)));
    if (where.ends_with("/unbind")) return unbind(where, std::string(value));
    if (where.ends_with("/drivers_probe")) return probe(std::string(value));
    return refusal(where, ENOENT);
  }

 private:
  static std::string path(const std::string& address, const std::string& attribute) {
    return "/sys/bus/pci/devices/" + address + "/" + attribute;
  }
  static Failure refusal(const std::string& where, int code) { return {"cannot write to `" + where + "`", code}; }

  std::string override_of(const std::string& address) const {
    std::string text(trim(files_.at(path(address, "driver_override"))));
    return text == "(null)" ? "" : text;
  }

  void attach(const std::string& address, const std::string& driver) {
    put_link(path(address, "driver"), "../../../../bus/pci/drivers/" + driver);
  }

  Status set_override(const std::string& where, const std::string& value) {
    files_.at(where) = (value.empty() ? "(null)" : value) + "\n";
    return Done{};
  }

  Status unbind(const std::string& where, const std::string& address) {
    std::string name = where.substr(0, where.rfind('/'));
    name = name.substr(name.rfind('/') + 1);
    if (driver(address) != name) return refusal(where, ENODEV);
    if (int code = traits_.at(name).lets_go) return refusal(where, code);
    links_.erase(path(address, "driver"));
    return Done{};
  }

  bool wants(const std::string& name, const std::string& address) const {
    const std::vector<std::string>& known = matches_.at(address);
    std::string forced = override_of(address);
    return forced.empty() ? std::find(known.begin(), known.end(), name) != known.end() : forced == name;
  }

  /// As the kernel's: a probe that fails is no failure of the write.
  Status probe(const std::string& address) {
    if (!matches_.count(address)) return refusal("/sys/bus/pci/drivers_probe", ENODEV);
    for (const std::string& name : order_)
      if (driver(address).empty() && wants(name, address) && !traits_.at(name).refuses) attach(address, name);
    return Done{};
  }

  std::vector<std::string> order_;
  std::map<std::string, DriverTraits> traits_;
  std::map<std::string, std::vector<std::string>> matches_;
  std::map<std::string, Device> devices_;
};

}  // namespace hostpci::test
