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

/// printable_lines() without U+FFFE and U+FFFF, which become U+FFFD: what XML 1.0 may hold.
std::string xml_text(std::string_view text);

/// How many bytes the first character has: a well-formed UTF-8 sequence, or one byte that begins none. The text is not empty.
std::size_t character_size(std::string_view text);

/// Serialized JSON that a terminal may show: DEL, C1 and bidirectional overrides inside its strings as \uHHHH. A reader sees the same value.
std::string terminal_safe_json(std::string_view json);

}  // namespace hostpci
