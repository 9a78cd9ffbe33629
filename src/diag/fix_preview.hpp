// What a ready edit makes of the lines it touches, if these are few.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// The new lines (sign '+'), or the lines that go (sign '-').
struct FixPreview {
  std::string file;
  std::uint32_t line = 1;  ///< the number of the first one
  char sign = '+';
  std::vector<std::string> lines;
  std::uint32_t focus = 0;  ///< the first changed byte of the first line
};

/// Nothing if there is no fix, it touches several files or more than four lines, or the text of its file is not at
/// hand.
std::optional<FixPreview> fix_preview(const Diagnostic& diagnostic);

}  // namespace hostpci
