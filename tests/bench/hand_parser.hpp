// A hand-written parser of the hostpci property string: the measure for the grammar's speed, and a second opinion for
// the fuzzer.
#pragma once
#include <string_view>

#include "grammar/hostpci.hpp"

namespace hostpci::bench {

/// The same result as parse_hostpci for a string that PVE accepts; for any other one error without words.
Hostpci hand_parse(std::string_view text);

}  // namespace hostpci::bench
