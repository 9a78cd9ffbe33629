// Everything up to the start of a VM without starting it: configuration, devices, groups, ROMs, mediated devices,
// memory. Nothing is written.
#pragma once
#include <vector>

#include "live/vfio.hpp"
#include "rules/facts.hpp"
#include "rules/readiness.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// What a start is judged by.
struct StartContext {
  const Facts& facts;
  const Vm& vm;
  const VmFacts* judged = nullptr;     ///< the same VM among the facts; null: it has nothing to do with passthrough
  const FileSystem* system = nullptr;  ///< where the present state is read; null: a snapshot, which has none
  Vfio* kernel = nullptr;              ///< null: the running kernel is not this host's
};

/// One or more of each: vm, configuration, device, driver, group, attach, reset, rom, mdev, memory. A VM that runs, or
/// cannot start whatever its devices are, gets the first only.
std::vector<Check> check_start(const StartContext&);

/// Starts the installed QEMU, stopped, with what `showcmd` prints, and tells what it made of each device and what it
/// said. Only where none of the checks before fails and every device is on a driver of VFIO already; the running host
/// alone.
std::vector<Check> check_qemu(const StartContext&, const std::vector<Check>& before, int milliseconds);

/// "would start", or how much stands in its way.
Readiness judge_start(const std::vector<Check>&);

}  // namespace hostpci
