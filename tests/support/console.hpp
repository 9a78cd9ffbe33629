// Console blocks of README and manuals: their commands are run and their output compared, or rewritten.
#pragma once
#include <string>
#include <vector>

namespace hostpci::test {

/// "```console" … "```" with "$ hostpci …" lines, each followed by its output.
struct ConsoleBlock {
  std::size_t begin = 0, end = 0;     ///< bytes of the body in the document
  std::vector<std::string> commands;  ///< without "$ "
};

std::vector<ConsoleBlock> console_blocks(const std::string& document);

/// A command line cut into words: blanks separate, single and double quotes group.
std::vector<std::string> cut_words(const std::string& line);

/// The body as it has to be: each command with what it prints (standard output, then standard error) when run in `directory`.
std::string run_block(const ConsoleBlock& block, const std::string& directory);

}  // namespace hostpci::test
