// A text with its path, and where a byte of it stands: line and column.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// Lines and columns count from 1; columns count bytes.
struct Position {
  std::uint32_t line = 1, column = 1;
  bool operator==(const Position&) const = default;
};

/// The bytes of one file as they were read. `path` is below the root in use, without it.
/// A line ends with its line feed; a carriage return before it belongs to the line.
struct Source {
  std::string path;
  std::string text;

  Position position(std::uint32_t offset) const;
  /// The line that holds `offset`, without its line feed.
  Span line_at(std::uint32_t offset) const;

  mutable std::vector<std::uint32_t> line_feeds;  ///< where they stand; found when the first position is asked for
};

using SourcePtr = std::shared_ptr<const Source>;

inline SourcePtr make_source(std::string path, std::string text) {
  return std::make_shared<const Source>(Source{std::move(path), std::move(text), {}});
}

}  // namespace hostpci
