// `hostpci rules`: the catalogue, one rule a line.
#include "cli/rule_texts.hpp"
#include "cli/run.hpp"

namespace hostpci {
namespace {

std::string catalogue_json() {
  std::string out = "{\"version\":1,\"rules\":[", separator;
  for (const Rule* rule : catalogue()) {
    out += separator + explain_json(*rule);
    separator = ",";
  }
  return out + "]}\n";
}

std::string catalogue_text() {
  Table table({"RULE", "SEVERITY", "FIX", "SUMMARY"});
  for (const Rule* rule : catalogue())
    table.row({std::string(rule->id), std::string(name(rule->severity)), std::string(name(rule->fixable)),
               std::string(rule->summary)});
  return table.str();
}

}  // namespace

int run_rules(Invocation& invocation) {
  *invocation.out << (invocation.json() ? catalogue_json() : catalogue_text());
  return done;
}

}  // namespace hostpci
