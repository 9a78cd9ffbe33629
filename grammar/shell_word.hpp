// One word of a shell fragment: where it ends, and what the shell would make of it if nothing had to be run.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

struct ShellWord {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::string value;       ///< quotes removed, escapes taken, continuations joined
  bool plain = true;       ///< nothing in it has to be expanded
  bool appends = false;    ///< it begins with the variable given to the reader; value holds what follows
  bool terminated = true;  ///< every quote and bracket is closed
  bool quoted = false;     ///< a quote or a backslash stands in it: no reserved word
  bool one_line = true;
  bool simple = false;  ///< one pair of quotes or none, on one line
  std::string_view text() const { return {begin, std::size_t(end - begin)}; }
};

/// The word at `first`, which is moved behind it. An empty word is one that ends where it begins.
/// `self` is the variable being assigned, whose own value at the word's start marks `appends`.
ShellWord read_shell_word(const char*& first, const char* last, std::string_view self = {});

/// The length of a variable's name at the begin of the text; 0 if there is none.
std::size_t shell_name_length(std::string_view text);

}  // namespace hostpci
