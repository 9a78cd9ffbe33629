// Any bytes as sysfs.conf: lines lie in order, paths and values inside them.
#include "grammar/sysfs_conf.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  std::uint32_t at = 0;
  for (const SysfsLine& line : parse_sysfs_conf(text)) {
    HOLDS(inside(text, line.span) && line.span.begin >= at && line.span.size() > 0);
    HOLDS(is_slice(text, line.path_span, line.path) && is_slice(text, line.value_span, line.value));
    HOLDS(line.path_span.end <= line.value_span.begin && line.value_span.end <= line.span.end);
    HOLDS(line.kind == SysfsLine::Kind::bad || (!line.path.empty() && !line.value.empty()));
    HOLDS(slice(text, line.span).find_first_of("\n#") == text.npos);
    at = line.span.end;
  }
  return 0;
}
