// Files that the person at the keyboard names (a snapshot, a baseline): theirs, not below --root.
#pragma once
#include <string>
#include <string_view>

#include "text/result.hpp"

namespace hostpci {

/// The whole file; "-" is standard input. More than 256 MiB is refused.
Result<std::string> read_argument_file(const std::string& path);

/// A regular file appears whole or not at all; a pipe or terminal is written to.
Status write_argument_file(const std::string& path, std::string_view text);

}  // namespace hostpci
