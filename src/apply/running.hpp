// Whether a VM runs, as PVE finds it out.
#pragma once
#include <cstdint>

#include "system/file_system.hpp"

namespace hostpci {

/// /var/run/qemu-server/VMID.pid holds the number of a process that is QEMU and was started with `-pidfile` that file.
/// Source: qemu-server Helpers.pm (vm_running_locally).
bool is_running(const FileSystem&, std::uint32_t vmid);

}  // namespace hostpci
