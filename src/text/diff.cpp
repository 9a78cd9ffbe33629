// Unified diffs: dtl finds the changed lines, the hunks are laid out here as `diff -u` does.
#include "text/diff.hpp"

#include <algorithm>
#include <dtl/dtl.hpp>
#include <vector>

#include "text/escape.hpp"

namespace hostpci {
namespace {

using Lines = std::vector<std::string_view>;

/// A line of the edit script: ' ' in both texts, '-' in the old one, '+' in the new one.
struct Step {
  char kind;
  std::string_view line;
};
using Steps = std::vector<Step>;

constexpr std::size_t context = 3;

/// Lines with their line feeds: a missing last one makes a line different.
Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

Step step(const std::pair<std::string_view, dtl::elemInfo>& element) {
  switch (element.second.type) {
    case dtl::SES_DELETE:
      return {'-', element.first};
    case dtl::SES_ADD:
      return {'+', element.first};
    default:
      return {' ', element.first};
  }
}

/// Within a run of changed lines the old ones stand before the new ones.
void order_changes(Steps& steps) {
  auto changed = [](const Step& s) { return s.kind != ' '; };
  auto removed = [](const Step& s) { return s.kind == '-'; };
  for (auto begin = steps.begin(); begin != steps.end();) {
    begin = std::find_if(begin, steps.end(), changed);
    auto end = std::find_if_not(begin, steps.end(), changed);
    std::stable_partition(begin, end, removed);
    begin = end;
  }
}

/// Equal lines at both ends are taken off first: dtl sees only what lies between, in time and memory of the change's
/// size.
Steps compare(const Lines& before, const Lines& after) {
  auto head = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  auto tail = std::mismatch(before.rbegin(), std::make_reverse_iterator(head.first), after.rbegin(),
                            std::make_reverse_iterator(head.second));
  dtl::Diff<std::string_view> diff(Lines(head.first, tail.first.base()), Lines(head.second, tail.second.base()));
  diff.compose();
  Steps steps;
  for (auto line = before.begin(); line != head.first; ++line) steps.push_back({' ', *line});
  for (const auto& element : diff.getSes().getSequence()) steps.push_back(step(element));
  for (auto line = tail.first.base(); line != before.end(); ++line) steps.push_back({' ', *line});
  order_changes(steps);
  return steps;
}

/// "-12,3": the first line and the number of lines; an empty range names the line before it, a single line has no
/// number.
std::string range(char sign, std::size_t lines_before, std::size_t n) {
  std::string text = sign + std::to_string(n ? lines_before + 1 : lines_before);
  return n == 1 ? text : text + "," + std::to_string(n);
}

void append_line(std::string& out, const Step& s) {
  (out += s.kind) += s.line;
  if (!s.line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

/// Where the hunk that starts with the change at `at` ends: two contexts without a change separate hunks.
std::size_t last_change(const Steps& steps, std::size_t at) {
  std::size_t last = at;
  for (std::size_t i = at; i < steps.size() && i <= last + 2 * context + 1; ++i)
    if (steps[i].kind != ' ') last = i;
  return last;
}

std::size_t lines_in(const Steps& steps, std::size_t begin, std::size_t end, char sign) {
  return std::size_t(std::count_if(steps.begin() + long(begin), steps.begin() + long(end),
                                   [&](const Step& s) { return s.kind == ' ' || s.kind == sign; }));
}

void append_hunks(std::string& out, const Steps& steps) {
  std::size_t at = 0, old_lines = 0, new_lines = 0;  // everything before `at` is done and counted
  for (std::size_t change = 0; change < steps.size(); ++change) {
    if (steps[change].kind == ' ') continue;
    std::size_t begin = std::max(at, change < context ? 0 : change - context);
    change = last_change(steps, change);
    std::size_t end = std::min(steps.size(), change + 1 + context);
    old_lines += lines_in(steps, at, begin, '-'), new_lines += lines_in(steps, at, begin, '+');
    std::size_t olds = lines_in(steps, begin, end, '-'), news = lines_in(steps, begin, end, '+');
    out += "@@ " + range('-', old_lines, olds) + " " + range('+', new_lines, news) + " @@\n";
    for (std::size_t i = begin; i < end; ++i) append_line(out, steps[i]);
    at = end, old_lines += olds, new_lines += news;
  }
}

}  // namespace

std::string unified_diff(std::string_view path, std::string_view before, std::string_view after) {
  if (before == after) return "";
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  std::string name = printable(path);
  std::string out = "--- a/" + name + "\n+++ b/" + name + "\n";
  append_hunks(out, compare(lines_of(before), lines_of(after)));
  return out;
}

}  // namespace hostpci
