// What a plan is for.
#pragma once
#include <cstdint>
#include <vector>

namespace hostpci {

struct Goal {
  std::vector<std::uint32_t> vms;  ///< that shall start; empty: every VM of this node with a hostpci line
  bool unsafe_interrupts = false;  ///< vfio may attach devices without interrupt remapping: only when asked for by name
};

}  // namespace hostpci
