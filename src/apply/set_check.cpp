// Lint of the old text and of the new one, and the difference between them.
#include "apply/set_check.hpp"

#include <algorithm>

#include "rules/facts.hpp"
#include "rules/lint.hpp"

namespace hostpci {
namespace {

std::vector<Diagnostic> findings_of(const SetContext& context, const Vm& vm) {
  std::vector<Vm> vms = context.others;
  vms.push_back(vm);
  std::sort(vms.begin(), vms.end(), [](const Vm& a, const Vm& b) { return a.vmid < b.vmid; });
  Facts facts = make_facts(*context.host, *context.mappings, *context.boot, vms);
  LintOptions options;
  options.host_rules = false;
  return make_report(lint(facts, options, {vm.vmid}), 1, 0).diagnostics;
}

bool same_finding(const Diagnostic& a, const Diagnostic& b) {
  return a.rule == b.rule && a.key == b.key && a.message == b.message;
}

}  // namespace

SetCheck check_change(const SetContext& context, const Vm& before, const Vm& after,
                      const std::vector<std::string>& keys) {
  SetCheck check;
  check.findings = findings_of(context, after);
  std::vector<Diagnostic> old = findings_of(context, before);
  for (const Diagnostic& finding : check.findings) {
    bool ours = finding.severity == Severity::error && std::find(keys.begin(), keys.end(), finding.key) != keys.end();
    bool known = std::any_of(old.begin(), old.end(), [&](const Diagnostic& d) { return same_finding(d, finding); });
    if (ours && !known) check.blocking.push_back(finding);
  }
  return check;
}

}  // namespace hostpci
