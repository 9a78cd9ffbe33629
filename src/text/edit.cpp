// Edits are sorted by place, checked against each other, and woven into the untouched rest.
#include "text/edit.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace hostpci {
namespace {

bool before(const Edit& a, const Edit& b) {
  return std::tie(a.span.begin, a.span.end) < std::tie(b.span.begin, b.span.end);
}

std::string place(Span span) { return "bytes " + std::to_string(span.begin) + " to " + std::to_string(span.end); }

/// The first reason not to make these sorted edits.
std::optional<Failure> refusal(std::string_view text, const std::vector<Edit>& edits) {
  std::uint32_t free_from = 0;
  for (const Edit& edit : edits) {
    if (edit.span.end < edit.span.begin || edit.span.end > text.size())
      return Failure{"an edit of " + place(edit.span) + " reaches past the text of " + std::to_string(text.size())};
    if (edit.span.begin < free_from) return Failure{"an edit of " + place(edit.span) + " overlaps another one"};
    free_from = edit.span.end;
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> apply(std::string_view text, std::vector<Edit> edits) {
  std::stable_sort(edits.begin(), edits.end(), before);
  if (auto failure = refusal(text, edits)) return *failure;
  std::string out;
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    out.append(text.substr(at, edit.span.begin - at)).append(edit.text);
    at = edit.span.end;
  }
  return out.append(text.substr(at));
}

}  // namespace hostpci
