// One loop over the parts, one function a type: what one writes without a grammar.
#include "hand_parser.hpp"

namespace hostpci::bench {
namespace {

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
unsigned digit(char c) { return unsigned(c <= '9' ? c - '0' : c - 'a' + 10); }

Span span(const char* base, const char* begin, const char* end) {
  return {std::uint32_t(begin - base), std::uint32_t(end - base)};
}

/// Hex digits from `p` on, as many as there are, as a number that does not overflow.
const char* read_hex(const char* p, const char* end, std::uint32_t& value) {
  std::uint64_t sum = 0;
  for (; p != end && is_hex(*p); ++p)
    if (sum <= 0xffffffff) sum = sum * 16 + digit(*p);
  value = sum > 0xffffffff ? 0xffffffff : std::uint32_t(sum);
  return p;
}

const char* read_byte(const char* p, const char* end, std::uint8_t& value) {
  if (end - p < 2 || !is_hex(p[0]) || !is_hex(p[1])) return nullptr;
  value = std::uint8_t(digit(p[0]) * 16 + digit(p[1]));
  return p + 2;
}

const char* read_element(const char* base, const char* p, const char* end, HostElement& element) {
  const char* begin = p;
  PciAddress& a = element.pattern.address;
  const char* after = read_hex(p, end, a.domain);
  if (after - p >= 4 && after != end && *after == ':')
    p = after + 1;
  else
    a.domain = 0;
  if (!(p = read_byte(p, end, a.bus)) || p == end || *p != ':') return nullptr;
  if (!(p = read_byte(p + 1, end, a.device))) return nullptr;
  element.pattern.whole_slot = !(end - p >= 2 && *p == '.' && is_hex(p[1]));
  if (!element.pattern.whole_slot) a.function = std::uint8_t(digit(p[1])), p += 2;
  element.text = {begin, std::size_t(p - begin)};
  element.span = span(base, begin, p);
  return p;
}

bool read_hosts(const char* base, const char* p, const char* end, std::vector<HostElement>& hosts) {
  for (;; ++p) {
    p = read_element(base, p, end, hosts.emplace_back());
    if (!p) return false;
    if (p == end) return true;
    if (*p != ';') return false;
  }
}

bool is_mapping(std::string_view v) {
  if (v.size() < 2 || !is_letter(v[0])) return false;
  for (char c : v)
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-') return false;
  return true;
}

bool is_id(std::string_view v) {
  if (v.size() != 6 || v[0] != '0' || v[1] != 'x') return false;
  for (char c : v.substr(2))
    if (!is_hex(c) && !(c >= 'A' && c <= 'F')) return false;
  return true;
}

bool is_value(HostpciKey key, std::string_view v) {
  switch (type(key)) {
    case HostpciType::mapping_id: return is_mapping(v);
    case HostpciType::driver: return v == "vfio" || v == "keep";
    case HostpciType::boolean: return parse_boolean(v).has_value();
    case HostpciType::file_name: return v.find(';') == v.npos;
    case HostpciType::mdev_type: return v.find_first_of("/.:") == v.npos;
    case HostpciType::pci_id: return is_id(v);
    case HostpciType::addresses: break;
  }
  return false;
}

/// What is known of the string so far.
struct State {
  Hostpci result;
  std::uint32_t given = 0;
  bool keyless = false, zero_host = false;
};

/// "01:00": one line feed may follow, and belongs to the value.
bool read_keyless(State& s, const char* base, const char* begin, const char* end) {
  const std::uint32_t bit = 1u << unsigned(HostpciKey::host);
  if (s.keyless || ((s.given & bit) && !s.zero_host)) return false;
  s.keyless = true;
  s.zero_host = false;
  s.given |= bit;
  const char* stop = end[-1] == '\n' ? end - 1 : end;
  if (!read_hosts(base, begin, stop, s.result.hosts)) return false;
  HostpciProperty& p = s.result.properties.emplace_back();
  p.value = {begin, std::size_t(end - begin)};
  p.span = p.value_span = span(base, begin, end);
  p.key_span = span(base, begin, begin);
  return true;
}

bool read_keyed(State& s, const char* base, const char* begin, const char* equals, const char* end) {
  const auto key = parse_hostpci_key({begin, std::size_t(equals - begin)});
  if (end[-1] == '\n') --end;
  if (!key || end <= equals + 1 || (s.given & 1u << unsigned(*key))) return false;
  s.given |= 1u << unsigned(*key);
  const char* first = equals + 1;
  const std::string_view value(first, std::size_t(end - first));
  if (value.find('\n') != value.npos) return false;
  if (*key == HostpciKey::host && value == "0") return s.zero_host = true;
  if (*key == HostpciKey::host ? !read_hosts(base, first, end, s.result.hosts) : !is_value(*key, value)) return false;
  HostpciProperty& p = s.result.properties.emplace_back();
  p.key = *key;
  p.value = value;
  p.span = span(base, begin, end);
  p.key_span = span(base, begin, equals);
  p.value_span = span(base, first, end);
  return true;
}

bool read_part(State& s, const char* base, const char* begin, const char* end, const char* equals) {
  if (equals) return read_keyed(s, base, begin, equals, end);
  const char* p = begin;
  while (p != end && is_white(*p)) ++p;
  return p == end || read_keyless(s, base, begin, end);
}

}  // namespace

Hostpci hand_parse(std::string_view text) {
  State s;
  s.result.properties.reserve(4);
  const char *base = text.data(), *end = base + text.size();
  bool ok = true;
  for (const char* p = base; ok; ++p) {
    const char *begin = p, *equals = nullptr;
    for (; p != end && *p != ','; ++p)
      if (*p == '=' && !equals) equals = p;
    ok = read_part(s, base, begin, p, equals);
    if (p == end) break;
  }
  if (!ok || s.zero_host) s.result.errors.emplace_back();
  return std::move(s.result);
}

}  // namespace hostpci::bench
