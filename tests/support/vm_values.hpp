// A VM's sections as values that tests compare: as PVE reads them.
#pragma once
#include <map>
#include <string>

#include "config/vm.hpp"

namespace hostpci::test {

/// By section ("main", "pending", "special NAME", "snapshot NAME"), then by key.
using Sections = std::map<std::string, std::map<std::string, std::string>>;

/// Empty main and pending sections do not count: PVE does not keep them.
Sections sections_of(const Vm&);
/// The same as lines, for a message.
std::string show(const Vm&);

}  // namespace hostpci::test
