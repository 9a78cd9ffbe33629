// VM configuration files: kinds of lines, sections, values as PVE cuts them, and places that lose no byte.
#include "grammar/vm_config.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "../support/temporary.hpp"

namespace hostpci {
namespace {

/// The file of that one line.
ConfigLine only_line(std::string_view text) {
  const VmConfig config = parse_vm_config(text);
  REQUIRE(config.lines.size() == 1);
  return config.lines[0];
}

std::string joined(std::string_view text, const VmConfig& config) {
  std::string all;
  for (const ConfigLine& line : config.lines) all += slice(text, line.full);
  return all;
}

void check_places(std::string_view text) {
  const VmConfig config = parse_vm_config(text);
  CHECK(joined(text, config) == text);
  REQUIRE_FALSE(config.sections.empty());
  CHECK(config.sections[0].kind == SectionKind::main);
  std::size_t next = 0;
  for (const ConfigSection& s : config.sections) {
    CHECK(s.begin == next + (s.header == ConfigSection::npos ? 0 : 1));
    next = s.end;
  }
  CHECK(next == config.lines.size());
  for (const ConfigLine& line : config.lines) {
    if (line.kind == LineKind::assignment || line.kind == LineKind::section)
      CHECK(slice(text, line.key_span) == line.key);
    if (line.kind == LineKind::assignment || line.kind == LineKind::comment)
      CHECK(slice(text, line.value_span) == line.value);
    CHECK(line.full.begin == line.span.begin);
    CHECK(line.span.end <= line.full.end);
  }
}

TEST_CASE("assignments") {
  const ConfigLine line = only_line("hostpci0: 01:00,pcie=1\n");
  CHECK(line.kind == LineKind::assignment);
  CHECK(line.key == "hostpci0");
  CHECK(line.value == "01:00,pcie=1");
  CHECK(line.span == Span{0, 22});
  CHECK(line.full == Span{0, 23});
  CHECK(line.key_span == Span{0, 8});
  CHECK(line.value_span == Span{10, 22});
}

TEST_CASE("white space around a value goes, within it stays") {
  CHECK(only_line("name:x").value == "x");
  CHECK(only_line("name:\t x y\v\f \r\n").value == "x y");
  CHECK(only_line("name: a: b ").value == "a: b");
  CHECK(only_line("name: \xc2\xa0x").value == "\xc2\xa0x");
  CHECK(only_line(std::string("name: a\0b", 9)).value == std::string("a\0b", 3));
}

TEST_CASE("a value of white space alone is its last byte") {
  CHECK(only_line("hostpci4: ").value == " ");
  CHECK(only_line("hostpci4: \t").value == "\t");
  CHECK(only_line("hostpci4: \t\n").value_span == Span{10, 11});
  CHECK(only_line("hostpci4:\r\n").value == "\r");
  CHECK(only_line("hostpci1:").kind == LineKind::bad);
  CHECK(only_line("hostpci1:\n").kind == LineKind::bad);
}

TEST_CASE("keys are lower case, with digits at the end only") {
  for (const char* good : {"a:b", "a-b_c:x", "net0:x", "x-:1", "a9: 1", "hostpci01: 1", "a:: b"}) {
    CAPTURE(good);
    CHECK(only_line(good).kind == LineKind::assignment);
  }
  for (const char* bad : {" a: b", "\ta: b", "A: b", "aB: c", "a1b: c", "1a: b", "-a: b", "_a: b", "a b: c", "a", "a ",
                          "a :b", ": b", "a=b", "]", "\xc3\xa9: 1", "a", ";x: y"}) {
    CAPTURE(bad);
    CHECK(only_line(bad).kind == LineKind::bad);
  }
}

TEST_CASE("blank lines and comments") {
  CHECK(only_line("\n").kind == LineKind::blank);
  CHECK(only_line(" \t\r\n").kind == LineKind::blank);
  CHECK(only_line("#").kind == LineKind::comment);
  CHECK(only_line("# a \n").value == " a ");
  CHECK(only_line("#hostpci0: 01:00\n").value == "hostpci0: 01:00");
  CHECK(only_line(" # a").kind == LineKind::bad);
  CHECK(parse_vm_config("").lines.empty());
}

TEST_CASE("sections by their names") {
  struct Case {
    std::string_view header;
    SectionKind kind;
    std::string_view name;
  };
  const Case cases[] = {
      {"[PENDING]", SectionKind::pending, "PENDING"},
      {"[pending]  ", SectionKind::pending, "pending"},
      {"[PeNdInG]\r", SectionKind::pending, "PeNdInG"},
      {"[special:fleecing]", SectionKind::special, "fleecing"},
      {"[special:]", SectionKind::unknown, "special:"},
      {"[SPECIAL:FLEECING]", SectionKind::unknown, "SPECIAL:FLEECING"},
      {"[s1]", SectionKind::snapshot, "s1"},
      {"[Snap_1-x]", SectionKind::snapshot, "Snap_1-x"},
      {"[a]", SectionKind::unknown, "a"},
      {"[1a]", SectionKind::unknown, "1a"},
      {"[]", SectionKind::unknown, ""},
      {"[a b]", SectionKind::unknown, "a b"},
      {"[PENDINGS]", SectionKind::snapshot, "PENDINGS"},
      {"[[a]", SectionKind::unknown, "[a"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.header);
    const VmConfig config = parse_vm_config(c.header);
    REQUIRE(config.sections.size() == 2);
    CHECK(config.sections[1].kind == c.kind);
    CHECK(config.sections[1].name == c.name);
    CHECK(config.sections[1].header == 0);
  }
  for (const char* bad : {" [a1]", "[a1", "[a1]x", "[a1] x", "a1]", "[a]]"}) {
    CAPTURE(bad);
    CHECK(parse_vm_config(bad).sections.size() == 1);
    CHECK(only_line(bad).kind == LineKind::bad);
  }
}

TEST_CASE("lines belong to the section above them") {
  const VmConfig config = parse_vm_config("a: 1\n\n[PENDING]\nb: 2\nc: 3\n[s1]\n[s2]\nd: 4");
  REQUIRE(config.sections.size() == 4);
  CHECK(config.sections[0].begin == 0);
  CHECK(config.sections[0].end == 2);
  CHECK(config.sections[1].header == 2);
  CHECK(config.sections[1].begin == 3);
  CHECK(config.sections[1].end == 5);
  CHECK(config.sections[2].begin == config.sections[2].end);
  CHECK(config.sections[3].end == 8);
  CHECK(config.lines[7].full == Span{36, 40});
}

TEST_CASE("the whole lines give the text back") {
  std::string big(1 << 20, 'x');
  const std::string cases[] = {"",
                               "\n",
                               "\n\n",
                               "a: b",
                               "a: b\r\n\r\n[x",
                               std::string("\0\n\0", 3),
                               "\xff\xfe\n#\n",
                               "a:" + big + "\n" + big,
                               "\r",
                               "\r\n",
                               "x\r\ry\n"};
  for (const std::string& text : cases) check_places(text);
  const std::string pieces[] = {"a: b", "\n", "\r\n", "[s1]", "#c", " ", "hostpci0:", "\0"};
  std::uint32_t seed = 1;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 12; ++i) text += pieces[(seed = seed * 1103515245 + 12345) >> 16 & 7];
    CAPTURE(text);
    check_places(text);
  }
}

TEST_CASE("recorded files: every byte is accounted for") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FIXTURES "/corpus/vm-configs")) {
    if (entry.path().extension() != ".conf") continue;
    check_places(test::read_file(entry.path().string()));
    ++files;
  }
  CHECK(files > 50);
}

}  // namespace
}  // namespace hostpci
