// The findings of a change to a VM before it is written, and those that hold it back.
#pragma once
#include <string>
#include <vector>

#include "config/boot_config.hpp"
#include "config/mapping.hpp"
#include "config/vm.hpp"
#include "diag/diagnostic.hpp"
#include "host/host.hpp"

namespace hostpci {

/// What the change is held against. `others`: the other VMs of the node that have to do with passthrough.
struct SetContext {
  const Host* host = nullptr;
  const Mappings* mappings = nullptr;
  const BootConfig* boot = nullptr;
  std::vector<Vm> others;
};

struct SetCheck {
  std::vector<Diagnostic> findings;  ///< about the VM as it would be, sorted
  std::vector<Diagnostic>
      blocking;  ///< those of them that are errors on a key in `keys` and that the old file does not have
};

SetCheck check_change(const SetContext&, const Vm& before, const Vm& after, const std::vector<std::string>& keys);

}  // namespace hostpci
