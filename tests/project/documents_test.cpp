// What the documents claim: every console block of README and manuals prints what it shows; HOSTPCI_BLESS=1 rewrites it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "../support/console.hpp"
#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "cli/command.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const std::string source = SOURCE_DIR;

/// Commands are run where a reader of a clone stands; what they write goes into a directory of its own.
struct Clone {
  TemporaryDirectory directory;
  Clone() { std::filesystem::create_directory_symlink(source + "/fixtures", directory.path() + "/fixtures"); }
  const std::string& path() const { return directory.path(); }
};

std::string with_real_output(const std::string& document) {
  Clone clone;
  std::string made;
  std::size_t at = 0;
  for (const ConsoleBlock& block : console_blocks(document)) {
    made += document.substr(at, block.begin - at) + run_block(block, clone.path());
    at = block.end;
  }
  return made + document.substr(at);
}

}  // namespace

TEST_CASE("every console block of the README shows real output") {
  const std::string path = source + "/README.md";
  std::string document = read_file(path), real = with_real_output(document);
  CHECK(console_blocks(document).size() >= 5);
  if (std::getenv("HOSTPCI_BLESS")) std::ofstream(path, std::ios::binary) << real;
  else CHECK(document == real);
}

TEST_CASE("README and CI run the same test command") {
  const std::string command = "apt-get update && apt-get build-dep -y . && cmake --workflow --preset check";
  CHECK(read_file(source + "/README.md").find(command) != std::string::npos);
  CHECK(read_file(source + "/.ci/run").find(command) != std::string::npos);
  CHECK(read_file(source + "/README.md").find("cmake --workflow --preset demo") != std::string::npos);
}

TEST_CASE("hostpci(1) names every command and every option of all commands") {
  std::string manual = read_file(source + "/man/hostpci.1");
  for (const Command& command : commands()) CHECK_MESSAGE(manual.find(command.name) != std::string::npos, command.name);
  for (const OptionSpec& option : global_options()) {
    std::string name = "\\-\\-" + std::string(option.name);
    CHECK_MESSAGE(manual.find(name) != std::string::npos, name);
  }
}

TEST_CASE("the commands of the manuals' examples are accepted") {
  Clone clone;
  for (const auto& entry : std::filesystem::directory_iterator(source + "/man")) {
    std::istringstream lines(read_file(entry.path()));
    for (std::string line; std::getline(lines, line);) {
      bool name_line = line.starts_with("hostpci \\-");
      if (!line.starts_with("hostpci ") || name_line || entry.path().filename() == "hostpci-rules.7") continue;
      std::string plain;
      for (char c : line)
        if (c != '\\') plain += c;
      Ran ran = [&] {
        std::filesystem::path before = std::filesystem::current_path();
        std::filesystem::current_path(clone.path());
        std::vector<std::string> words = cut_words(plain);
        words.erase(words.begin());
        Ran result = run_hostpci(words);
        std::filesystem::current_path(before);
        return result;
      }();
      CHECK_MESSAGE(ran.status != 2, plain << "\n" << ran.err);
    }
  }
}
