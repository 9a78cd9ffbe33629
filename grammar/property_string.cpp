// Cuts a property string where PVE cuts it: at commas, each part at its first equals sign.
#include "grammar/property_string.hpp"

#include "grammar/kit.hpp"

namespace hostpci {
namespace {
using namespace grammar;

constexpr ByteSet key_byte{"^=,"}, value_byte{"^,\n"};

const auto part_end = &(x3::lit(',') | x3::eoi);
const auto line_feed = x3::lit('\n');

// A value ends before a line feed; only one at the part's very end may follow ("$" in PVE's pattern).
const x3::rule<struct keyed_tag, Property> keyed = "property (such as pcie=1)";
const x3::rule<struct keyless_tag, Property> keyless = "value without a key";
const auto keyed_def =
    node[spot<nullptr, &Property::span>[spot<&Property::key, &Property::key_span>[some(key_byte)] >> '=' >>
                                        spot<&Property::value, &Property::value_span>[some(value_byte)]] >>
         -line_feed >> part_end];
const auto keyless_def =
    node[spot<nullptr, &Property::span>[spot<&Property::value, &Property::value_span>[some(key_byte)]] >> part_end];
const auto empty = any(white) >> part_end;
BOOST_SPIRIT_DEFINE(keyed, keyless)

bool parse_part(Text& source, Iterator& first, Iterator last, Property& property) {
  const Iterator start = first;
  if (parse(keyed, source, first, last, property)) return true;
  first = start;
  property = {};
  if (!parse(keyless, source, first, last, property)) return false;
  property.key_span = {property.value_span.begin, property.value_span.begin};
  return true;
}

}  // namespace

const Property* PropertyString::find(std::string_view key, std::string_view default_key) const {
  for (auto it = properties.rbegin(); it != properties.rend(); ++it)
    if (it->key == key || (it->key.empty() && !default_key.empty() && key == default_key)) return &*it;
  return nullptr;
}

PropertyString parse_property_string(std::string_view text, std::uint32_t base) {
  PropertyString result;
  Text source{text.data(), base};
  Iterator first = text.data();
  const Iterator last = first + text.size();
  for (;; ++first) {
    const Iterator start = first;
    Property property;
    if (!parse(empty, source, first, last, x3::unused)) {
      first = start;
      if (!parse_part(source, first, last, property)) {
        while (first != last && *first != ',') ++first;
        result.broken = source.span(start, first);
        return result;
      }
      result.properties.push_back(property);
    }
    if (first == last) return result;
  }
}

}  // namespace hostpci
