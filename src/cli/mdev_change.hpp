// `mdev create|remove`: mediated devices made and removed on the running host.
#pragma once
#include <string>

#include "cli/command.hpp"

namespace hostpci {

/// "create", "remove".
bool changes_mdev(const std::string& verb);

int run_mdev_change(Invocation&);

}  // namespace hostpci
