// pci.cfg: sections end at an empty line only; whatever PVE ignores is told.
#include "grammar/mapping.hpp"

#include <doctest/doctest.h>

namespace hostpci {
namespace {

TEST_CASE("sections, lines and their places") {
  const std::string_view text =
      "# devices\ngpu\n\tmap node=pve1,path=0000:01:00\n\tdescription two words \n\nnic \n\tmdev\n";
  const MappingFile file = parse_mapping(text);
  REQUIRE(file.sections.size() == 2);
  CHECK(file.bad.empty());
  const MappingSection& gpu = file.sections[0];
  CHECK(gpu.id == "gpu");
  CHECK(slice(text, gpu.id_span) == "gpu");
  CHECK(slice(text, gpu.span) == "gpu\n\tmap node=pve1,path=0000:01:00\n\tdescription two words ");
  REQUIRE(gpu.lines.size() == 2);
  CHECK(gpu.lines[0].key == "map");
  CHECK(gpu.lines[0].value == "node=pve1,path=0000:01:00");
  CHECK(slice(text, gpu.lines[0].value_span) == gpu.lines[0].value);
  CHECK(slice(text, gpu.lines[0].key_span) == "map");
  CHECK(gpu.lines[1].value == "two words");
  CHECK(file.sections[1].id == "nic");
  CHECK(file.sections[1].lines.at(0).value.empty());
}

TEST_CASE("a header without an empty line above it is swallowed by the section before") {
  const std::string_view text = "gpu\n\tmap a\nnic\n\tmap b\n";
  const MappingFile file = parse_mapping(text);
  REQUIRE(file.sections.size() == 1);
  CHECK(file.sections[0].lines.size() == 2);
  REQUIRE(file.bad.size() == 1);
  CHECK(slice(text, file.bad[0]) == "nic");
}

TEST_CASE("a line of blanks does not end a section, comments do not either") {
  CHECK(parse_mapping("gpu\n \n\tmap a\n").sections.at(0).lines.size() == 1);
  CHECK(parse_mapping("gpu\n  # x\n#y\n\tmap a\n").sections.at(0).lines.size() == 1);
  CHECK(parse_mapping("gpu\r\n\tmap a\r\n\r\nnic\r\n").sections.size() == 1);
  CHECK(parse_mapping("gpu\r\n\tmap a\r\n").sections.at(0).lines.at(0).value == "a");
}

TEST_CASE("lines outside of sections that are no header") {
  const std::string_view text = " gpu\n\tmap a\ntwo words\n\n0\n";
  const MappingFile file = parse_mapping(text);
  CHECK(file.sections.empty());
  REQUIRE(file.bad.size() == 3);
  CHECK(slice(text, file.bad[2]) == "two words");
}

TEST_CASE("no last line feed, no text, odd bytes") {
  CHECK(parse_mapping("").sections.empty());
  CHECK(parse_mapping("gpu").sections.at(0).span == Span{0, 3});
  CHECK(parse_mapping("gpu\n\tmap x").sections.at(0).lines.at(0).value == "x");
  CHECK(parse_mapping(std::string_view("g\0u\n\t\xff \n", 8)).sections.at(0).lines.at(0).key == "\xff");
}

}  // namespace
}  // namespace hostpci
