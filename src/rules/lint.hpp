// All rules over a host and its VMs: findings in, a sorted report out.
#pragma once
#include <string>
#include <vector>

#include "diag/diagnostic.hpp"
#include "diag/statistics.hpp"
#include "rules/rule.hpp"

namespace hostpci {

struct LintOptions {
  std::vector<std::string> select;  ///< rule names or prefixes ("vm", "device-rom"); empty: all
  std::vector<std::string> ignore;
  bool host_rules = true;  ///< false: only findings about the VMs
};

/// Findings about `vms` and the host; waived ones are left out. `facts.vms` may hold more VMs than are asked for:
/// `only` (VMIDs) says whose findings are wanted (empty: all).
/// `statistics` gets the time that each rule took.
std::vector<Diagnostic> lint(const Facts&, const LintOptions&, const std::vector<std::uint32_t>& only = {},
                             Statistics* statistics = nullptr);

/// How many rules are run.
std::size_t selected_rules(const LintOptions&);

/// Names that select or ignore nothing, for a did-you-mean.
std::vector<std::string> unknown_rules(const LintOptions&);

}  // namespace hostpci
