// Changes of modprobe.d in a draft: the ids of vfio-pci, soft dependencies, blacklists and plain options.
#pragma once
#include <string>
#include <string_view>

#include "config/boot_draft_files.hpp"

namespace hostpci {

/// "10de:1b80" (or with subsystem and class behind it): what vfio-pci's ids= takes.
bool is_vfio_id(std::string_view id);

Refused add_modprobe_id(DraftFiles& files, std::string_view id);
void remove_modprobe_id(DraftFiles& files, std::string_view id);
Refused merge_modprobe_ids(DraftFiles& files);

Refused add_softdep_line(DraftFiles& files, std::string_view driver);
Refused add_blacklist_line(DraftFiles& files, std::string_view module);
/// Our own lines that begin so: keyword, module ('-' equals '_'), and perhaps the option's name.
void remove_modprobe_lines(DraftFiles& files, DirectiveKind kind, std::string_view module, std::string_view option = {});

Refused add_module_option(DraftFiles& files, std::string_view module, std::string_view name, std::string_view value);
void remove_module_option(DraftFiles& files, std::string_view module, std::string_view name);

}  // namespace hostpci
