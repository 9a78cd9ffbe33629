// Calls the parts of the planner in order and closes the plan.
#include "plan/planner.hpp"

#include <algorithm>
#include <cassert>

#include "plan/boot_order.hpp"
#include "plan/evidence.hpp"
#include "plan/parts.hpp"

namespace hostpci {
namespace {

/// What a file no longer says, but the running kernel still shows: gone after the next boot.
bool is_past(const Diagnostic& finding) {
  return finding.place.file() == "/proc/cmdline" && finding.rule.starts_with("setup-");
}

bool is_told(const Plan& plan, const Obstacle& obstacle) {
  return obstacle.line != 0 && std::any_of(plan.obstacles.begin(), plan.obstacles.end(), [&](const Obstacle& o) {
           return o.file == obstacle.file && o.line == obstacle.line;
         });
}

/// The plan once all parts have worked.
Plan closed(Workspace& work, const PlanInputs& inputs) {
  work.plan.files = work.changes();
  work.plan.read = evidence(inputs, work.plan.vms);
  for (const FileChange& file : work.plan.files)
    if (!file.before) work.plan.read.emplace(file.path, "");
  return std::move(work.plan);
}

}  // namespace

void plan_remaining(Workspace& work) {
  for (const Diagnostic& finding : work.lint_with({})) {
    if (finding.severity != Severity::error || is_past(finding) || work.is_mended(finding)) continue;
    std::uint32_t line = finding.place.source ? finding.place.source->position(finding.place.span.begin).line : 0;
    Obstacle obstacle{finding.place.file(), line, finding.message + " (" + finding.rule + ")"};
    if (!is_told(work.plan, obstacle)) work.obstacle(obstacle.file, obstacle.line, obstacle.message);
  }
}

Plan make_plan(const PlanInputs& inputs, const Goal& goal) {
  Workspace work(inputs, goal);
  if (work.plan.vms.empty()) {
    if (inputs.all_read) work.note("no VM with a hostpci line is to be started here");
  } else {
    std::set<PciAddress> before = taken_at_boot(work.facts());
    for (auto part : {plan_fixes, plan_vms, plan_mappings, plan_id_lists}) part(work);
    for (auto part : {plan_command_line, plan_binding, plan_modules, plan_virtual_functions}) part(work);
    plan_refresh(work);
    plan_losses(work, before);
    for (auto part : {plan_remaining, tell_idle_ids}) part(work);
  }
  return closed(work, inputs);
}

Plan make_functions_plan(const PlanInputs& inputs, const PciAddress& address, const FunctionsRule& wanted) {
  const std::vector<Vm> none;
  const PlanInputs alone{inputs.host, none, inputs.resolve};
  Workspace work(alone, {});
  const Device* card = inputs.host.find(address);
  assert(card);
  plan_functions_at_boot(work, *card, wanted);
  plan_commands(work);
  return closed(work, alone);
}

}  // namespace hostpci
