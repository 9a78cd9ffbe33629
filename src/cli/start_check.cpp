// `start-check`: everything up to the start of a VM without starting it; with --qemu on a QEMU that stays stopped.
#include "live/start_check.hpp"

#include <boost/json.hpp>

#include "cli/check_report.hpp"
#include "cli/failed.hpp"
#include "cli/run.hpp"
#include "cli/survey.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::uint64_t longest = 3600;  ///< seconds

/// Milliseconds; nothing, told, if it is no number of seconds.
std::optional<int> time_for_qemu(const Options& options) {
  if (!options.has("timeout")) return 60000;
  auto seconds = number(options.text("timeout"));
  if (seconds && *seconds > 0 && *seconds <= longest) return int(*seconds) * 1000;
  log_error("`--timeout` takes seconds, from 1 to " + std::to_string(longest) + ", not `" + options.text("timeout") +
            "`");
  return {};
}

const VmFacts* judged(const Survey& survey) {
  for (const VmFacts& vm : survey.facts.vms)
    if (vm.vm == survey.named) return &vm;
  return nullptr;
}

/// Below --root the files are another host's; with --host the present state is not known.
std::vector<Check> checks_of(const Invocation& invocation, const Survey& survey, int milliseconds) {
  const Globals& globals = invocation.globals;
  bool snapshot = !globals.host.empty(), running_host = !snapshot && !globals.has_root();
  std::unique_ptr<Vfio> kernel = running_host ? kernel_vfio() : nullptr;
  Vm next = next_start(*survey.named);
  StartContext context{survey.facts, next, judged(survey), snapshot ? nullptr : &survey.world->system(), kernel.get()};
  std::vector<Check> checks = check_start(context);
  if (!invocation.options.has("qemu")) return checks;
  for (Check& check : check_qemu(context, checks, milliseconds)) checks.push_back(std::move(check));
  return checks;
}

void print(const Invocation& invocation, const Survey& survey, const std::vector<Check>& checks,
           const Readiness& verdict) {
  if (!invocation.json())
    return print_checks(checks, verdict, Output::colour(invocation.globals.color), *invocation.out);
  boost::json::object head{{"version", 1}, {"node", utf8(survey.host->node)}, {"vmid", survey.named->vmid}};
  print_checks_json(std::move(head), checks, verdict, *invocation.out);
}

}  // namespace

int run_start_check(Invocation& invocation) {
  const Globals& globals = invocation.globals;
  auto milliseconds = time_for_qemu(invocation.options);
  if (!milliseconds) return usage;
  if (invocation.options.has("qemu") && (globals.has_root() || !globals.host.empty())) {
    log_error("`--qemu` starts a QEMU on the running host: not below `--root`, not with `--host`");
    return refused;
  }
  auto survey = Survey::open(globals, invocation.arguments.front());
  if (!survey) return failed(survey.error());
  for (const Failure& failure : (*survey)->failures) log_warning(failure.message);
  std::vector<Check> checks = checks_of(invocation, **survey, *milliseconds);
  Readiness verdict = judge_start(checks);
  print(invocation, **survey, checks, verdict);
  return verdict.status == CheckStatus::fail ? findings : done;
}

}  // namespace hostpci
