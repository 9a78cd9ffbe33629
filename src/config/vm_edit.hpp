// Changes to a VM's file as edits of named spans: what `set` and fixes make.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/vm.hpp"
#include "text/edit.hpp"

namespace hostpci {

/// Puts the key into the section: in place of the value of the line that counts (other lines of the same key stay
/// unless they would come to count), or as a new line: before the first greater key if the section is sorted as PVE
/// sorts (bytes), else at the section's end. Line ends follow the file's (CRLF if its lines have it); a file without a
/// last line feed gets one only where a line follows.
std::vector<Edit> set_value(const Vm&, const VmSection&, std::string_view key, std::string_view value);
/// Takes out every line of that key in the section.
std::vector<Edit> delete_key(const Vm&, const VmSection&, std::string_view key);

/// Puts `description` (line feeds between its lines) as `#` lines at the section's top, in place of all it has; empty:
/// takes it out.
std::vector<Edit> set_description(const Vm&, const VmSection&, std::string_view description);
/// A new section [PENDING] with one line, behind the main section. For a file that has none.
std::vector<Edit> add_pending(const Vm&, const std::string& line);
/// Takes out a section's header and the blank lines before it; nothing if a line is left in the section.
std::vector<Edit> remove_section(const Vm&, const VmSection&);

}  // namespace hostpci
