// Edit distance between words, with an early end when it cannot be small enough.
#include "text/suggest.hpp"

#include <algorithm>
#include <vector>

namespace hostpci {
namespace {

char folded(char c) {
  if (c >= 'A' && c <= 'Z') return char(c - 'A' + 'a');
  return c == '_' ? '-' : c;
}

bool same(char a, char b) { return folded(a) == folded(b); }

/// Optimal string alignment distance, or more than `limit` as soon as that is certain.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<std::size_t> older(b.size() + 1), old(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) old[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({old[j] + 1, row[j - 1] + 1, old[j - 1] + !same(a[i - 1], b[j - 1])});
      bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], older[j - 2] + 1);
    }
    if (*std::min_element(row.begin(), row.end()) > limit) return limit + 1;
    older.swap(old), old.swap(row);
  }
  return old[b.size()];
}

}  // namespace

std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> candidates) {
  std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string_view> best;
  for (std::string_view candidate : candidates) {
    std::size_t d = distance(word, candidate, limit);
    if (d > limit) continue;
    best = candidate;
    if (d == 0) break;
    limit = d - 1;
  }
  return best;
}

}  // namespace hostpci
