// What the files of the readiness checks share: making a check, and what counts as a fault here.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "rules/readiness.hpp"

namespace hostpci {

Check passed(std::string_view name, std::string message, std::vector<Evidence> evidence);
/// What stands at `path` could not be read.
Check unknown(std::string_view name, std::string message, std::string path, std::string value = "could not be read");
/// fail where passthrough is asked for, else warn.
CheckStatus fault(const Facts&);
bool is_pve(const Facts&);
/// The devices, the kernel and its command line are another system's.
bool in_container(const Facts&);

/// The checks of the running host, each alone: packages, kernel … boot-loader.
std::vector<Check> check_running_host(const Facts&);

}  // namespace hostpci
