// Small cuts of text that every room needs: trim, split, numbers, prefixes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// Blanks, tabs, CR, LF, VT and FF at both ends are cut.
std::string_view trim(std::string_view text);
/// Parts between separators, empty ones too; an empty text has no part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// Words between runs of white space.
std::vector<std::string_view> words(std::string_view text);
/// The whole text as a number of that base (no sign, no prefix), or nothing.
std::optional<std::uint64_t> number(std::string_view text, int base = 10);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// "1 device", "2 devices".
std::string count(std::size_t n, std::string_view singular, std::string_view plural = "");
std::string lower(std::string_view text);
/// Shell-style match with * ? [set]; no special meaning for '/'.
bool glob(std::string_view pattern, std::string_view text);

}  // namespace hostpci
