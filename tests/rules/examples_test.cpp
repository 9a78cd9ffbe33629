// The examples of the catalogue: each bad one makes its rule speak, each good one does not, on fixtures/hosts/example.yaml.
#include <doctest/doctest.h>

#include "../support/linted.hpp"
#include "rules/rule.hpp"

using namespace hostpci;

namespace {

/// An example is the text of VM 100, or, behind a first line "# /path", that of a file of the host, or prose in parentheses.
Report lint_example(const Host& example, std::string_view text) {
  Host host = example;
  std::string vm = "machine: q35\nhostpci0: 0000:01:00,pcie=1\n";
  if (text.substr(0, 3) == "# /") {
    std::size_t end = text.find('\n');
    std::string path(text.substr(2, end - 2)), content(text.substr(end + 1));
    if (path == "/proc/cmdline") host.kernel.command_line = content;
    else host.files[path] = content + "\n";
  } else {
    vm = std::string(text) + "\n";
  }
  return test::lint_report(host, {test::make_vm(100, vm)});
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
