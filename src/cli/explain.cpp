// `hostpci explain`: what a rule means.
#include "cli/log.hpp"
#include "cli/rule_texts.hpp"
#include "cli/run.hpp"

namespace hostpci {

int run_explain(Invocation& invocation) {
  const Rule* rule = find_rule(invocation.arguments.front());
  if (!rule) {
    log_error(no_such_rule(invocation.arguments.front()));
    return usage;
  }
  *invocation.out << (invocation.json() ? explain_json(*rule) + "\n" : explain_text(*rule));
  return done;
}

}  // namespace hostpci
