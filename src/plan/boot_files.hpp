// Files of the boot set-up: where one may be changed, and what has to run before a change of it counts.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "rules/boot_homes.hpp"

namespace hostpci {

/// Does a change of this file count only when the boot loader's files are written anew?
bool is_of_loader(const CommandLineHomes&, std::string_view path);

/// Has the initramfs a copy of this file?
bool is_of_initramfs(std::string_view path);

/// A file below /etc whose links lead out of it, or into the cluster's (/etc/pve): it is not ours to change. `real`: all links resolved.
bool leads_astray(std::string_view path, std::string_view real);

}  // namespace hostpci
