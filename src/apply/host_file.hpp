// A configuration file of the host below /etc, replaced whole: a new file beside it, synced, then renamed over it.
#pragma once
#include <string>
#include <string_view>

#include "system/file_system.hpp"

namespace hostpci {

/// May `lint --fix` change this file? Files of the boot set-up below /etc, not those of the cluster (/etc/pve).
bool is_boot_file(std::string_view path);

/// Puts `text` in the place of a file that still holds `before`; its mode stays. Links are followed inside the root.
/// On a failure the file has its old text.
Status replace_host_file(FileSystem&, const std::string& path, std::string_view before, std::string_view text);

/// The command that makes a change of this file count at the next boot ("update-grub"), empty if there is none.
std::string_view refresh_command(std::string_view path);

}  // namespace hostpci
