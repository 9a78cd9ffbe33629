// Small cuts of text.
#include "text/words.hpp"

#include <doctest/doctest.h>

using namespace hostpci;
using Parts = std::vector<std::string_view>;

TEST_CASE("trim") {
  CHECK(trim(" \t\r\n\v\f a b \n") == "a b");
  CHECK(trim(" \n ") == "");
  CHECK(trim("") == "");
}

TEST_CASE("split keeps empty parts") {
  CHECK(split("a,,b,", ',') == Parts{"a", "", "b", ""});
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(split("a", ',') == Parts{"a"});
  CHECK(split("", ',').empty());
}

TEST_CASE("words") {
  CHECK(words("  quiet  iommu=pt\tx\n") == Parts{"quiet", "iommu=pt", "x"});
  CHECK(words(" \n").empty());
}

TEST_CASE("number takes the whole text or nothing") {
  CHECK(number("0") == 0u);
  CHECK(number("18446744073709551615") == 18446744073709551615u);
  CHECK(number("fF", 16) == 255u);
  for (std::string_view bad : {"", " 1", "1 ", "+1", "-1", "0x1", "18446744073709551616", "a"})
    CHECK_FALSE(number(bad).has_value());
  CHECK_FALSE(number("0xff", 16).has_value());
}

TEST_CASE("join and count") {
  CHECK(join({}, ", ") == "");
  CHECK(join({"a", "b", ""}, ", ") == "a, b, ");
  CHECK(count(1, "device") == "1 device");
  CHECK(count(0, "device") == "0 devices");
  CHECK(count(2, "entry", "entries") == "2 entries");
  CHECK(lower("ÄBC-x_Y") == "Äbc-x_y");
}

TEST_CASE("glob") {
  CHECK(glob("", ""));
  CHECK(glob("*", ""));
  CHECK(glob("vm-*", "vm-pcie-needs-q35"));
  CHECK(glob("*-*-q3?", "vm-pcie-needs-q35"));
  CHECK(glob("*/*", "a/b"));
  CHECK(glob("a*b*c", "aXbYbZc"));
  CHECK(glob("hostpci[0-9]", "hostpci7"));
  CHECK(glob("[!a-c]x", "dx"));
  CHECK(glob("[]x]", "]"));
  CHECK(glob("[a", "[a"));
  CHECK_FALSE(glob("", "a"));
  CHECK_FALSE(glob("?", ""));
  CHECK_FALSE(glob("vm-*", "device-x"));
  CHECK_FALSE(glob("hostpci[0-9]", "hostpcix"));
  CHECK_FALSE(glob("[!a-c]x", "bx"));
  CHECK_FALSE(glob("a*b", "abc"));
}

TEST_CASE("glob with many stars ends soon") { CHECK_FALSE(glob("a*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a'))); }
