// What a command is: a row of the one table (commands.cpp) and a function that runs on parsed options.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.hpp"
#include "cli/output.hpp"

namespace hostpci {

/// Exit status of every command.
enum Exit : int { done = 0, findings = 1, usage = 2, refused = 3 };

/// Everything a command's function gets.
struct Invocation {
  const struct Command* command = nullptr;
  Globals globals;
  Options options;
  std::vector<std::string> arguments;  ///< positional
  Output* out = nullptr;

  bool json() const { return globals.format == "json"; }
};

struct Command {
  std::string_view name;
  std::string_view usage;    ///< after the name: "[VM…] [--select LIST]"
  std::string_view summary;  ///< one line
  std::string_view text;     ///< what `help` says below the usage
  std::span<const OptionSpec> options;
  std::string_view formats;  ///< those it knows, separated by blanks; the first is the default
  std::size_t least = 0, most = std::size_t(-1);  ///< positional arguments
  bool qm_style = false;     ///< options as qm takes them: one dash, any letter case, unique abbreviations
  int (*run)(Invocation&) = nullptr;
};

std::span<const Command> commands();
const Command* find_command(std::string_view name);

}  // namespace hostpci
