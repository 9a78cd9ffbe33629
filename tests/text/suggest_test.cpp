// Did you mean.
#include "text/suggest.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace hostpci;

namespace {
const std::vector<std::string_view> keys = {"host", "mapping", "rombar", "romfile", "pcie", "x-vga", "vendor-id"};
std::string_view nearest(std::string_view word) { return closest(word, keys).value_or("(none)"); }
}  // namespace

TEST_CASE("the nearest candidate") {
  CHECK(nearest("pci") == "pcie");
  CHECK(nearest("romfil") == "romfile");
  CHECK(nearest("rombra") == "rombar");  // a swap counts one
  CHECK(nearest("romabrx") == "rombar");
  CHECK(nearest("mappings") == "mapping");
  CHECK(nearest("hsot") == "host");
}

TEST_CASE("letter case and underscores count nothing") {
  CHECK(nearest("X_VGA") == "x-vga");
  CHECK(nearest("Vendor_ID") == "vendor-id");
}

TEST_CASE("a third of the length is the limit") {
  CHECK(nearest("zebra") == "(none)");
  CHECK(nearest("xxxx") == "(none)");
  CHECK(nearest("abcdefghijkl") == "(none)");
  CHECK(closest("abcdef", std::vector<std::string_view>{"abcdxy"}).has_value());
  CHECK_FALSE(closest("abcde", std::vector<std::string_view>{"abcxy"}).has_value());
}

TEST_CASE("the first of equals wins, a nearer one wins over it") {
  CHECK(closest("0000:01:00.0", std::vector<std::string_view>{"0000:02:00.0", "0000:03:00.0"}) == "0000:02:00.0");
  CHECK(closest("abcdef", std::vector<std::string_view>{"abcdxx", "abcdex", "abcdey"}) == "abcdex");
}

TEST_CASE("no candidates, and very long words") {
  CHECK_FALSE(closest("x", {}).has_value());
  CHECK(nearest(std::string(1 << 20, 'x')) == "(none)");
}
