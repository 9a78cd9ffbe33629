// Two small tables; figures stand right-aligned before the names.
#include "diag/statistics.hpp"

#include <algorithm>
#include <cstdio>

#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string milliseconds(double seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", seconds * 1000);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

using Row = std::vector<std::string>;

/// All columns but the last are figures.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out += padded(row[i], widths[i]) + "  ";
    out += row.back() + "\n";
  }
  return out;
}

std::vector<RuleCost> in_order(const Statistics& statistics, bool times) {
  std::vector<RuleCost> rules = statistics.rules;
  if (!times)
    rules.erase(std::remove_if(rules.begin(), rules.end(), [](const RuleCost& r) { return r.findings == 0; }),
                rules.end());
  std::sort(rules.begin(), rules.end(), [](const RuleCost& a, const RuleCost& b) {
    return a.findings != b.findings ? a.findings > b.findings : a.id < b.id;
  });
  return rules;
}

Row row(std::string findings, double seconds, std::string name, bool times) {
  if (!times) return {std::move(findings), std::move(name)};
  return {std::move(findings), milliseconds(seconds), std::move(name)};
}

std::string rule_table(const std::vector<RuleCost>& rules, bool times) {
  std::vector<Row> rows{times ? Row{"findings", "ms", "rule"} : Row{"findings", "rule"}};
  std::size_t findings = 0;
  double seconds = 0;
  for (const RuleCost& r : rules) {
    rows.push_back(row(std::to_string(r.findings), r.seconds, printable(r.id), times));
    findings += r.findings, seconds += r.seconds;
  }
  rows.push_back(row(std::to_string(findings), seconds, "in all (" + count(rules.size(), "rule") + ")", times));
  return table(rows);
}

std::string phase_table(const std::vector<PhaseTime>& phases) {
  std::vector<Row> rows{{"ms", "phase"}};
  double seconds = 0;
  for (const PhaseTime& phase : phases) {
    rows.push_back({milliseconds(phase.seconds), printable(phase.name)});
    seconds += phase.seconds;
  }
  rows.push_back({milliseconds(seconds), "in all"});
  return table(rows);
}

}  // namespace

RuleCost& Statistics::rule(std::string_view id) {
  auto row = std::find_if(rules.begin(), rules.end(), [&](const RuleCost& r) { return r.id == id; });
  return row != rules.end() ? *row : rules.emplace_back(RuleCost{std::string(id)});
}

void count_findings(Statistics& statistics, const Report& report) {
  for (RuleCost& rule : statistics.rules) rule.findings = 0;
  for (const Diagnostic& d : report.diagnostics) ++statistics.rule(d.rule).findings;
}

std::string render_statistics(const Statistics& statistics, bool times) {
  std::string out = rule_table(in_order(statistics, times), times);
  return times ? out + "\n" + phase_table(statistics.phases) : out;
}

double Stopwatch::lap() {
  auto now = std::chrono::steady_clock::now();
  std::chrono::duration<double> passed = now - begin_;
  begin_ = now;
  return passed.count();
}

}  // namespace hostpci
