// The window of a line: only the neighbourhood of the focus is looked at, however long the line is.
#include "diag/excerpt.hpp"

#include <algorithm>

#include "text/escape.hpp"

namespace hostpci {
namespace {

constexpr std::uint32_t max_columns = 160;
constexpr std::uint32_t max_bytes = 4 * max_columns;  // no character has more than four
constexpr std::uint32_t columns_before_focus = 48;
constexpr std::string_view ellipsis = "…";

struct Cell {
  std::uint32_t offset, size, width;
  std::string text;
};

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

Cell cell_at(std::string_view line, std::uint32_t offset) {
  auto size = std::uint32_t(character_size(line.substr(offset)));
  std::string_view bytes = line.substr(offset, size);
  std::string text = bytes == "\t" ? "    " : printable(bytes);
  auto width = std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); });
  return {offset, size, std::uint32_t(width), std::move(text)};
}

/// The characters near the focus: enough for any window around it.
std::vector<Cell> cells_near(std::string_view line, std::uint32_t focus) {
  std::uint32_t at = focus > max_bytes ? focus - max_bytes : 0;
  for (int i = 0; at > 0 && i < 3 && continues_character(line[at]); ++i) ++at;
  std::uint32_t end = std::min(std::uint32_t(line.size()), focus + max_bytes);
  std::vector<Cell> cells;
  for (; at < end; at += cells.back().size) cells.push_back(cell_at(line, at));
  return cells;
}

struct Range {
  std::size_t begin, end;
};

/// The cells that fit into the columns, from a little before the focus on; all of them if they fit.
Range window(const std::vector<Cell>& cells, std::uint32_t focus, bool whole_line) {
  std::uint32_t total = 0;
  for (const Cell& cell : cells) total += cell.width;
  if (whole_line && total <= max_columns) return {0, cells.size()};
  auto at = std::find_if(cells.begin(), cells.end(), [&](const Cell& c) { return c.offset + c.size > focus; });
  Range range{std::size_t(at - cells.begin()), std::size_t(at - cells.begin())};
  std::uint32_t width = 0;
  auto grow_back = [&](std::uint32_t limit) {
    while (range.begin > 0 && width + cells[range.begin - 1].width <= limit) width += cells[--range.begin].width;
  };
  grow_back(columns_before_focus);
  constexpr std::uint32_t limit = max_columns - 2;  // an ellipsis at each end
  while (range.end < cells.size() && width + cells[range.end].width <= limit) width += cells[range.end++].width;
  grow_back(limit);
  return range;
}

}  // namespace

Excerpt::Excerpt(std::string_view line, Span focus) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  auto size = std::uint32_t(line.size());
  std::uint32_t at = std::min(focus.begin, size);
  std::vector<Cell> cells = cells_near(line, at);
  bool whole = cells.empty() || (cells.front().offset == 0 && cells.back().offset + cells.back().size == size);
  Range range = window(cells, at, whole);
  std::uint32_t column = 0, offset = range.begin < range.end ? cells[range.begin].offset : size;
  if (offset > 0) text_ += ellipsis, ++column;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    marks_.push_back({cells[i].offset, column});
    text_ += cells[i].text, column += cells[i].width, offset = cells[i].offset + cells[i].size;
  }
  marks_.push_back({offset, column});
  ends_line_ = offset == size;
  if (!ends_line_) text_ += ellipsis;
}

std::uint32_t Excerpt::column_at(std::uint32_t offset) const {
  auto mark = std::find_if(marks_.begin(), marks_.end(), [&](const Mark& m) { return m.offset >= offset; });
  return mark == marks_.end() ? marks_.back().column : mark->column;
}

std::optional<Span> Excerpt::columns(Span span) const {
  if (span.begin < marks_.front().offset || (span.begin >= marks_.back().offset && !ends_line_)) return std::nullopt;
  std::uint32_t begin = column_at(span.begin);
  return Span{begin, std::max(begin + 1, column_at(span.end))};
}

}  // namespace hostpci
