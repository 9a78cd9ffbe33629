// Rules that tell a refusal of PVE, and edits that their fixes share.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

/// Tells every refusal of the VM's start that carries the rule's name, at its property.
void check_refused(const Facts&, const VmFacts&, Findings&);

/// One refusal told: for rules that add labels or fixes.
Diagnostic& tell_refusal(const VmFacts&, const Refusal&, Findings&);
/// Refusals of the VM under that rule.
std::vector<const Refusal*> refusals_of(const VmFacts&, std::string_view rule);
/// The line a refusal is about; null for one about the VM.
const Assignment* assignment_of(const VmFacts&, const Refusal&);

/// Sets a key where the next start takes it from: in [PENDING] if it stands there, else in the main section.
/// Nothing if [PENDING] deletes it.
std::optional<Fix> fix_value(const VmFacts&, std::string title, std::string_view key, std::string_view value, Safety);

}  // namespace hostpci
