// What may stand where the cursor is: the shells' completion scripts ask, so that they can stay small.
#pragma once
#include <string>
#include <vector>

namespace hostpci {

/// A whole word that may stand there, and what it is. ":files" and ":directories" ask the shell for its own completion
/// of paths.
struct CompletionWord {
  std::string text, description;
  auto operator<=>(const CompletionWord&) const = default;
};

/// `words`: the command line behind the program's name up to the cursor; the last one is being typed (empty: a new
/// one). Sorted by text; nothing that would need quoting or that holds control characters. Never fails: what cannot be
/// read is left out.
std::vector<CompletionWord> candidates(const std::vector<std::string>& words);

}  // namespace hostpci
