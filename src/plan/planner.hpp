// From a host and its VMs to the plan for them to start with their devices, safely and at every boot. Pure: nothing is
// read, written or run.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config/functions_rule.hpp"
#include "config/vm.hpp"
#include "host/host.hpp"
#include "plan/goal.hpp"
#include "plan/plan.hpp"

namespace hostpci {

struct PlanInputs {
  const Host& host;  ///< with the files of the boot set-up, mappings and high availability
  const std::vector<Vm>&
      vms;  ///< all of this node that have to do with passthrough: neighbours may need the same devices
  /// Where a file really stands, links resolved; empty: where it says.
  std::function<std::string(const std::string&)> resolve = {};
  bool all_read = true;  ///< false: there are VMs that could not be read
};

/// The same inputs give the same plan. A VM that is wanted and not among `vms` is an obstacle.
Plan make_plan(const PlanInputs& inputs, const Goal& goal);

/// So many virtual functions of that card, which the host has, at every boot; 0: those that hostpci's own rule makes are made no
/// more. No VM counts for it. What else makes functions of the card is an obstacle, and then nothing changes.
Plan make_functions_plan(const PlanInputs& inputs, const PciAddress& card, const FunctionsRule& wanted);

}  // namespace hostpci
