// `lint --fix`: what the fixes make of the files, as a difference, and the writing of it.
#pragma once
#include <functional>

#include "plan/fixes.hpp"
#include "cli/command.hpp"
#include "cli/world.hpp"

namespace hostpci {

/// Prints the differences and, unless it is a dry run, writes the files. True if nothing was refused.
bool write_fixes(Invocation&, World&, const Host&, const Fixed&, const std::function<const std::string*(const std::string&)>& original,
                 bool dry_run);

/// May this run change the file: VM files of VMs that do not run and are not locked, and boot files of the live host.
bool may_fix(World&, const Globals&, const std::string& file, const std::string* text);

}  // namespace hostpci
