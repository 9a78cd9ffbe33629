// Text from files made fit for a terminal or for JSON: no control byte leaves as itself.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

/// Control characters (C0, DEL, C1) and bidirectional overrides as \xHH / \u{HHHH}, bytes that are no UTF-8 as \xHH; all else as it is. A tab becomes \t.
std::string printable(std::string_view text);

/// Valid UTF-8: every byte that is not part of a well-formed sequence becomes U+FFFD.
std::string utf8(std::string_view text);

/// printable() of each line: line feeds stay.
std::string printable_lines(std::string_view text);

}  // namespace hostpci
