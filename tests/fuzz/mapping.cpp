// Any bytes as pci.cfg: sections lie in order, their lines inside them, all as pieces of the text.
#include "grammar/mapping.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const MappingFile file = parse_mapping(text);
  std::uint32_t at = 0;
  for (const MappingSection& s : file.sections) {
    HOLDS(inside(text, s.span) && s.span.begin >= at);
    HOLDS(is_slice(text, s.id_span, s.id) && !s.id.empty() && s.id_span.begin == s.span.begin);
    HOLDS(s.span.begin == 0 || text[s.span.begin - 1] == '\n');
    at = s.id_span.end;
    for (const MappingLine& line : s.lines) {
      HOLDS(line.span.begin >= at && inside(text, line.span) && line.span.end <= s.span.end);
      HOLDS(is_slice(text, line.key_span, line.key) && is_slice(text, line.value_span, line.value));
      HOLDS(!line.key.empty() && line.key_span.begin > line.span.begin && line.value_span.end <= line.span.end);
      at = line.span.end;
    }
    at = s.span.end;
  }
  at = 0;
  for (Span bad : file.bad) {
    HOLDS(inside(text, bad) && bad.begin >= at && slice(text, bad).find('\n') == text.npos);
    at = bad.end;
  }
  return 0;
}
