// Proxmox's property string: comma-separated key=value parts, one of which may come without its key.
// The rules of PVE::JSONSchema::parse_property_string (pve-common), without a schema.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// One part. Spans are offsets in the text given to the parser, plus its base.
struct Property {
  std::string_view key;    ///< empty for a part without "="
  std::string_view value;
  Span span, key_span, value_span;  ///< key_span is empty (at the value's begin) for a part without a key
};

struct PropertyString {
  std::vector<Property> properties;
  /// Place of the first part that PVE cannot cut ("missing key"), if any: parsing stops there, as PVE's does.
  std::optional<Span> broken;

  /// The last value of that key (default_key also finds parts without a key).
  const Property* find(std::string_view key, std::string_view default_key = {}) const;
};

/// Any bytes; the views point into `text`.
PropertyString parse_property_string(std::string_view text, std::uint32_t base = 0);

}  // namespace hostpci
