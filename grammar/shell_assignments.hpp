// Assignments of a shell fragment such as /etc/default/grub, as far as they are plain; nothing is ever run.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// NAME=value. `value` is what the shell would store if nothing in it needs expanding, except that "$NAME"/"${NAME}" of
/// the variable itself at its start marks `appends`; a value with any other expansion is not `plain`.
struct ShellAssignment {
  std::string_view name;
  std::string value;        ///< quotes removed, continuations joined
  bool plain = true;        ///< value is known
  bool appends = false;     ///< "$NAME rest": value holds the rest
  bool conditional = false; ///< stands inside if/case/function/loop
  bool simple = false;      ///< one word in one pair of quotes (or none) on one line: value_span may be edited in place
  Span span, name_span, value_span;  ///< value_span without its outer quotes if simple
};

/// A line that update-grub would stumble over (dash): "X = y", "X+=y", an unterminated quote, "X=a b".
struct ShellProblem {
  std::string message;
  Span span;
};

struct ShellFile {
  std::vector<ShellAssignment> assignments;
  std::vector<ShellProblem> problems;
};

ShellFile parse_shell_assignments(std::string_view text);

}  // namespace hostpci
