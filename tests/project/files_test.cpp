// Habits of the project itself: every source file says what it is for, none outgrows its room, nothing is left open.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <vector>

#include "../support/temporary.hpp"

namespace fs = std::filesystem;
using hostpci::test::read_file;

namespace {

std::vector<fs::path> sources(std::initializer_list<const char*> folders) {
  std::vector<fs::path> files;
  for (const char* folder : folders)
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(SOURCE_DIR) / folder))
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("a file's first line says what it is for") {
  for (const fs::path& file : sources({"src", "grammar", "tests"})) {
    std::string text = read_file(file);
    CHECK_MESSAGE(text.starts_with("// "), file.string());
  }
}

TEST_CASE("no source file outgrows its room") {
  for (const fs::path& file : sources({"src", "grammar"})) {
    std::string text = read_file(file);
    CHECK_MESSAGE(std::count(text.begin(), text.end(), '\n') <= 400, file.string());
  }
}

TEST_CASE("nothing is left open") {
  for (const fs::path& file : sources({"src", "grammar"})) {
    std::string text = read_file(file);
    for (const char* word : {"TO" "DO", "FIX" "ME", "XX" "X"}) CHECK_MESSAGE(text.find(word) == std::string::npos, file.string());
  }
}

// Two types of one name in the one namespace break the program without a word from compiler or linker.
TEST_CASE("no two headers define a type of the same name") {
  const std::regex definition("(?:^|\n)(?:struct|class|enum class) ([A-Za-z]+)[^;\n]*\\{");
  std::map<std::string, std::string> seen;
  for (const fs::path& file : sources({"src", "grammar"})) {
    if (file.extension() != ".hpp") continue;
    std::string text = read_file(file);
    for (auto match = std::sregex_iterator(text.begin(), text.end(), definition); match != std::sregex_iterator(); ++match) {
      auto [at, first] = seen.emplace((*match)[1], file.string());
      CHECK_MESSAGE((first || at->second == file.string()), at->first << " in " << at->second << " and " << file.string());
    }
  }
  CHECK(seen.size() > 100);
}
