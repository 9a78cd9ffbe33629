// What the formats for other tools share: a finding told in plain lines, and places as editors count them.
#pragma once
#include <string>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// The message, then `note:` and `help:` lines, the title of the fix last; no line feed at the end. Control characters
/// are made visible.
std::string told_in_lines(const Diagnostic& diagnostic);

/// Line and column from 1; the column counts UTF-16 code units of the line as utf8() makes it.
Position utf16_position(const Source& source, std::uint32_t offset);

}  // namespace hostpci
