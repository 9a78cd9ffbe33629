// Characters as YAML sees them: which may stand as they are, which need an escape, which no document may hold.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostpci {

/// One well-formed UTF-8 sequence at the start of `text`: its code point and length; length 0 if there is none.
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
CodePoint decode_utf8(std::string_view text);
void append_utf8(std::string& out, std::uint32_t code_point);

/// The offset of the first byte that no snapshot may hold: a control character other than TAB, LF, CR, or ill-formed
/// UTF-8; text.size() if there is none.
std::size_t find_unreadable(std::string_view text);
/// Printable and without surprises for any reader: not a control, blank or break of its own, mark of direction or
/// order.
bool is_usual(std::uint32_t code_point);
/// Each character as the byte of its number; nothing if one is above U+00FF.
std::optional<std::string> narrow_to_bytes(std::string_view text);
/// The beginning of a text for a message.
std::string excerpt(std::string_view text);

}  // namespace hostpci
