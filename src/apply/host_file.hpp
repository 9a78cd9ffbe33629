// Which files of the host below /etc are those of its boot set-up, and what has to run after a change of one.
#pragma once
#include <string>
#include <string_view>

#include "system/file_system.hpp"

namespace hostpci {

/// May `lint --fix` change this file? Files of the boot set-up below /etc, not those of the cluster (/etc/pve).
bool is_boot_file(std::string_view path);

/// Where such a file really stands, all links resolved. A Failure: it leads out of /etc, or into /etc/pve.
Result<std::string> boot_file_place(const FileSystem&, const std::string& path);

/// The command that makes a change of this file count at the next boot ("update-grub"), empty if there is none.
std::string_view refresh_command(std::string_view path);

}  // namespace hostpci
