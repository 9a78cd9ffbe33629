// modprobe.d: directives with their places, lines joined and commented as kmod does it (libkmod-config.c).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

struct PlacedWord {
  std::string_view text;
  Span span;
};

enum class DirectiveKind : std::uint8_t { alias, options, blacklist, install, remove, softdep, weakdep, unknown };

/// One logical line (continuations joined).
struct ModprobeDirective {
  DirectiveKind kind = DirectiveKind::unknown;
  PlacedWord keyword;
  PlacedWord module;              ///< first word after the keyword, as typed ('-' and '_' are equal to kmod)
  std::vector<PlacedWord> words;  ///< the rest; a word that a continuation runs through is in pieces
  Span span;                      ///< whole logical line without its end
};

struct ModprobeFile {
  std::vector<ModprobeDirective> directives;
};

ModprobeFile parse_modprobe(std::string_view text);

}  // namespace hostpci
