// The order of findings, repetitions, counts, names.
#include <doctest/doctest.h>

#include "diag/diagnostic.hpp"

using namespace hostpci;

namespace {

Diagnostic finding(SourcePtr source, std::uint32_t at, std::string rule, Severity severity = Severity::error) {
  Diagnostic d;
  d.rule = std::move(rule);
  d.severity = severity;
  d.message = "m";
  d.place = Place(std::move(source), {at, at + 1});
  return d;
}

}  // namespace

TEST_CASE("names of severities and safeties") {
  for (Severity severity : {Severity::info, Severity::warning, Severity::error})
    CHECK(parse_severity(name(severity)) == severity);
  CHECK_FALSE(parse_severity("Error").has_value());
  CHECK_FALSE(parse_severity("").has_value());
  CHECK(name(Safety::safe) == "safe");
  CHECK(name(Safety::unsafe) == "unsafe");
  CHECK(name(Safety::shown) == "shown");
}

TEST_CASE("findings are sorted by file, place, rule and message, and counted") {
  SourcePtr a = make_source("/a", "x\ny\nz\n"), b = make_source("/b", "x\n");
  Diagnostic host;
  host.rule = "host-x";
  host.severity = Severity::warning;
  host.place = Place("/a");
  Report report = make_report(
      {finding(b, 0, "r1"), finding(a, 4, "r1"), finding(a, 2, "r2", Severity::info), finding(a, 2, "r1"), host}, 3,
      40);
  std::string order;
  for (const Diagnostic& d : report.diagnostics)
    order += d.rule + "@" + d.place.file() + ":" + std::to_string(d.place.span.begin) + " ";
  CHECK(order == "host-x@/a:0 r1@/a:2 r2@/a:2 r1@/a:4 r1@/b:0 ");
  CHECK(report.summary.errors == 3);
  CHECK(report.summary.warnings == 1);
  CHECK(report.summary.infos == 1);
  CHECK(report.summary.vms == 3);
  CHECK(report.summary.rules == 40);
}

TEST_CASE("exact repetitions are dropped, everything else stays") {
  SourcePtr source = make_source("/a", "x\n"), again = make_source("/a", "x\n");
  Diagnostic plain = finding(source, 0, "r"), noted = plain, for_vm = plain, with_help = plain, fixed = plain;
  noted.notes = {"n"};
  with_help.help = {"n"};
  for_vm.vm = 100;
  fixed.fix = Fix{"t", Safety::safe, {{"/a", {0, 1}, "y"}}};
  std::vector<Diagnostic> all = {plain, noted, for_vm, with_help, fixed};
  Report once = make_report(all, 1, 1);
  CHECK(once.diagnostics.size() == 5);
  std::vector<Diagnostic> twice = {finding(again, 0, "r"), fixed, with_help, for_vm, noted, plain, fixed, noted};
  CHECK(make_report(twice, 1, 1).diagnostics.size() == 5);
  CHECK(make_report(twice, 1, 1).summary.errors == 5);
}

TEST_CASE("the order does not depend on the order of arrival") {
  SourcePtr source = make_source("/a", "x\n");
  Diagnostic one = finding(source, 0, "r"), two = one;
  one.notes = {"1"}, two.notes = {"2"};
  CHECK(make_report({one, two}, 1, 1).diagnostics[0].notes == make_report({two, one}, 1, 1).diagnostics[0].notes);
}
