// Lists of modules: /etc/modules and modules-load.d (a name a line) and initramfs-tools' modules (name and arguments).
#pragma once
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

struct ModuleLine {
  std::string_view name;
  std::string_view arguments;  ///< the rest of the line; systemd takes none
  Span span, name_span, arguments_span;
};

/// Blank lines and comments ('#' or ';' at the first non-blank; in initramfs-tools only '#' in the first column) are
/// left out.
std::vector<ModuleLine> parse_modules(std::string_view text, bool initramfs_tools = false);

}  // namespace hostpci
