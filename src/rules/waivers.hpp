// Findings waived in place: `#hostpci: allow RULE REASON` in a VM's notes.
#pragma once
#include <string>
#include <vector>

#include "config/vm.hpp"

namespace hostpci {

/// One such line of the main section. PVE stores the colon as %3A; both forms count.
struct Waiver {
  std::string rule, reason;
  Span span;            ///< the line
  bool valid = false;   ///< the rule exists and a reason is given
  std::string problem;  ///< why it is void
};

std::vector<Waiver> waivers(const Vm&);

}  // namespace hostpci
