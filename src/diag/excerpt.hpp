// One line of a file as a terminal may show it, and where a span of it stands on the screen.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// A line without its line end, made printable: a tab becomes four blanks, and of a line over 160 columns a window
/// around `focus` remains, "…" standing for the rest. Spans count bytes of the line.
class Excerpt {
 public:
  Excerpt(std::string_view line, Span focus);
  const std::string& text() const { return text_; }
  /// The columns (from 0) of a span, one at least; nothing if it begins outside the window.
  std::optional<Span> columns(Span span) const;

 private:
  struct Mark {
    std::uint32_t offset, column;
  };
  std::uint32_t column_at(std::uint32_t offset) const;

  std::string text_;
  std::vector<Mark> marks_;  ///< where each character begins, and the end of the window
  bool ends_line_ = true;    ///< the window reaches the line's end
};

}  // namespace hostpci
