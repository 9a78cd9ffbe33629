// What may reach a terminal, and what may stand in JSON.
#include "text/escape.hpp"

#include <doctest/doctest.h>

using namespace hostpci;
using namespace std::string_literals;

TEST_CASE("plain text and real UTF-8 stay") {
  CHECK(printable("") == "");
  CHECK(printable("hostpci0: 02:00,pcie=1 \\x1b") == "hostpci0: 02:00,pcie=1 \\x1b");
  CHECK(printable("Grüße 日本 😀") == "Grüße 日本 😀");
}

TEST_CASE("control characters are shown") {
  CHECK(printable("\x1b[31mred") == "\\x1b[31mred");
  CHECK(printable("a\tb\r\n\0\x7f"s) == "a\\tb\\x0d\\x0a\\x00\\x7f");
  CHECK(printable("\u009b31m") == "\\u{009b}31m");  // C1: CSI in one character
  CHECK(printable("\u202eevil\u2066") == "\\u{202e}evil\\u{2066}");
  CHECK(printable("\u200f\u061c") == "\\u{200f}\\u{061c}");
}

TEST_CASE("bytes that are no UTF-8 are shown in hex") {
  CHECK(printable("\x9b\x31m") == "\\x9b1m");    // a raw C1 byte
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");  // a sequence that is cut off
  CHECK(printable("\xc0\x9b") == "\\xc0\\x9b");  // overlong
  CHECK(printable("\xe0\x80\x9b") == "\\xe0\\x80\\x9b");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xe6\x97"
                  "a") ==
        "\\xe6\\x97"
        "a");
}

TEST_CASE("the line feeds of several lines stay") {
  CHECK(printable_lines("a\x1b\n\nb\t") == "a\\x1b\n\nb\\t");
  CHECK(printable_lines("a\n") == "a\n");
}

TEST_CASE("utf8 replaces each bad byte") {
  CHECK(utf8("ok é 😀") == "ok é 😀");
  CHECK(utf8("a\xff\xfe z") == "a\uFFFD\uFFFD z");
  CHECK(utf8("\xe6\x97") == "\uFFFD\uFFFD");
  CHECK(utf8("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");
  CHECK(utf8("\x1b\0"s) == "\x1b\0"s);
}

TEST_CASE("the size of the first character") {
  CHECK(character_size("ab") == 1);
  CHECK(character_size("é") == 2);
  CHECK(character_size("😀") == 4);
  CHECK(character_size("\xc3") == 1);
}

TEST_CASE("serialized JSON without characters that steer a terminal") {
  CHECK(terminal_safe_json("{\"a\":\"\x7f\u009b\u202e é\"}") == "{\"a\":\"\\u007f\\u009b\\u202e é\"}");
}

TEST_CASE("no byte at all leaves as a control byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += char(byte);
  for (char c : printable(all)) CHECK((c >= 0x20 && c < 0x7f));
}
