// Kernel arguments cut as lib/cmdline.c next_arg cuts them: a quote toggles anywhere, the first equals sign splits.
#include "grammar/cmdline.hpp"

#include <algorithm>

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

/// The kernel's isspace: its table holds the no-break space of Latin-1 too, which is a byte of many UTF-8 characters.
constexpr ByteSet kernel_space{"\t\n\v\f\r \xa0"};
constexpr ByteSet word_byte{std::string_view("^\t\n\v\f\r \xa0\"\0", 10)}, quoted_byte{std::string_view("^\"\0", 3)};

// A word runs to white space outside quotes; a quote that is never closed runs to the end of the text.
const auto quoted_run = '"' >> any(quoted_byte) >> ('"' | &(x3::lit('\0') | x3::eoi));
const x3::rule<struct argument_tag, KernelArgument> argument = "kernel argument";
const auto argument_def = node[spot<&KernelArgument::text, &KernelArgument::span>[+(some(word_byte) | quoted_run)]];
BOOST_SPIRIT_DEFINE(argument)

/// Name and value without their outer quotes, which the kernel takes off after it has cut the word.
void cut(KernelArgument& a, Text& source) {
  Iterator begin = a.text.data(), end = begin + a.text.size();
  const bool quoted = *begin == '"';
  begin += quoted;
  // An equals sign in the first place is part of the name.
  const Iterator equals = begin == end ? end : std::find(begin + 1, end, '=');
  a.has_value = equals != end;
  Iterator value = a.has_value ? equals + 1 : end;
  const bool value_quoted = value != end && *value == '"';
  value += value_quoted;
  if ((quoted || value_quoted) && end > begin && end[-1] == '"') --end;
  value = std::min(value, end);
  const Iterator name_end = a.has_value ? equals : end;
  a.name = view_of(begin, name_end);
  a.name_span = source.span(begin, name_end);
  a.value = view_of(value, end);
  a.value_span = source.span(value, end);
}

char folded(char c) { return c == '-' ? '_' : c; }

}  // namespace

std::vector<KernelArgument> parse_kernel_command_line(std::string_view text, std::uint32_t base) {
  std::vector<KernelArgument> arguments;
  Text source{text.data(), base};
  Iterator first = text.data();
  const Iterator last = first + text.size();
  bool for_init = false;
  for (;;) {
    parse(any(kernel_space), source, first, last, x3::unused);
    KernelArgument a;
    if (!parse(argument, source, first, last, a)) return arguments;
    cut(a, source);
    a.for_init = for_init;
    for_init = for_init || (a.name == "--" && !a.has_value);
    arguments.push_back(a);
  }
}

bool same_parameter(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return folded(x) == folded(y); });
}

}  // namespace hostpci
