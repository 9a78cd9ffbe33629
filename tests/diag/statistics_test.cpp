// The tables of statistics, with and without times.
#include "diag/statistics.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

Diagnostic finding(std::string rule, std::string file) {
  Diagnostic d;
  d.rule = std::move(rule);
  d.message = "m";
  d.place = Place(std::move(file));
  return d;
}

}  // namespace

TEST_CASE("rules by findings, then by name") {
  Statistics statistics;
  statistics.rules = {{"vm-quiet", 7, 0.5}, {"vm-b", 0, 0.25}};
  std::vector<Diagnostic> found = {finding("vm-b", "/1"), finding("vm-a", "/1")};
  for (int i = 0; i < 11; ++i) found.push_back(finding("vm-often", "/" + std::to_string(i)));
  count_findings(statistics, make_report(found, 1, 1));
  CHECK(render_statistics(statistics, false) ==
        "findings  rule\n"
        "      11  vm-often\n"
        "       1  vm-a\n"
        "       1  vm-b\n"
        "      13  in all (3 rules)\n");
}

TEST_CASE("times: every rule, and the phases in their order") {
  Statistics statistics;
  statistics.phases = {{"read the host", 0.0123456}, {"rules", 1.5}};
  statistics.rule("vm-b").seconds += 0.00025;
  statistics.rule("vm-a").seconds += 0.0005;
  statistics.rule("vm-a").seconds += 1;
  count_findings(statistics, make_report({finding("vm-b", "/1")}, 1, 1));
  CHECK(render_statistics(statistics, true) ==
        "findings        ms  rule\n"
        "       1     0.250  vm-b\n"
        "       0  1000.500  vm-a\n"
        "       1  1000.750  in all (2 rules)\n"
        "\n"
        "      ms  phase\n"
        "  12.346  read the host\n"
        "1500.000  rules\n"
        "1512.346  in all\n");
}

TEST_CASE("nothing found") {
  Statistics statistics;
  CHECK(render_statistics(statistics, false) == "findings  rule\n       0  in all (0 rules)\n");
}

TEST_CASE("laps do not run backwards") {
  Stopwatch watch;
  CHECK(watch.lap() >= 0);
  CHECK(watch.lap() >= 0);
}
