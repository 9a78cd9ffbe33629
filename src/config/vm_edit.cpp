// The edits that set or delete one key of a section, and leave every other byte where it is.
#include "config/vm_edit.hpp"

#include <algorithm>

#include "text/words.hpp"

namespace hostpci {
namespace {

/// The lines of one section in its file.
class Lines {
 public:
  Lines(const Vm& vm, const VmSection& section)
      : text_(vm.source->text), lines_(vm.syntax.lines), extent_(vm.syntax.sections[section.syntax]) {}

  const ConfigLine& operator[](std::size_t i) const { return lines_[i]; }
  std::size_t begin() const { return extent_.begin; }
  std::size_t end() const { return extent_.end; }
  bool blank(std::size_t i) const { return lines_[i].kind == LineKind::blank; }
  bool is_key(std::size_t i, std::string_view key) const {
    return lines_[i].kind == LineKind::assignment && lines_[i].key == key;
  }
  bool ended(std::size_t i) const { return lines_[i].full.end > lines_[i].span.end; }

  /// Where a line at the section's end goes: behind its last line that is not blank, else behind its header.
  std::size_t tail() const {
    std::size_t i = end();
    while (i > begin() && blank(i - 1)) --i;
    return i;
  }

  /// The line end in use: that of the first line, LF where there is none.
  std::string_view line_end() const {
    if (lines_.empty() || !ended(0)) return "\n";
    return slice(text_, {lines_[0].span.end, lines_[0].full.end});
  }

  /// `line` (without its end) as a new line before line `at` of the file.
  Edit insert(std::size_t at, const std::string& line) const {
    std::string end(line_end());
    std::uint32_t place = at < lines_.size() ? lines_[at].full.begin : std::uint32_t(text_.size());
    bool open = at > 0 && !ended(at - 1);  // the line before is the file's last and has no end
    return {{place, place}, open ? end + line : line + end};
  }

  /// Takes out the lines for which `doomed` says so. Where the file's last line goes and had no end, the one before it
  /// loses its own.
  template <class Predicate>
  std::vector<Edit> remove(Predicate doomed) const {
    std::vector<Edit> edits;
    for (std::size_t i = begin(); i < end();) {
      std::size_t last = i;
      while (last < end() && doomed(last)) ++last;
      if (last > i) edits.push_back(removal(i, last));
      i = std::max(last, i + 1);
    }
    return edits;
  }

 private:
  Edit removal(std::size_t first, std::size_t last) const {
    Span span{lines_[first].full.begin, lines_[last - 1].full.end};
    bool open_end = last == lines_.size() && !ended(last - 1);
    if (open_end && first > 0) span.begin = lines_[first - 1].span.end;
    return {span, ""};
  }

  std::string_view text_;
  const std::vector<ConfigLine>& lines_;
  const ConfigSection& extent_;
};

/// The line whose value is replaced: the one that counts, else the last of that key that PVE drops.
std::size_t line_of(const Lines& lines, const VmSection& section, std::string_view key) {
  if (const VmValue* value = section.find(key); value && lines.is_key(value->line, key)) return value->line;
  for (std::size_t i = lines.end(); i > lines.begin(); --i)
    if (lines.is_key(i - 1, key)) return i - 1;
  return lines.end();
}

bool sorted(const Lines& lines) {
  std::string_view last;
  for (std::size_t i = lines.begin(); i < lines.end(); ++i) {
    if (lines[i].kind != LineKind::assignment) continue;
    if (lines[i].key < last) return false;
    last = lines[i].key;
  }
  return true;
}

std::size_t place_of(const Lines& lines, std::string_view key) {
  if (!sorted(lines)) return lines.tail();
  for (std::size_t i = lines.begin(); i < lines.end(); ++i)
    if (lines[i].kind == LineKind::assignment && lines[i].key > key) return i;
  return lines.tail();
}

/// The value's place; a value of white space only gives way from the colon on.
Edit replace(const ConfigLine& line, std::string_view value) {
  if (!trim(line.value).empty()) return {line.value_span, std::string(value)};
  return {{line.key_span.end + 1, line.span.end}, " " + std::string(value)};
}

bool describes(const ConfigLine& line) {
  return line.kind == LineKind::comment || (line.kind == LineKind::assignment && line.key == "description");
}

}  // namespace

std::vector<Edit> set_value(const Vm& vm, const VmSection& section, std::string_view key, std::string_view value) {
  Lines lines(vm, section);
  if (std::size_t line = line_of(lines, section, key); line < lines.end()) return {replace(lines[line], value)};
  return {lines.insert(place_of(lines, key), std::string(key) + ": " + std::string(value))};
}

std::vector<Edit> delete_key(const Vm& vm, const VmSection& section, std::string_view key) {
  Lines lines(vm, section);
  return lines.remove([&](std::size_t i) { return lines.is_key(i, key); });
}

std::vector<Edit> set_description(const Vm& vm, const VmSection& section, std::string_view description) {
  Lines lines(vm, section);
  std::vector<Edit> edits = lines.remove([&](std::size_t i) { return describes(lines[i]); });
  std::string block;
  while (!description.empty()) {
    std::size_t end = std::min(description.find('\n'), description.size());
    if (!block.empty()) block += lines.line_end();
    block += "#" + encode_description(description.substr(0, end));
    description.remove_prefix(std::min(end + 1, description.size()));
  }
  if (!block.empty()) edits.push_back(lines.insert(lines.begin(), block));
  return edits;
}

std::vector<Edit> add_pending(const Vm& vm, const std::string& line) {
  Lines lines(vm, vm.main());
  std::string end(lines.line_end());
  return {lines.insert(lines.tail(), end + "[PENDING]" + end + line)};
}

std::vector<Edit> remove_section(const Vm& vm, const VmSection& section) {
  const ConfigSection& extent = vm.syntax.sections[section.syntax];
  std::size_t first = extent.header, last = extent.end;
  const auto& all = vm.syntax.lines;
  for (std::size_t i = extent.begin; i < extent.end; ++i)
    if (all[i].kind != LineKind::blank) return {};
  if (first > 0 && all[first - 1].kind == LineKind::blank) --first;
  if (last < all.size())  // the blank line before the next header stays
    while (last > extent.header + 1 && all[last - 1].kind == LineKind::blank) --last;
  Span span{all[first].full.begin, all[last - 1].full.end};
  bool open_end = last == all.size() && all[last - 1].full.end == all[last - 1].span.end;
  if (open_end && first > 0) span.begin = all[first - 1].span.end;
  return {{span, ""}};
}

}  // namespace hostpci
