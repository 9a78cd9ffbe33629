// The description of a VM as its file holds it: `#` lines with %XX. Source: pve-common ParseUtils.pm (encode_text,
// decode_text).
#include "config/vm.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool stays(char c) { return c >= ' ' && c <= '~' && c != ':' && c != '%'; }

int hex(char c) { return int(number(std::string_view(&c, 1), 16).value_or(16)); }

}  // namespace

std::string encode_description(std::string_view line) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : line) {
    if (stays(c)) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

std::string decode_description(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool encoded = text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) < 16 && hex(text[i + 2]) < 16;
    out += encoded ? char(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (encoded) i += 2;
  }
  return utf8(out);
}

}  // namespace hostpci
