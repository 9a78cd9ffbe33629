// Which processes have a device of VFIO open now: those that a running VM's command line does not show, too.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

struct VfioOpener {
  std::uint32_t pid = 0;
  std::string program;  ///< /proc/PID/comm
  std::string file;     ///< "/dev/vfio/14"
};

/// Looks at the open files of every process for the device's group (/dev/vfio/GROUP) and for the device itself
/// (/dev/vfio/devices/vfioN). Processes that may not be looked at are passed over: root sees all.
std::vector<VfioOpener> vfio_openers(const FileSystem&, const Device&);

/// conflict-in-use, for a device that is on a driver of VFIO's: the kernel would wait until the last of them has closed it.
void object_to_openers(const FileSystem&, const Device&, Sink&);

/// conflict-in-use, for a device that is not on VFIO's while its group is open: a driver of the host's must not come into what a VM has.
void object_to_group_openers(const FileSystem&, const Device&, Sink&);

}  // namespace hostpci
