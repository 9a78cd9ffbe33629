// The examples of the catalogue: each bad one makes its rule speak, each good one does not, on fixtures/hosts/example.yaml.
#include <doctest/doctest.h>

#include "../support/example.hpp"
#include "../support/linted.hpp"
#include "rules/rule.hpp"

using namespace hostpci;

namespace {

/// Prose in parentheses is no example that can be run.
Report lint_example(const Host& host, std::string_view text) {
  test::Example example = test::make_example(host, text);
  return test::lint_report(example.host, {test::make_vm(100, example.vm)});
}

bool is_prose(std::string_view text) { return text.substr(0, 1) == "("; }

}  // namespace

TEST_CASE("bad examples are found, good ones are not") {
  const Host host = test::load_host(FIXTURES "/hosts/example.yaml");
  for (const Rule* rule : catalogue()) {
    std::string id(rule->id);
    CAPTURE(id);
    if (!is_prose(rule->bad)) CHECK(test::count_rule(lint_example(host, rule->bad), id) > 0);
    if (!is_prose(rule->good)) CHECK(test::count_rule(lint_example(host, rule->good), id) == 0);
  }
}
