// Changes of module lists, udev rules and sysfs.conf in a draft.
#pragma once
#include <string>
#include <string_view>

#include "config/boot_draft_files.hpp"
#include "config/command_line_home.hpp"

namespace hostpci {

Refused add_boot_module_line(DraftFiles& files, std::string_view module);
void remove_boot_module_line(DraftFiles& files, std::string_view module);
Refused add_initramfs_module_line(DraftFiles& files, InitramfsTool tool, std::string_view module);
void remove_initramfs_module_line(DraftFiles& files, InitramfsTool tool, std::string_view module);
/// Out of all lists below /etc.
void drop_module_lines(DraftFiles& files, std::string_view module);

Refused set_override_rule(DraftFiles& files, InitramfsTool tool, std::string_view address, std::string_view driver);
void remove_override_rule(DraftFiles& files, InitramfsTool tool, std::string_view address);
Refused set_functions_rule(DraftFiles& files, std::string_view address, unsigned count, bool probe);
void remove_functions_rule(DraftFiles& files, std::string_view address);
/// Any rule of ours keeps a device for a driver.
bool has_override_rule(const DraftFiles& files);
Refused drop_sysfs_line(DraftFiles& files, std::string_view path);

}  // namespace hostpci
