// The spelling of texts in a snapshot: plain, quoted, as bytes, as a literal block; and of whole nodes on one line.
#include "host/snapshot_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "host/snapshot_yaml.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// YAML's short form of a key ends at 1024 characters.
constexpr std::size_t longest_key = 900;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Words that a reader of YAML takes for something else than a text.
bool is_reserved(std::string_view text) {
  std::string word = lower(text);
  for (std::string_view own : {"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
    if (word == own) return true;
  return false;
}

bool looks_like_number(std::string_view text) {
  return is_digit(text[0]) && text.find_first_not_of("0123456789abcdefABCDEFxX._+-") == std::string_view::npos;
}

/// Plain in a block and in a flow: no indicator anywhere, no blank at an end or next to another one, no ": " and no "
/// #".
bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > 400 ||
      !(is_digit(text[0]) || is_letter(text[0]) || text[0] == '/' || text[0] == '_'))
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i], next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (is_digit(c) || is_letter(c) || std::string_view("/_.-+=()@<>^~;").find(c) != std::string_view::npos) continue;
    if ((c == ' ' || c == ':') && next != ' ' && next != ':') continue;
    return false;
  }
  return !is_reserved(text) && !looks_like_number(text);
}

void append_escape(std::string& out, std::uint32_t c) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), c <= 0xff ? "\\x%02x" : c <= 0xffff ? "\\u%04x" : "\\U%08x", unsigned(c));
  out += text.data();
}

void append_quoted(std::string& out, std::uint32_t c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  if (is_usual(c))
    append_utf8(out, c);
  else
    append_escape(out, c);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    CodePoint c = decode_utf8(text);
    append_quoted(out, c.value);
    text.remove_prefix(c.length);
  }
  return out + '"';
}

std::string as_bytes(std::string_view text) {
  std::string out = "!bytes \"";
  for (char c : text) {
    if (std::uint8_t(c) < 0x80)
      append_quoted(out, std::uint8_t(c));
    else
      append_escape(out, std::uint8_t(c));
  }
  return out + '"';
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    CodePoint c = decode_utf8(text);
    if (c.length == 0) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

void append_flow(std::string& out, const Yaml& node);

void append_items(std::string& out, const Yaml& node) {
  out += node.kind == Yaml::Kind::map ? '{' : '[';
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    bool map = node.kind == Yaml::Kind::map, value = map && i % 2 == 1;
    if (i > 0 && !value) out += ", ";
    if (map && !value)
      out += yaml_flow_key(node.items[i].text);
    else
      append_flow(out, node.items[i]);
  }
  out += node.kind == Yaml::Kind::map ? '}' : ']';
}

void append_flow(std::string& out, const Yaml& node) {
  if (!node.tag.empty()) out += "!<" + node.tag + "> ";
  switch (node.kind) {
    case Yaml::Kind::null:
      out += '~';
      return;
    case Yaml::Kind::scalar:
      break;
    default:
      append_items(out, node);
      return;
  }
  // what stood plain stays so: 5 is not "5"
  std::string text = yaml_scalar(node.text);
  bool number =
      node.plain && text[0] == '"' && !node.text.empty() && (is_reserved(node.text) || looks_like_number(node.text));
  if (number && lower(node.text) != "null")
    out += node.text;
  else if (!node.plain && text[0] != '"' && text[0] != '!')
    out += quoted(node.text);
  else
    out += text;
}

}  // namespace

CodePoint decode_utf8(std::string_view text) {
  if (text.empty()) return {};
  auto at = [&](std::size_t i) { return std::uint32_t(std::uint8_t(text[i])); };
  if (at(0) < 0x80) return {at(0), 1};
  std::size_t length = at(0) >= 0xf0 ? 4 : at(0) >= 0xe0 ? 3 : 2;
  if (at(0) < 0xc2 || at(0) > 0xf4 || text.size() < length) return {};
  std::uint32_t value = at(0) & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (at(i) & 0x3f);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {value, length};
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += char(c);
  } else if (c < 0x800) {
    out += char(0xc0 | c >> 6);
    out += char(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += char(0xe0 | c >> 12);
    out += char(0x80 | (c >> 6 & 0x3f));
    out += char(0x80 | (c & 0x3f));
  } else {
    out += char(0xf0 | c >> 18);
    out += char(0x80 | (c >> 12 & 0x3f));
    out += char(0x80 | (c >> 6 & 0x3f));
    out += char(0x80 | (c & 0x3f));
  }
}

std::size_t find_unreadable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    auto byte = std::uint8_t(text[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      ++i;
      continue;
    }
    if (byte < 0x80 && byte != '\t' && byte != '\n' && byte != '\r') return i;
    CodePoint c = decode_utf8(text.substr(i));
    if (c.length == 0) return i;
    i += c.length;
  }
  return text.size();
}

bool is_usual(std::uint32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad) return false;
  if ((c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f)) return false;
  if (c == 0x3000 || c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff) || (c >= 0xfdd0 && c <= 0xfdef)) return false;
  return (c & 0xfffe) != 0xfffe && c < 0xe0000;
}

std::optional<std::string> narrow_to_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    CodePoint c = decode_utf8(text);
    if (c.length == 0 || c.value > 0xff) return {};
    bytes += char(c.value);
    text.remove_prefix(c.length);
  }
  return bytes;
}

std::string excerpt(std::string_view text) {
  std::string shown = printable(text.substr(0, 60));
  return text.size() > 60 ? shown + "…" : shown;
}

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  return is_utf8(text) ? quoted(text) : as_bytes(text);
}

bool fits_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos) return false;
  for (std::string_view line : split(text, '\n'))
    if (!line.empty() && line.find_first_not_of(" \t") == std::string_view::npos) return false;
  if (text[0] == ' ' || text[0] == '\t' || text[0] == '\n') return false;
  while (!text.empty()) {
    CodePoint c = decode_utf8(text);
    if (c.length == 0 || !(is_usual(c.value) || c.value == '\n' || c.value == '\t')) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

std::string yaml_block(std::string_view text, int indent) {
  bool ends = text.back() == '\n';
  bool more = text.size() > 1 && ends && text[text.size() - 2] == '\n';
  std::string out = more ? "|+\n" : ends ? "|\n" : "|-\n";
  if (ends) text.remove_suffix(1);
  for (std::string_view line : split(text, '\n')) {
    if (!line.empty()) out.append(std::size_t(indent), ' ').append(line);
    out += '\n';
  }
  return out;
}

std::string yaml_key(std::string_view key, int indent) {
  std::string text = yaml_scalar(key);
  std::string margin(std::size_t(indent), ' ');
  if (text.size() > longest_key) return margin + "? " + text + '\n' + margin + ':';
  return margin + text + ':';
}

std::string yaml_flow_key(std::string_view key) {
  std::string text = yaml_scalar(key);
  return text.size() > longest_key ? "? " + text + " : " : text + ": ";
}

std::string yaml_flow(const Yaml& node) {
  std::string out;
  append_flow(out, node);
  return out;
}

}  // namespace hostpci
