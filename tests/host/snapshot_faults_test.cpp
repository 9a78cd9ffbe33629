// Snapshots that are wrong: every fault has its place, and nothing exhausts the reader.
#include <doctest/doctest.h>

#include "read_back.hpp"

using namespace hostpci;
using hostpci::test::ReadBack;

TEST_CASE("what is wrong is told with line and column") {
  struct Case {
    std::string text, message;
    Position position;
  };
  const Case cases[] = {
      {"", "an empty snapshot", {1, 1}},
      {"node: a\n", "no `version: 1`: this is no snapshot of a host", {1, 1}},
      {"version: 2\n", "expected `1`, the only version of a snapshot so far, found `2`", {1, 10}},
      {"[a, b]\n", "expected a map, found a list", {1, 1}},
      {"version: 1\ndevices:\n  01:00: {}\n", "expected a PCI address such as `0000:01:00.0`, found `01:00`", {3, 3}},
      {"version: 1\ndevices:\n  0000:01:00.0: {group: x}\n", "expected a number, or `-1` for none, found `x`", {3, 25}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    class: 0300\n",
       "expected a class code of six hex digits such as `0x030000`, found `0300`",
       {4, 12}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    id: 10de\n",
       "expected vendor and device as four hex digits each, such as `10de:1b80`, found `10de`",
       {4, 9}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    boot-vga: yes\n",
       "expected `true` or `false`, found `yes`",
       {4, 15}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    irq: -1\n",
       "expected a number from 0 to 4294967295, found `-1`",
       {4, 10}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    driver: [a]\n",
       "expected a text (an empty one is `\"\"`), found a list",
       {4, 13}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    uses: [{kind: disc, name: sda}]\n",
       "no such kind of use: `disc`",
       {4, 19}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    uses: [{kind: disk}]\n", "no `name` here", {4, 12}},
      {"version: 1\ndevices:\n  0000:01:00.0:\n    bars: [0x0, 12]\n",
       "expected `START-END FLAGS` in hex with 0x, or `0x0`, found `12`",
       {4, 17}},
      {"version: 1\nnode: a\nnode: b\n", "`node` stands twice in one map", {3, 1}},
      {"version: 1\ndevices:\n  0000:01:00.0: {}\n  01:00.0: {}\n", "`0000:01:00.0` stands twice", {4, 3}},
      {"version: 1\nnode: &a b\narchitecture: *a\n", "aliases (`*name`) are not allowed in a snapshot", {3, 15}},
      {"version: 1\n---\nversion: 1\n", "a snapshot is one document, here begins another", {2, 1}},
      {"version: 1\nnode: \"a\n", "not valid YAML: illegal EOF in scalar", {3, 1}},
      {"version: 1\nnode: \"a", "not valid YAML: illegal EOF in scalar", {2, 9}},
      {"version: 1\nnode: \"a\\", "not valid YAML: unknown escape character: \\x04", {2, 10}},
      {"version: 1\nnode: a\x01\n", "a control character, which YAML does not allow", {2, 8}},
      {"version: 1\nnode: \xff\n", "bytes that are no UTF-8", {2, 7}},
      {"version: 1\nnode: !bytes \"\\u0100\"\n", "`!bytes` holds a character above \\xFF", {2, 7}},
      {"version: 1\n[a]: b\n", "a key that is no text", {2, 1}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    ReadBack back(c.text);
    CHECK_FALSE(back.host);
    REQUIRE(back.sink.diagnostics.size() >= 1);
    CHECK(back.message() == c.message);
    CHECK(back.sink.diagnostics[0].rule == "snapshot");
    CHECK(back.position().line == c.position.line);
    CHECK(back.position().column == c.position.column);
  }
}

TEST_CASE("a mistyped kind of use has a did-you-mean") {
  ReadBack back("version: 1\ndevices:\n  0000:01:00.0:\n    uses: [{kind: disc, name: sda}]\n");
  REQUIRE(back.sink.diagnostics.size() == 1);
  REQUIRE(back.sink.diagnostics[0].help.size() == 1);
  CHECK(back.sink.diagnostics[0].help[0] == "did you mean `disk`?");
}

TEST_CASE("every fault of one document is told") {
  ReadBack back("version: 1\ndevices:\n  0000:01:00.0: {group: x, irq: y, boot-vga: z}\n");
  CHECK(back.sink.diagnostics.size() == 3);
}

TEST_CASE("what would exhaust the reader is refused") {
  std::string bomb = "version: 1\na: &a [x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ", *" + char(c - 1) + "]\n";
  CHECK(ReadBack(bomb).message() == "aliases (`*name`) are not allowed in a snapshot");
  CHECK(ReadBack("version: 1\nx: " + std::string(100000, '[') + "\n").message() == "nested more than 64 deep");
  CHECK(ReadBack("version: 1\nx: " + std::string(100000, '{') + "\n").message() == "nested more than 64 deep");
  std::string dashes = "version: 1\nx:\n ";
  for (int i = 0; i < 50000; ++i) dashes += "- ";
  CHECK(ReadBack(dashes + "\n").message() == "nested more than 64 deep");
  CHECK(ReadBack("version: 1\nx: " + std::string(std::size_t(10) << 20, 'a') + "\n").message() ==
        "a text of more than 8 MiB");
  CHECK(ReadBack("version: 1\nx: " + std::string(std::size_t(20) << 20, 'a') + "\n").message() ==
        "a snapshot of more than 16 MiB");
}
