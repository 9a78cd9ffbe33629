// Any bytes as a modprobe.d file: directives lie in order, their words inside them.
#include "grammar/modprobe.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  std::uint32_t at = 0;
  for (const ModprobeDirective& d : parse_modprobe(text).directives) {
    HOLDS(inside(text, d.span) && d.span.begin >= at && !d.keyword.text.empty());
    HOLDS(is_slice(text, d.keyword.span, d.keyword.text) && d.keyword.span.begin >= d.span.begin);
    HOLDS(is_slice(text, d.module.span, d.module.text) && d.module.span.begin >= d.keyword.span.end);
    std::uint32_t inner = d.module.span.end;
    for (const PlacedWord& w : d.words) {
      HOLDS(is_slice(text, w.span, w.text) && w.span.begin >= inner && !w.text.empty());
      HOLDS(w.text.find_first_of(" \t\n") == w.text.npos);
      inner = w.span.end;
    }
    HOLDS(inner <= d.span.end);
    at = d.span.end;
  }
  return 0;
}
