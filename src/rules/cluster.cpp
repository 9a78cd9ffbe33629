// The rules of this family.
#include "rules/rule.hpp"

namespace hostpci {

const std::span<const Rule> cluster_rules;

}  // namespace hostpci
