// `plan`: what would change for VMs to start with their devices, as differences, commands and counts; or saved for
// `apply`.
#include "cli/argument_file.hpp"
#include "cli/failed.hpp"
#include "cli/log.hpp"
#include "cli/planning.hpp"
#include "cli/run.hpp"
#include "plan/render.hpp"

namespace hostpci {

int run_plan(Invocation& invocation) {
  Goal goal;
  goal.unsafe_interrupts = invocation.options.has("unsafe-interrupts");
  Result<Planned> planned = plan_for(invocation.globals, invocation.arguments, goal);
  if (!planned) return failed(planned.error());
  const SavedPlan& saved = planned->saved;
  std::string document = write_plan(saved), path = invocation.options.text("output");
  bool to_output = invocation.json() || path == "-";
  for (const Failure& failure : planned->failures) log_error(failure.message);
  bool all_read = planned->failures.empty();
  *invocation.out << (to_output ? document : render_plan(saved.plan, Output::colour(invocation.globals.color), all_read));
  if (!path.empty() && path != "-")
    if (Status written = write_argument_file(path, document); !written) return failed(written.error());
  if (!all_read) return refused;
  return invocation.options.has("exit-code") && !saved.plan.empty() ? findings : done;
}

}  // namespace hostpci
