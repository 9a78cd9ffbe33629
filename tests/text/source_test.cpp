// Lines and columns of offsets.
#include "text/source.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

TEST_CASE("positions count lines and byte columns from 1") {
  Source source{"/etc/x", "ab\r\ncd\n\nlast"};
  CHECK(source.position(0) == Position{1, 1});
  CHECK(source.position(3) == Position{1, 4});
  CHECK(source.position(4) == Position{2, 1});
  CHECK(source.position(7) == Position{3, 1});
  CHECK(source.position(8) == Position{4, 1});
  CHECK(source.position(12) == Position{4, 5});
}

TEST_CASE("an offset past the end is the end") {
  Source source{"/etc/x", "ab\n"};
  CHECK(source.position(3) == Position{2, 1});
  CHECK(source.position(99) == Position{2, 1});
  CHECK(source.line_at(99) == Span{3, 3});
  CHECK(Source{}.position(0) == Position{1, 1});
  CHECK(Source{}.line_at(0) == Span{0, 0});
}

TEST_CASE("a line comes without its line feed but with its carriage return") {
  Source source{"/etc/x", "ab\r\ncd\n\nlast"};
  CHECK(slice(source.text, source.line_at(0)) == "ab\r");
  CHECK(slice(source.text, source.line_at(3)) == "ab\r");  // the line feed itself belongs to the line it ends
  CHECK(slice(source.text, source.line_at(5)) == "cd");
  CHECK(source.line_at(7) == Span{7, 7});
  CHECK(slice(source.text, source.line_at(12)) == "last");
}
