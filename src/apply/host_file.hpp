// Which files of the host below /etc are those of its boot set-up, where they stand, and what has to run after a change of one.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"
#include "plan/plan.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// May `lint --fix` change this file? Files of the boot set-up below /etc, not those of the cluster (/etc/pve).
bool is_boot_file(std::string_view path);

/// Where such a file really stands, all links resolved. A Failure: it leads out of /etc, or into /etc/pve.
Result<std::string> boot_file_place(const FileSystem&, const std::string& path);

/// What makes changes of these files count at the next boot, in order and each once; it is the planner's decision. Empty where
/// nothing has to run or the host does not show what would do.
std::vector<PlannedCommand> commands_after(const std::vector<std::string>& paths, const Host&);

}  // namespace hostpci
