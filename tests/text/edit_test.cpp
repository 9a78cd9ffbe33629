// Edits by span: order, inserts, refusals.
#include "text/edit.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {
std::string edited(std::string_view text, std::vector<Edit> edits) {
  auto result = apply(text, std::move(edits));
  return result ? *result : "refused: " + result.error().message;
}
}  // namespace

TEST_CASE("no edit, same bytes") {
  std::string text("a\0\r\n\xff", 5);
  CHECK(edited(text, {}) == text);
}

TEST_CASE("replace, delete and insert, in any order") {
  CHECK(edited("one two three", {{{8, 13}, "3"}, {{0, 3}, "1"}, {{3, 7}, ""}}) == "1 3");
  CHECK(edited("abc", {{{3, 3}, "!"}, {{0, 0}, ">"}}) == ">abc!");
  CHECK(edited("", {{{0, 0}, "new"}}) == "new");
}

TEST_CASE("inserts at one place keep the order given") {
  CHECK(edited("ac", {{{1, 1}, "1"}, {{1, 1}, "2"}, {{1, 1}, "3"}}) == "a123c");
}

TEST_CASE("an insert at either border of a replaced span is no overlap") {
  CHECK(edited("abcd", {{{1, 3}, "X"}, {{1, 1}, "<"}, {{3, 3}, ">"}}) == "a<X>d");
  CHECK(edited("abcd", {{{0, 2}, "1"}, {{2, 4}, "2"}}) == "12");
}

TEST_CASE("overlaps are refused") {
  CHECK(edited("abcdef", {{{0, 3}, "x"}, {{2, 4}, "y"}}) == "refused: an edit of bytes 2 to 4 overlaps another one");
  CHECK(edited("abcdef", {{{1, 3}, "x"}, {{1, 3}, "x"}}) == "refused: an edit of bytes 1 to 3 overlaps another one");
  CHECK(edited("abcdef", {{{1, 5}, "x"}, {{3, 3}, "y"}}) == "refused: an edit of bytes 3 to 3 overlaps another one");
  CHECK(edited("abcdef", {{{0, 6}, "x"}, {{1, 2}, ""}}) == "refused: an edit of bytes 1 to 2 overlaps another one");
}

TEST_CASE("spans outside the text are refused") {
  CHECK(edited("abc", {{{2, 4}, ""}}) == "refused: an edit of bytes 2 to 4 reaches past the text of 3");
  CHECK(edited("abc", {{{4, 4}, "x"}}) == "refused: an edit of bytes 4 to 4 reaches past the text of 3");
  CHECK(edited("abc", {{{2, 1}, ""}}) == "refused: an edit of bytes 2 to 1 reaches past the text of 3");
}
