// The catalogue as texts: for a person, as JSON, as schemas/rules.yaml and hostpci-rules(7).
#pragma once
#include <string>
#include <string_view>

#include "rules/rule.hpp"

namespace hostpci {

/// "there is no rule `X`; did you mean `Y`?"
std::string no_such_rule(std::string_view name);

/// Everything the catalogue says of a rule, 80 columns wide.
std::string explain_text(const Rule&);
/// The same as one JSON object, without a line feed.
std::string explain_json(const Rule&);

/// schemas/rules.yaml, whole.
std::string rules_yaml();
/// man/hostpci-rules.7, whole.
std::string rules_manual();

}  // namespace hostpci
