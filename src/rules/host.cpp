// The rules of this family.
#include "rules/rule.hpp"

namespace hostpci {

const std::span<const Rule> host_rules;

}  // namespace hostpci
