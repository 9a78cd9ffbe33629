// The grammar of the hostpci property string, its table of properties, and PVE's canonical text.
#include "grammar/hostpci.hpp"

#include <algorithm>
#include <cstring>

#include "grammar/address_rules.hpp"
#include "grammar/hostpci_faults.hpp"
#include "grammar/kit.hpp"

namespace hostpci {
namespace {

struct KeyRow {
  std::string_view name;
  HostpciType type;
};
/// In the order of HostpciKey.
constexpr std::array<KeyRow, hostpci_key_count> key_rows{{
    {"host", HostpciType::addresses},
    {"mapping", HostpciType::mapping_id},
    {"driver", HostpciType::driver},
    {"rombar", HostpciType::boolean},
    {"romfile", HostpciType::file_name},
    {"pcie", HostpciType::boolean},
    {"x-vga", HostpciType::boolean},
    {"legacy-igd", HostpciType::boolean},
    {"mdev", HostpciType::mdev_type},
    {"vendor-id", HostpciType::pci_id},
    {"device-id", HostpciType::pci_id},
    {"sub-vendor-id", HostpciType::pci_id},
    {"sub-device-id", HostpciType::pci_id},
}};

/// All keys but host in byte order: the order PVE prints them in.
constexpr std::array<HostpciKey, hostpci_key_count - 1> printed_order{
    HostpciKey::device_id,     HostpciKey::driver,        HostpciKey::legacy_igd, HostpciKey::mapping,
    HostpciKey::mdev,          HostpciKey::pcie,          HostpciKey::rombar,     HostpciKey::romfile,
    HostpciKey::sub_device_id, HostpciKey::sub_vendor_id, HostpciKey::vendor_id,  HostpciKey::x_vga};

/// Equal to `word` (lower case) but for letter case.
bool is_word(std::string_view text, std::string_view word) {
  for (std::size_t i = 0; i < word.size(); ++i)
    if (text[i] != word[i] && (text[i] | 0x20) != word[i]) return false;
  return true;
}

// The grammar ------------------------------------------------------------------------------------------------------

using namespace grammar;

struct Judged : Text {
  Hostpci& result;
  HostpciFaults& faults;
};

constexpr ByteSet key_byte{"a-z-"}, word_byte{"a-zA-Z0-9"}, letter{"a-zA-Z"}, id_byte{"a-zA-Z0-9_-"};
constexpr ByteSet file_byte{"^,;\n"}, mdev_byte{"^,/.:\n"};

/// p, with no upper-case hex digit in what it took.
template <class P>
struct lower_parser : bare_directive<P, lower_parser<P>> {
  using bare_directive<P, lower_parser>::bare_directive;
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, Attribute&) const {
    Iterator p = first;
    if (!this->subject.parse(first, last, context, owner, x3::unused)) return false;
    while (p != first && !(*p >= 'A' && *p <= 'F')) ++p;
    return p == first;
  }
};
constexpr directive_generator<lower_parser> lower_hex{};

struct key_parser : typed_parser<HostpciKey, key_parser> {
  template <class Context, class Owner>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, HostpciKey& key) const {
    Iterator p = first;
    while (p != last && key_byte(*p)) ++p;
    const std::optional<HostpciKey> known = parse_hostpci_key(view_of(first, p));
    if (!known) return false;
    key = *known;
    first = p;
    return true;
  }
};

struct boolean_parser : bare_parser<boolean_parser> {
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context&, Owner&, Attribute&) const {
    Iterator p = first;
    while (p != last && word_byte(*p)) ++p;
    if (!parse_boolean(view_of(first, p))) return false;
    first = p;
    return true;
  }
};

/// The host list goes into the result itself, beside the property.
template <class P>
struct into_hosts_parser : bare_directive<P, into_hosts_parser<P>> {
  using bare_directive<P, into_hosts_parser>::bare_directive;
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner& owner, Attribute&) const {
    return this->subject.parse(first, last, context, owner, text(context).result.hosts);
  }
};
constexpr directive_generator<into_hosts_parser> into_hosts{};

// Values, named in the user's words: the name is what "expected …" prints.
const x3::rule<struct host_element_tag, HostElement> host_element =
    "PCI address (such as `0000:01:00.0`, or `01:00` for all functions)";
const x3::rule<struct boolean_tag> boolean = "boolean (`1`, `0`, `on`, `off`, `yes`, `no`, `true` or `false`)";
const x3::rule<struct mapping_id_tag> mapping_id =
    "mapping name (a letter, then letters, digits, `-` and `_`; two characters at least)";
const x3::rule<struct driver_tag> driver = "driver choice (`vfio` or `keep`)";
const x3::rule<struct file_name_tag> file_name = "ROM file name (anything without `,` and `;`)";
const x3::rule<struct mdev_type_tag> mdev_type = "mediated device type (such as `nvidia-63`; no `/`, `.` or `:`)";
const x3::rule<struct pci_id_tag> pci_id = "PCI id (`0x` and four hex digits, such as `0x10de`)";

const auto host_element_def =
    node[spot<&HostElement::text, &HostElement::span>[lower_hex[into<&HostElement::pattern>[address_pattern]]]];
const auto boolean_def = boolean_parser{};
const auto mapping_id_def = &some(letter) >> run_parser<2>{id_byte};
const auto driver_def = x3::lit("vfio") | "keep";
const auto file_name_def = some(file_byte);
const auto mdev_type_def = some(mdev_byte);
const auto pci_id_def = "0x" >> hex<std::uint16_t, 4, 4>;
BOOST_SPIRIT_DEFINE(host_element, boolean, mapping_id, driver, file_name, mdev_type, pci_id)

const auto host_list = into_hosts[items(host_element, ';')];

/// The value's rule is chosen by the key already read into the enclosing property.
struct value_parser : bare_parser<value_parser> {
  template <class Context, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, HostpciProperty& property,
             Attribute&) const {
    const auto one = [&](const auto& rule) { return rule.parse(first, last, context, property, x3::unused); };
    switch (type(property.key)) {
      case HostpciType::addresses: return one(host_list);
      case HostpciType::mapping_id: return one(mapping_id);
      case HostpciType::driver: return one(driver);
      case HostpciType::boolean: return one(boolean);
      case HostpciType::file_name: return one(file_name);
      case HostpciType::mdev_type: return one(mdev_type);
      case HostpciType::pci_id: return one(pci_id);
    }
    return false;
  }
};
const value_parser value{};

// PVE's patterns end in "$": one line feed may follow. It stays in the value of a keyless host, and nowhere else.
const x3::rule<struct property_tag, HostpciProperty> property = "property (such as `pcie=1`)";
const auto line_feed = -x3::lit('\n');
const auto keyed = into<&HostpciProperty::key, &HostpciProperty::key_span>[key_parser{}] >> '=' >>
                   spot<&HostpciProperty::value, &HostpciProperty::value_span>[value];
const auto keyless = into<&HostpciProperty::key, &HostpciProperty::key_span>[x3::attr(HostpciKey::host)] >>
                     spot<&HostpciProperty::value, &HostpciProperty::value_span>[host_list >> line_feed];
const auto property_def =
    node[(spot<nullptr, &HostpciProperty::span>[keyed] >> line_feed) | spot<nullptr, &HostpciProperty::span>[keyless]];
BOOST_SPIRIT_DEFINE(property)

/// Parts between commas. One that is no property up to its comma, or is given already, goes to the fault finder; the
/// next is read all the same.
struct parts_parser : bare_parser<parts_parser> {
  template <class Context, class Owner, class Attribute>
  bool parse(Iterator& first, Iterator const& last, const Context& context, Owner&, Attribute&) const {
    for (;; ++first) {
      if (!one(first, last, context)) first = faulty(first, last, context);
      if (first == last) return true;
    }
  }

 private:
  template <class Context>
  static bool one(Iterator& first, Iterator last, const Context& context) {
    Judged& judged = text(context);
    const std::size_t hosts = judged.result.hosts.size();
    HostpciProperty& p = judged.result.properties.emplace_back();
    Iterator next = first;
    if (property.parse(next, last, context, x3::unused, p) && (next == last || *next == ',') &&
        judged.faults.take(p.key, p.key_span.size() == 0)) {
      first = next;
      return true;
    }
    judged.result.properties.pop_back();
    judged.result.hosts.resize(hosts);
    return false;
  }
  template <class Context>
  static Iterator faulty(Iterator first, Iterator last, const Context& context) {
    Judged& judged = text(context);
    const Iterator end = std::find(first, last, ',');
    judged.faults.part(std::size_t(first - judged.begin), std::size_t(end - judged.begin));
    return end;
  }
};

template <class Rule>
bool matches(const Rule& rule, std::string_view value) {
  Hostpci scratch;
  HostpciFaults faults(value, 0, scratch);
  Judged judged{{value.data(), 0}, scratch, faults};
  Iterator first = value.data();
  return parse(rule, judged, first, value.data() + value.size(), x3::unused) && first == value.data() + value.size();
}

Hostpci judge(std::string_view text, std::uint32_t base, bool try_fixes) {
  Hostpci result;
  result.properties.reserve(4);
  HostpciFaults faults(text, base, result);
  Judged judged{{text.data(), base}, result, faults};
  Iterator first = text.data();
  parse(parts_parser{}, judged, first, text.data() + text.size(), x3::unused);
  if (!result.errors.empty()) faults.finish(try_fixes);
  return result;
}

}  // namespace

// Used by the fault finder -------------------------------------------------------------------------------------------

bool accepts_hostpci_value(HostpciKey key, std::string_view text) {
  switch (type(key)) {
    case HostpciType::addresses: return matches(host_list, text);
    case HostpciType::mapping_id: return matches(mapping_id, text);
    case HostpciType::driver: return matches(driver, text);
    case HostpciType::boolean: return matches(boolean, text);
    case HostpciType::file_name: return matches(file_name, text);
    case HostpciType::mdev_type: return matches(mdev_type, text);
    case HostpciType::pci_id: return matches(pci_id, text);
  }
  return false;
}

std::string hostpci_expectation(HostpciType type) {
  switch (type) {
    case HostpciType::addresses: return host_element.name;
    case HostpciType::mapping_id: return mapping_id.name;
    case HostpciType::driver: return driver.name;
    case HostpciType::boolean: return boolean.name;
    case HostpciType::file_name: return file_name.name;
    case HostpciType::mdev_type: return mdev_type.name;
    case HostpciType::pci_id: return pci_id.name;
  }
  return {};
}

Hostpci judge_hostpci(std::string_view text, std::uint32_t base) { return judge(text, base, false); }

// The public interface -----------------------------------------------------------------------------------------------

std::string_view name(HostpciKey key) { return key_rows[std::size_t(key)].name; }
HostpciType type(HostpciKey key) { return key_rows[std::size_t(key)].type; }

std::optional<HostpciKey> parse_hostpci_key(std::string_view text) {
  const auto is = [&](HostpciKey key) { return text == name(key) ? std::optional(key) : std::nullopt; };
  const char c = text.empty() ? '\0' : text[0];
  switch (text.size()) {
    case 4: return is(c == 'p' ? HostpciKey::pcie : c == 'h' ? HostpciKey::host : HostpciKey::mdev);
    case 5: return is(HostpciKey::x_vga);
    case 6: return is(c == 'r' ? HostpciKey::rombar : HostpciKey::driver);
    case 7: return is(c == 'r' ? HostpciKey::romfile : HostpciKey::mapping);
    case 9: return is(c == 'v' ? HostpciKey::vendor_id : HostpciKey::device_id);
    case 10: return is(HostpciKey::legacy_igd);
    case 13: return is(text[4] == 'v' ? HostpciKey::sub_vendor_id : HostpciKey::sub_device_id);
    default: return std::nullopt;
  }
}

std::optional<bool> parse_boolean(std::string_view text) {
  switch (text.size()) {
    case 1: return text[0] == '1' ? std::optional(true) : text[0] == '0' ? std::optional(false) : std::nullopt;
    case 2:
      return is_word(text, "on") ? std::optional(true) : is_word(text, "no") ? std::optional(false) : std::nullopt;
    case 3:
      return is_word(text, "yes") ? std::optional(true) : is_word(text, "off") ? std::optional(false) : std::nullopt;
    case 4: return is_word(text, "true") ? std::optional(true) : std::nullopt;
    case 5: return is_word(text, "false") ? std::optional(false) : std::nullopt;
    default: return std::nullopt;
  }
}

const HostpciProperty* Hostpci::find(HostpciKey key) const {
  for (const HostpciProperty& p : properties)
    if (p.key == key) return &p;
  return nullptr;
}

std::string_view Hostpci::text(HostpciKey key) const {
  const HostpciProperty* p = find(key);
  return p ? p->value : std::string_view();
}

bool Hostpci::flag(HostpciKey key, bool fallback) const { return parse_boolean(text(key)).value_or(fallback); }

Hostpci parse_hostpci(std::string_view text, std::uint32_t base) { return judge(text, base, true); }

std::string canonical(const Hostpci& value) {
  std::string out(value.text(HostpciKey::host));
  for (HostpciKey key : printed_order) {
    const HostpciProperty* p = value.find(key);
    if (!p) continue;
    if (!out.empty()) out += ',';
    out.append(name(key)) += '=';
    if (type(key) == HostpciType::boolean)
      out += parse_boolean(p->value).value_or(false) ? '1' : '0';
    else
      out += p->value;
  }
  return out;
}

}  // namespace hostpci
