// Finds console blocks in a Markdown text and runs them.
#include "console.hpp"

#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "process.hpp"

namespace hostpci::test {

std::vector<ConsoleBlock> console_blocks(const std::string& document) {
  const std::string opening = "```console\n", closing = "```";
  std::vector<ConsoleBlock> blocks;
  for (std::size_t at = 0; (at = document.find(opening, at)) != std::string::npos;) {
    ConsoleBlock block;
    block.begin = at + opening.size();
    block.end = document.find(closing, block.begin);
    std::istringstream lines(document.substr(block.begin, block.end - block.begin));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("$ ")) block.commands.push_back(line.substr(2));
    at = block.end + closing.size();
    blocks.push_back(std::move(block));
  }
  return blocks;
}

std::vector<std::string> cut_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool begun = false;
  for (char c : line) {
    if (quote ? c == quote : c == '\'' || c == '"') {
      quote = quote ? 0 : c;
      begun = true;
    } else if (c == ' ' && !quote) {
      if (begun) words.push_back(std::move(word));
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(std::move(word));
  return words;
}

std::string run_block(const ConsoleBlock& block, const std::string& directory) {
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory);
  std::string body;
  for (const std::string& command : block.commands) {
    std::vector<std::string> words = cut_words(command);
    words.erase(words.begin());
    Ran ran = run_hostpci(words);
    body += "$ " + command + "\n" + ran.out + ran.err;
  }
  std::filesystem::current_path(before);
  return body;
}

}  // namespace hostpci::test
