// Options of the command line, on Boost.Program_options: the global ones and each command's own.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/result.hpp"

namespace hostpci {

/// none: a flag; required: takes the next word; boolean: a flag that may have 1|on|yes|true|0|off|no|false (qm's booleans).
enum class OptionValue { none, required, boolean };

struct OptionSpec {
  std::string_view name;      ///< long name without dashes
  OptionValue value = OptionValue::none;
  std::string_view argument;  ///< "LIST", for help
  std::string_view help;
  char letter = 0;            ///< short form, 0: none
};

/// Options that every command takes.
struct Globals {
  std::string root = "/";
  std::string host;    ///< a snapshot's path; empty: the live host below `root`
  std::string format;
  std::string color = "auto";
  bool quiet = false;
  int verbose = 0;
  bool help = false, version = false;
  bool has_root() const { return root != "/"; }
};

/// Values in the order given, by full name.
class Options {
 public:
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  bool has(std::string_view name) const { return values.find(name) != values.end(); }
  /// A flag that is given and not switched off.
  bool flag(std::string_view name) const;
  /// The last value, or empty.
  std::string text(std::string_view name) const;
  /// All values split at commas, semicolons and white space.
  std::vector<std::string> list(std::string_view name) const;
};

struct ParsedLine {
  Globals globals;
  Options options;
  std::vector<std::string> arguments;
};

std::span<const OptionSpec> global_options();

/// The words after the command's name (global options may stand among them). A Failure is wrong usage, with a did-you-mean.
Result<ParsedLine> parse_options(const std::vector<std::string>& words, std::span<const OptionSpec> specs, bool qm_style);

}  // namespace hostpci
