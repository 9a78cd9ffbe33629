// Any bytes as a shell fragment: assignments and problems lie inside the text, simple values can be edited in place.
#include "grammar/shell_assignments.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const ShellFile file = parse_shell_assignments(text);
  std::uint32_t at = 0;
  for (const ShellAssignment& a : file.assignments) {
    HOLDS(inside(text, a.span) && a.span.begin >= at);
    HOLDS(is_slice(text, a.name_span, a.name) && a.name_span.begin == a.span.begin && text[a.name_span.end] == '=');
    HOLDS(inside(text, a.value_span) && a.value_span.begin > a.name_span.end && a.value_span.end <= a.span.end);
    if (a.simple) HOLDS(slice(text, a.value_span).find('\n') == text.npos);
    if (a.simple && a.plain && !a.appends && slice(text, a.value_span).find('\\') == text.npos)
      HOLDS(slice(text, a.value_span) == a.value);
    at = a.span.end;
  }
  for (const ShellProblem& p : file.problems) HOLDS(inside(text, p.span) && is_message(p.message, text));
  return 0;
}
