// The report of `lint` in the form asked for, and what a baseline takes out of it.
#include "cli/lint_report.hpp"

#include "cli/argument_file.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "diag/baseline.hpp"
#include "diag/render.hpp"
#include "rules/rule.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string sarif(const Report& report) {
  std::vector<RuleText> rules;
  for (const Rule* rule : catalogue()) rules.push_back({rule->id, rule->summary, rule->why, rule->fix, rule->severity});
  return render_sarif(report, {HOSTPCI_VERSION, rules, ""});
}

}  // namespace

std::string render_report(const Report& report, const Globals& globals, const std::vector<std::string>& checked) {
  const std::string& format = globals.format;
  if (format == "json") return render_json(report);
  if (format == "jsonl") return render_jsonl(report);
  if (format == "concise") return render_concise(report);
  if (format == "sarif") return sarif(report);
  if (format == "github") return render_github(report, globals.has_root() ? globals.root : "");
  if (format == "junit") return render_junit(report, checked);
  return render_text(report, Output::colour(globals.color));
}

bool take_baseline(const std::string& path, Report& report) {
  if (path.empty()) return true;
  Result<std::string> text = read_argument_file(path);
  Result<Baseline> baseline = text ? read_baseline(path, *text) : Result<Baseline>(text.error());
  if (!baseline) {
    log_error(baseline.error().message);
    return false;
  }
  Rebased rebased = apply_baseline(*baseline, std::move(report));
  report = std::move(rebased.report);
  if (rebased.known) log_info(count(rebased.known, "finding") + " left out: known to `" + path + "`");
  for (const BaselineEntry& entry : rebased.gone)
    log_info("`" + path + "` still holds what is mended: " + entry.file + ": " + entry.rule + ": " + entry.message);
  return true;
}

bool keep_baseline(const std::string& path, const Report& report) {
  if (path.empty()) return true;
  Status status = write_argument_file(path, write_baseline(make_baseline(report)));
  if (!status) log_error(status.error().message);
  return status.has_value();
}

}  // namespace hostpci
