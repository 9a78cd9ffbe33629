// Property strings without a schema: where PVE cuts, what it skips, and where it gives up.
#include "grammar/property_string.hpp"

#include <doctest/doctest.h>

namespace hostpci {
namespace {

TEST_CASE("parts, keys and values with their places") {
  const std::string_view text = "pc-q35-8.1,viommu=intel,a=b=c";
  const PropertyString p = parse_property_string(text, 10);
  REQUIRE(p.properties.size() == 3);
  CHECK_FALSE(p.broken);
  CHECK(p.properties[0].key.empty());
  CHECK(p.properties[0].value == "pc-q35-8.1");
  CHECK(p.properties[0].key_span == Span{10, 10});
  CHECK(p.properties[1].key == "viommu");
  CHECK(p.properties[1].value_span == Span{28, 33});
  CHECK(p.properties[1].span == Span{21, 33});
  CHECK(p.properties[2].value == "b=c");
  CHECK(p.find("viommu")->value == "intel");
  CHECK(p.find("type", "type")->value == "pc-q35-8.1");
  CHECK(p.find("type") == nullptr);
}

TEST_CASE("the last of a key is found") {
  const PropertyString p = parse_property_string("x,file=y,z");
  CHECK(p.find("file", "file")->value == "z");
  CHECK(p.find("file")->value == "y");
}

TEST_CASE("blank parts are skipped") {
  CHECK(parse_property_string("").properties.empty());
  CHECK(parse_property_string(",, ,\t,\n").properties.empty());
  CHECK(parse_property_string(",,a=1, ,").properties.size() == 1);
}

TEST_CASE("parsing stops at a part that cannot be cut") {
  const PropertyString p = parse_property_string("a=1,b=,c=3");
  CHECK(p.properties.size() == 1);
  REQUIRE(p.broken);
  CHECK(*p.broken == Span{4, 6});
  for (const char* bad : {"=", "=x", "a=", "==", "a=b\nc", "a=\n", "a=b\n\n"}) {
    CAPTURE(bad);
    CHECK(parse_property_string(bad).broken);
  }
}

TEST_CASE("one line feed at a part's end is dropped from a value with a key and kept without") {
  CHECK(parse_property_string("a=b\n").properties.at(0).value == "b");
  CHECK(parse_property_string("b\n,c=d").properties.at(0).value == "b\n");
}

}  // namespace
}  // namespace hostpci
