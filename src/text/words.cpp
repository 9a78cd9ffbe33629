// Small cuts of text.
#include "text/words.hpp"

#include <algorithm>
#include <charconv>

namespace hostpci {
namespace {

/// Also tab, line feed, vertical tab, form feed and carriage return, which stand together in ASCII.
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool in_range(char first, char c, char last) {
  return static_cast<unsigned char>(first) <= static_cast<unsigned char>(c) &&
         static_cast<unsigned char>(c) <= static_cast<unsigned char>(last);
}

/// Whether `c` is in the members of a set ("a-f0-9", "!abc").
bool in_set(std::string_view members, char c) {
  bool negated = members.starts_with('!') || members.starts_with('^');
  if (negated) members.remove_prefix(1);
  bool found = false;
  while (!members.empty()) {
    bool range = members.size() > 2 && members[1] == '-';
    found |= in_range(members[0], c, members[range ? 2 : 0]);
    members.remove_prefix(range ? 3 : 1);
  }
  return found != negated;
}

/// The length of the set that begins the pattern; 0 if its bracket is never closed. A `]` in first place is a member.
std::size_t set_size(std::string_view pattern) {
  std::size_t first = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^') ? 2 : 1;
  std::size_t close = pattern.find(']', first + 1);
  return close == pattern.npos ? 0 : close + 1;
}

/// How much of the pattern matches this one character (not for `*`); 0 for no match.
std::size_t match_one(std::string_view pattern, char c) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '?') return 1;
  if (std::size_t size = pattern[0] == '[' ? set_size(pattern) : 0)
    return in_set(pattern.substr(1, size - 2), c) ? size : 0;
  return pattern[0] == c ? 1 : 0;
}

}  // namespace

std::string_view trim(std::string_view text) {
  std::size_t first = 0, end = text.size();
  while (first < end && is_blank(text[first])) ++first;
  while (end > first && is_blank(text[end - 1])) --end;
  return text.substr(first, end - first);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  for (std::size_t at = 0;;) {
    std::size_t end = text.find(separator, at);
    parts.push_back(text.substr(at, end - at));
    if (end == text.npos) return parts;
    at = end + 1;
  }
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> parts;
  const auto* at = text.begin();
  while ((at = std::find_if_not(at, text.end(), is_blank)) != text.end()) {
    const auto* end = std::find_if(at, text.end(), is_blank);
    parts.push_back(text.substr(std::size_t(at - text.begin()), std::size_t(end - at)));
    at = end;
  }
  return parts;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) (out += i ? separator : "") += parts[i];
  return out;
}

std::string count(std::size_t n, std::string_view singular, std::string_view plural) {
  std::string out = std::to_string(n) + " ";
  if (n == 1) return out.append(singular);
  return plural.empty() ? out.append(singular) + "s" : out.append(plural);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  return out;
}

bool glob(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = pattern.npos, resume = 0;  // the last `*`, and where its text ends so far
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, resume = t;
    } else if (std::size_t size = match_one(pattern.substr(p), text[t])) {
      p += size, ++t;
    } else if (star != pattern.npos) {
      p = star + 1, t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

}  // namespace hostpci
