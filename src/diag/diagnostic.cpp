// Names of severities, and the one order in which findings are told.
#include "diag/diagnostic.hpp"

#include <algorithm>
#include <tuple>

namespace hostpci {
namespace {

void add(std::string& out, std::string_view part) { out.append(part).push_back('\0'); }
void add(std::string& out, std::uint64_t part) { add(out, std::to_string(part)); }

void add(std::string& out, const Place& place) {
  add(out, place.file());
  add(out, place.source != nullptr);
  add(out, place.span.begin);
  add(out, place.span.end);
}

void add(std::string& out, const Fix& fix) {
  add(out, fix.title);
  add(out, std::uint64_t(fix.safety));
  for (const FileEdit& edit : fix.edits) {
    add(out, edit.file);
    add(out, edit.span.begin);
    add(out, edit.span.end);
    add(out, edit.text);
  }
}

/// All that a finding says, in one string: equal strings are the same finding.
std::string identity(const Diagnostic& d) {
  std::string out;
  add(out, d.rule);
  add(out, std::uint64_t(d.severity));
  add(out, d.message);
  add(out, d.place);
  add(out, d.vm ? std::uint64_t(*d.vm) + 1 : 0);
  add(out, d.key);
  for (const Label& label : d.labels) add(out, label.place), add(out, label.message);
  add(out, d.notes.size());
  for (const std::string& note : d.notes) add(out, note);
  add(out, d.help.size());
  for (const std::string& help : d.help) add(out, help);
  if (d.fix) add(out, *d.fix);
  return out;
}

/// Offsets order as line and column do; a place without a text stands before line 1.
auto order(const Diagnostic& d) {
  return std::tuple<const std::string&, bool, std::uint32_t, const std::string&, const std::string&>(
      d.place.file(), d.place.source != nullptr, d.place.span.begin, d.rule, d.message);
}

bool comes_before(const Diagnostic& a, const Diagnostic& b) {
  if (order(a) != order(b)) return order(a) < order(b);
  return identity(a) < identity(b);
}

bool repeats(const Diagnostic& a, const Diagnostic& b) { return order(a) == order(b) && identity(a) == identity(b); }

}  // namespace

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      break;
  }
  return "error";
}

std::optional<Severity> parse_severity(std::string_view text) {
  for (Severity severity : {Severity::info, Severity::warning, Severity::error})
    if (text == name(severity)) return severity;
  return std::nullopt;
}

std::string_view name(Safety safety) {
  switch (safety) {
    case Safety::safe:
      return "safe";
    case Safety::unsafe:
      return "unsafe";
    case Safety::shown:
      break;
  }
  return "shown";
}

Report make_report(std::vector<Diagnostic> diagnostics, std::size_t vms, std::size_t rules) {
  std::sort(diagnostics.begin(), diagnostics.end(), comes_before);
  diagnostics.erase(std::unique(diagnostics.begin(), diagnostics.end(), repeats), diagnostics.end());
  auto number_of = [&](Severity severity) {
    auto has_it = [&](const Diagnostic& d) { return d.severity == severity; };
    return std::size_t(std::count_if(diagnostics.begin(), diagnostics.end(), has_it));
  };
  Summary summary{number_of(Severity::error), number_of(Severity::warning), number_of(Severity::info), vms, rules};
  return {std::move(diagnostics), summary};
}

}  // namespace hostpci
