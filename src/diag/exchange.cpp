// Notes and helps below the message; columns counted character by character.
#include "diag/exchange.hpp"

#include "text/escape.hpp"

namespace hostpci {

std::string told_in_lines(const Diagnostic& d) {
  std::string out = printable(d.message);
  for (const std::string& note : d.notes) out += "\nnote: " + printable_lines(note);
  for (const std::string& help : d.help) out += "\nhelp: " + printable_lines(help);
  if (d.fix) out += "\nhelp: " + printable(d.fix->title);
  return out;
}

Position utf16_position(const Source& source, std::uint32_t offset) {
  Position bytes = source.position(offset);
  std::string_view before(source.text);
  before = before.substr(source.line_at(offset).begin, bytes.column - 1);
  std::uint32_t column = 1;
  while (!before.empty()) {
    std::size_t size = character_size(before);
    column += size == 4 ? 2 : 1;  // beyond U+FFFF: a surrogate pair
    before.remove_prefix(size);
  }
  return {bytes.line, column};
}

}  // namespace hostpci
