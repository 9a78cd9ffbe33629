// One walk over well-formed UTF-8 sequences decides what may leave as it is.
#include "text/escape.hpp"

#include <cstdint>

namespace hostpci {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;  ///< 0: the first byte begins no well-formed sequence
};

std::size_t announced_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

/// Overlong forms, surrogates and codes above U+10FFFF are not well-formed (Unicode, table 3-7).
bool well_formed(std::uint32_t code, std::size_t size) {
  if (size == 3) return code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
  return size != 4 || (code >= 0x10000 && code <= 0x10FFFF);
}

Character first_character(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  std::size_t size = announced_size(first);
  if (size == 0 || size > text.size()) return {};
  if (size == 1) return {first, 1};
  std::uint32_t code = first & (0x7Fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    code = code << 6 | (byte & 0x3F);
  }
  return well_formed(code, size) ? Character{code, size} : Character{};
}

constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7F; }

/// Marks, embeddings, overrides and isolates that reorder what a reader sees.
bool is_bidi(std::uint32_t code) {
  return code == 0x61C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string hex(std::uint32_t value, int digits) {
  std::string text;
  while (digits-- > 0) text += "0123456789abcdef"[value >> 4 * digits & 15];
  return text;
}

bool is_late_control(std::uint32_t code) { return code == 0x7F || (code >= 0x80 && code < 0xA0) || is_bidi(code); }

void append_printable(std::string& out, std::string_view text, const Character& c) {
  if (c.size == 0)
    out += "\\x" + hex(static_cast<unsigned char>(text[0]), 2);
  else if (c.code == '\t')
    out += "\\t";
  else if (c.code < 0x20 || c.code == 0x7F)
    out += "\\x" + hex(c.code, 2);
  else if ((c.code >= 0x80 && c.code < 0xA0) || is_bidi(c.code))
    out += "\\u{" + hex(c.code, 4) + "}";
  else
    out += text.substr(0, c.size);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(static_cast<unsigned char>(text[plain]))) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    Character c = first_character(text);
    append_printable(out, text, c);
    text.remove_prefix(c.size ? c.size : 1);
  }
  return out;
}

std::string utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t size = first_character(text).size;
    out += size ? text.substr(0, size) : "\uFFFD";
    text.remove_prefix(size ? size : 1);
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t feed = text.find('\n');
    out += printable(text.substr(0, feed));
    if (feed == text.npos) break;
    out += '\n';
    text.remove_prefix(feed + 1);
  }
  return out;
}

std::string xml_text(std::string_view text) {
  std::string out = printable_lines(text);
  for (std::string_view never : {"\uFFFE", "\uFFFF"})
    for (std::size_t at = 0; (at = out.find(never, at)) != out.npos;) out.replace(at, never.size(), "\uFFFD");
  return out;
}

std::size_t character_size(std::string_view text) {
  std::size_t size = first_character(text).size;
  return size ? size : 1;
}

std::string terminal_safe_json(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    Character c = first_character(json);
    std::size_t size = c.size ? c.size : 1;
    out += is_late_control(c.code) ? "\\u" + hex(c.code, 4) : std::string(json.substr(0, size));
    json.remove_prefix(size);
  }
  return out;
}

}  // namespace hostpci
