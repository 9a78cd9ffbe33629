// Carries devices from driver to driver: all of them, or none.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "live/placement.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

struct MoveResult {
  Status status = Done{};                     ///< what failed, in words that name device and driver
  std::map<PciAddress, std::string> drivers;  ///< what each device that was moved is on now
  std::vector<std::string> undone;            ///< "`0000:01:00.0` is on `e1000e` again"
  std::map<PciAddress, std::string> left;     ///< those that could not be put back, with what is there now
};

/// Nothing is written to a device that is no longer where its move begins. Each write is proven before the next. After the first that
/// fails, its device and those before it are put back, the last one first: those that are where this run's own writes brought them, and
/// that nobody has opened since; the others are left. `milliseconds`: what one write may take. A driver that does not let go in time (EINPROGRESS)
/// is not waited for: its device is left to it, its driver_override is put back as soon as the kernel allows it; in the middle of a probe
/// nothing more is written. Signals are held until all is done.
MoveResult carry_out(FileSystem&, const std::vector<Move>&, int milliseconds);

}  // namespace hostpci
