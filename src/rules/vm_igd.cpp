// The rules of this family.
#include "rules/rule.hpp"

namespace hostpci {

const std::span<const Rule> vm_igd_rules;

}  // namespace hostpci
