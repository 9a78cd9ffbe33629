// Any bytes as a property string: parts lie in order inside the text and are pieces of it.
#include "grammar/property_string.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const PropertyString parsed = parse_property_string(text);
  std::uint32_t at = 0;
  for (const Property& p : parsed.properties) {
    HOLDS(inside(text, p.span) && p.span.begin >= at);
    HOLDS(is_slice(text, p.key_span, p.key) && is_slice(text, p.value_span, p.value));
    HOLDS(!p.value.empty() && p.key.find('=') == p.key.npos);
    HOLDS(slice(text, p.span) ==
          (p.key.empty() ? std::string(p.value) : std::string(p.key) + '=' + std::string(p.value)));
    HOLDS(parsed.find(p.key, p.key) != nullptr);
    at = p.span.end;
  }
  if (parsed.broken) HOLDS(inside(text, *parsed.broken) && parsed.broken->begin >= at && parsed.broken->size() > 0);
  const PropertyString moved = parse_property_string(text, 1000);
  HOLDS(moved.properties.size() == parsed.properties.size());
  for (std::size_t i = 0; i < moved.properties.size(); ++i)
    HOLDS(moved.properties[i].span.begin == parsed.properties[i].span.begin + 1000);
  return 0;
}
