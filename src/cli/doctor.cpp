// `doctor`: is this host ready, one line a check, with what was read and the command that mends it.
#include <boost/json.hpp>

#include "cli/check_report.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/survey.hpp"
#include "rules/readiness.hpp"
#include "text/escape.hpp"

namespace hostpci {

int run_doctor(Invocation& invocation) {
  auto survey = Survey::open(invocation.globals);
  if (!survey) {
    log_error(survey.error().message);
    return refused;
  }
  const Facts& facts = (*survey)->facts;
  const auto& failures = (*survey)->failures;
  std::vector<Check> checks = check_readiness(facts, failures.empty() ? "" : failures.front().message);
  Readiness readiness = judge(facts, checks);
  if (invocation.json())
    print_checks_json({{"version", 1}, {"node", utf8((*survey)->host->node)}}, checks, readiness, *invocation.out);
  else
    print_checks(checks, readiness, Output::colour(invocation.globals.color), *invocation.out);
  return readiness.status == CheckStatus::fail ? findings : done;
}

}  // namespace hostpci
