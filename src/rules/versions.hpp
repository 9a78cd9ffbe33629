// Versions of packages and machine types, as far as rules compare them.
#pragma once
#include <optional>
#include <string_view>
#include <utility>

#include "config/machine.hpp"
#include "host/host.hpp"

namespace hostpci {

/// Dotted numbers compared as numbers ("9.0.25" after "9.0.3"); an epoch and what follows '-', '+' or '~' are left out.
int compare_versions(std::string_view a, std::string_view b);

/// Is the package of this host that version or a later one? Unknown means newest.
bool at_least(const Host&, std::string_view package, std::string_view version);

/// Major and minor of the installed QEMU; nothing if unknown.
std::optional<std::pair<int, int>> qemu_version(const Host&);

/// The machine type is pinned to a version that the installed QEMU does not have yet.
bool machine_too_new(const Machine&, const Host&);

}  // namespace hostpci
