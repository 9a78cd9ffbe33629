// The QEMU arguments that a VM's hostpci lines become, exactly as PVE makes them.
// Source: qemu-server PCI.pm (print_hostpci_devices); compared with recordings of the real code.
#pragma once
#include <string>
#include <vector>

#include "rules/resolve.hpp"

namespace hostpci {

struct QemuArgs {
  std::vector<std::string> arguments;  ///< "-device" and its value are two
  std::vector<Refusal> refusals;       ///< not empty: PVE refuses the configuration, there are no arguments
};

/// Of the main section as it stands, as `qm showcmd` takes it; pending changes and snapshots do not count.
QemuArgs qemu_args(const Vm&, const Host&, const Mappings&);

}  // namespace hostpci
