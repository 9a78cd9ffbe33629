// The commands that carry a change of the boot set-up into the next boot, run without a shell.
#pragma once
#include <string>

#include "plan/plan.hpp"
#include "text/result.hpp"

namespace hostpci {

/// Runs the command in `root` ("/" or a directory to chroot into) and waits for it. Its program is looked for in
/// /usr/local/sbin … /bin only; of the environment it gets PATH, HOME, LC_ALL=C and TERM=dumb; what it prints goes to
/// standard error. A Failure if it cannot be run, ends with another status than 0, or by a signal.
Status run_command(const std::string& root, const PlannedCommand&);

}  // namespace hostpci
