// Any bytes as a kernel command line: arguments lie in order, their names and values inside them.
#include "grammar/cmdline.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  std::uint32_t at = 0;
  bool for_init = false;
  for (const KernelArgument& a : parse_kernel_command_line(text)) {
    HOLDS(is_slice(text, a.span, a.text) && a.span.begin >= at && !a.text.empty());
    HOLDS(is_slice(text, a.name_span, a.name) && is_slice(text, a.value_span, a.value));
    HOLDS(a.name_span.begin >= a.span.begin && a.value_span.end <= a.span.end && a.name_span.end <= a.value_span.begin);
    HOLDS(a.has_value || a.value.empty());
    HOLDS(!for_init || a.for_init);
    HOLDS(same_parameter(a.name, a.name));
    for_init = a.for_init;
    at = a.span.end;
  }
  return 0;
}
