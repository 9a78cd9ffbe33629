// The command line as words: global options anywhere, qm's forms, and what is refused.
#include "cli/options.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

constexpr OptionSpec own[] = {
    {"hostpci0", OptionValue::required, "VALUE"}, {"hostpci1", OptionValue::required, "VALUE"}, {"hostpci10", OptionValue::required, "VALUE"},
    {"delete", OptionValue::required, "LIST"},    {"skiplock", OptionValue::boolean},           {"dry-run", OptionValue::none},
};

ParsedLine accept(const std::vector<std::string>& words, bool qm = true) {
  auto line = parse_options(words, own, qm);
  REQUIRE_MESSAGE(line.has_value(), (line ? "" : line.error().message));
  return *line;
}

std::string refuse(const std::vector<std::string>& words, bool qm = true) {
  auto line = parse_options(words, own, qm);
  REQUIRE(!line.has_value());
  return line.error().message;
}

}  // namespace

TEST_CASE("an option may have one dash or two, its value after a blank or an equals sign") {
  for (std::vector<std::string> words : {std::vector<std::string>{"100", "-hostpci0", "01:00"}, {"100", "--hostpci0", "01:00"},
                                         {"--hostpci0=01:00", "100"}, {"-hostpci0=01:00", "100"}, {"--HOSTPCI0", "01:00", "100"}}) {
    ParsedLine line = accept(words);
    CHECK(line.options.text("hostpci0") == "01:00");
    CHECK(line.arguments == std::vector<std::string>{"100"});
  }
}

TEST_CASE("the last of a repeated option counts, lists add up") {
  ParsedLine line = accept({"100", "-hostpci0", "a", "-hostpci0", "b", "-delete", "x,y", "--del", "z"});
  CHECK(line.options.text("hostpci0") == "b");
  CHECK(line.options.list("delete") == std::vector<std::string>{"x", "y", "z"});
}

TEST_CASE("a full name is no abbreviation, an ambiguous one is refused") {
  CHECK(accept({"-hostpci1", "v"}).options.text("hostpci1") == "v");
  CHECK(refuse({"-hostpci", "v"}).find("ambiguous") != std::string::npos);
  CHECK(refuse({"--del", "v"}, false).find("unknown option") != std::string::npos);
}

TEST_CASE("a value may begin with a dash and may be empty") {
  CHECK(accept({"-hostpci0", "-delete"}).options.text("hostpci0") == "-delete");
  CHECK(accept({"-hostpci0", ""}).options.text("hostpci0").empty());
  CHECK(accept({"--hostpci0="}).options.has("hostpci0"));
}

TEST_CASE("booleans take a word only if it is one") {
  CHECK(accept({"-skiplock", "100"}).options.flag("skiplock"));
  CHECK_FALSE(accept({"-skiplock", "0"}).options.flag("skiplock"));
  CHECK(refuse({"-skiplock=maybe"}).find("boolean") != std::string::npos);
}

TEST_CASE("global options stand anywhere") {
  ParsedLine line = accept({"--root", "/mnt", "100", "-q", "-v", "-v", "--format=json"}, false);
  CHECK(line.globals.root == "/mnt");
  CHECK(line.globals.quiet);
  CHECK(line.globals.verbose == 2);
  CHECK(line.globals.format == "json");
}

TEST_CASE("wrong usage is told with the nearest option") {
  CHECK(refuse({"--dry-rum"}).find("`--dry-run`") != std::string::npos);
  CHECK(refuse({"--dry-run=yes"}).find("takes no value") != std::string::npos);
  CHECK(refuse({"-hostpci0"}).find("needs a value") != std::string::npos);
  CHECK(refuse({"--color", "blue"}).find("auto, always or never") != std::string::npos);
}

TEST_CASE("two dashes end the options") {
  CHECK(accept({"--", "-hostpci0"}).arguments == std::vector<std::string>{"-hostpci0"});
}
