// Any bytes as a list of modules, for systemd and for initramfs-tools.
#include "grammar/modules.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  for (bool initramfs : {false, true}) {
    std::uint32_t at = 0;
    for (const ModuleLine& line : parse_modules(text, initramfs)) {
      HOLDS(inside(text, line.span) && line.span.begin >= at && !line.name.empty());
      HOLDS(is_slice(text, line.name_span, line.name) && is_slice(text, line.arguments_span, line.arguments));
      HOLDS(line.name_span.begin == line.span.begin && line.arguments_span.end == line.span.end);
      HOLDS(slice(text, line.span).find('\n') == text.npos);
      at = line.span.end;
    }
  }
  return 0;
}
