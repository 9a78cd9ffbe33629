// The sections of a VM's file as PVE understands them.
#pragma once
#include "config/vm.hpp"

namespace hostpci {

/// In the order of PVE: main, pending, special, snapshots by name.
std::vector<VmSection> read_sections(std::string_view text, const VmConfig& syntax);

}  // namespace hostpci
