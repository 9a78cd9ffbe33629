// Where a device is: its driver and what is to have it; and the writes that bring it from one place to another.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/groups.hpp"
#include "host/host.hpp"
#include "live/kernel_write.hpp"

namespace hostpci {

struct Placement {
  std::string driver, driver_override;  ///< "": none
  bool operator==(const Placement&) const = default;
};

/// As the host was read. The driver must be known; an unknown driver_override counts as none.
Placement placement(const Device&);
/// As the kernel has it now. The driver's link only: reading driver_override waits for whoever has the device locked.
Result<std::string> driver_now(const FileSystem&, const PciAddress&);

/// Of every device, by the links alone; those that cannot be read are left out.
std::map<PciAddress, std::string> all_drivers(const FileSystem&);
/// Those that have a driver in the second which they had not in the first.
std::vector<PciAddress> newly_taken(const std::map<PciAddress, std::string>& before, const std::map<PciAddress, std::string>& now);

/// Letters, digits, `_` and `-`, and none of these in front that would make an option of it.
bool is_driver_name(std::string_view);

/// driver_override, out of the old driver, drivers_probe: only what is needed. Without `driver` the kernel chooses one; "" leaves
/// the device without. Never new_id, which would catch twins.
std::vector<KernelWrite> writes_between(const PciAddress&, const Placement& from, std::optional<std::string> driver, const std::string& driver_override);

/// One device on its way.
struct Move {
  PciAddress address;
  Placement from;
  std::optional<std::string> driver;  ///< where to; nothing: where the kernel puts it
  std::string driver_override;        ///< and with it
  std::vector<KernelWrite> writes;    ///< empty: it is there already
};

/// To this driver and no other.
Move move_to(const Device&, const std::string& driver);
/// Back to where it was before `move_to`, as that was remembered. If nothing was: away from VFIO's drivers and pci-stub, to the driver
/// that the kernel chooses; a device on any other driver stays. Without `probe` it is left without a driver.
Move move_back(const Device&, const std::optional<Placement>& remembered, bool probe);

}  // namespace hostpci
