// From the command line to a plan: what `plan` shows and `apply` carries out.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/survey.hpp"
#include "config/functions_rule.hpp"
#include "plan/goal.hpp"
#include "plan/saved.hpp"

namespace hostpci {

struct Planned {
  std::unique_ptr<Survey> survey;
  SavedPlan saved;                ///< without a machine where the host is a snapshot
  std::vector<Failure> failures;  ///< VMs that could not be read: planned without them
};

/// For the VMs named (VMIDs, files, directories), else for every VM of this node with a hostpci line. A VM that was
/// named and is not there is a Failure.
Result<Planned> plan_for(const Globals& globals, const std::vector<std::string>& names, Goal goal);

/// What a plan of this goal would be made from now: held against SavedPlan::plan.read before it is carried out.
std::map<std::string, std::string> evidence_of(const Survey& survey, const std::vector<std::uint32_t>& vms);

/// Of the machine below the root.
PlanOrigin origin_of(const Survey& survey);

/// make_functions_plan() for the host that was surveyed.
Plan functions_plan(const Survey& survey, const PciAddress& card, const FunctionsRule& wanted);

}  // namespace hostpci
