// The rules of this family.
#include "rules/rule.hpp"

namespace hostpci {

const std::span<const Rule> device_display_rules;

}  // namespace hostpci
