// Changing a text by named spans only: everything outside them stays, byte for byte.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/result.hpp"
#include "text/span.hpp"

namespace hostpci {

/// Puts `text` in the place of `span`; an empty span inserts, an empty text deletes.
struct Edit {
  Span span;
  std::string text;
  bool operator==(const Edit&) const = default;
};

/// The text with all edits made. They may come in any order; inserts at one place keep the order given.
/// Edits that overlap or reach past the end are a Failure: nothing is guessed.
Result<std::string> apply(std::string_view text, std::vector<Edit> edits);

}  // namespace hostpci
