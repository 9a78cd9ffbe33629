// The edits are made on the touched lines alone; equal lines around the change are left out.
#include "diag/fix_preview.hpp"

#include <algorithm>

#include "text/edit.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::size_t max_lines = 4;

bool in_one_file(const std::vector<FileEdit>& edits) {
  auto elsewhere = [&](const FileEdit& edit) { return edit.file != edits.front().file; };
  return !edits.empty() && std::none_of(edits.begin(), edits.end(), elsewhere);
}

/// The text to be changed: a source that the finding points into; edits at the very beginning need none.
SourcePtr source_of(const Diagnostic& d) {
  const std::vector<FileEdit>& edits = d.fix->edits;
  const std::string& file = edits.front().file;
  if (d.place.source && d.place.file() == file) return d.place.source;
  for (const Label& label : d.labels)
    if (label.place.source && label.place.file() == file) return label.place.source;
  bool only_begins = std::all_of(edits.begin(), edits.end(), [](const FileEdit& e) { return e.span == Span{}; });
  return only_begins ? make_source(file, "") : nullptr;
}

Span touched_lines(const Source& source, const std::vector<FileEdit>& edits) {
  Span all = edits.front().span;
  for (const FileEdit& edit : edits) all = {std::min(all.begin, edit.span.begin), std::max(all.end, edit.span.end)};
  return {source.line_at(all.begin).begin, source.line_at(all.end).end};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  return text.empty() ? std::vector<std::string_view>{""} : split(text, '\n');
}

std::uint32_t first_difference(std::string_view a, std::string_view b) {
  return std::uint32_t(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

/// `preview` comes with file and line of the block's first line.
std::optional<FixPreview> changed_lines(FixPreview preview, std::string_view before, std::string_view after) {
  std::vector<std::string_view> olds = lines_of(before), news = lines_of(after);
  auto [old_begin, new_begin] = std::mismatch(olds.begin(), olds.end(), news.begin(), news.end());
  auto tail = std::mismatch(olds.rbegin(), std::make_reverse_iterator(old_begin), news.rbegin(),
                            std::make_reverse_iterator(new_begin));
  auto old_end = tail.first.base(), new_end = tail.second.base();
  preview.line += std::uint32_t(old_begin - olds.begin());
  if (old_begin != old_end && new_begin != new_end) preview.focus = first_difference(*old_begin, *new_begin);
  preview.sign = new_begin == new_end ? '-' : '+';
  if (new_begin == new_end)
    preview.lines.assign(old_begin, old_end);
  else
    preview.lines.assign(new_begin, new_end);
  if (preview.lines.empty() || preview.lines.size() > max_lines) return std::nullopt;
  return preview;
}

}  // namespace

std::optional<FixPreview> fix_preview(const Diagnostic& d) {
  if (!d.fix || !in_one_file(d.fix->edits)) return std::nullopt;
  SourcePtr source = source_of(d);
  if (!source) return std::nullopt;
  Span block = touched_lines(*source, d.fix->edits);
  std::vector<Edit> edits;
  for (const FileEdit& e : d.fix->edits) {
    if (e.span.end < e.span.begin || e.span.end > source->text.size()) return std::nullopt;
    edits.push_back({{e.span.begin - block.begin, e.span.end - block.begin}, e.text});
  }
  std::string_view before = slice(source->text, block);
  Result<std::string> after = apply(before, std::move(edits));
  if (!after) return std::nullopt;
  return changed_lines({source->path, source->position(block.begin).line}, before, *after);
}

}  // namespace hostpci
