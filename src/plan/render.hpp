// A plan as people read it.
#pragma once
#include <string>

#include "plan/plan.hpp"

namespace hostpci {

/// Unified diffs with the reasons in front, what is to be done by hand, the commands that follow, what waits for a
/// reboot, what the host loses, what is left alone, and the counts. Control characters are escaped.
std::string render_plan(const Plan& plan, bool colour, bool all_read = true);

/// "Plan: 2 files to change, 1 to make, 3 commands, 1 reboot.", or "No changes.".
std::string plan_summary(const Plan& plan);

}  // namespace hostpci
