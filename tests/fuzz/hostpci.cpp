// Any bytes as a hostpci string: the hand-written parser agrees, places are true, messages are fit for a terminal,
// fixes mend.
#include "grammar/hostpci.hpp"

#include "../bench/hand_parser.hpp"
#include "holds.hpp"
#include "text/edit.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

namespace {

void check_properties(std::string_view text, const Hostpci& parsed) {
  for (const HostpciProperty& p : parsed.properties) {
    HOLDS(inside(text, p.span) && is_slice(text, p.value_span, p.value) && inside(text, p.key_span));
    HOLDS(p.key_span.size() == 0 || slice(text, p.key_span) == name(p.key));
    HOLDS(parsed.find(p.key) == &p);
  }
  for (const HostElement& e : parsed.hosts) HOLDS(is_slice(text, e.span, e.text));
  HOLDS(parsed.hosts.empty() != parsed.has(HostpciKey::host));
}

void check_errors(std::string_view text, const Hostpci& parsed) {
  std::vector<Edit> fixes;
  for (const HostpciError& e : parsed.errors) {
    HOLDS(inside(text, e.span) && e.rule.starts_with("syntax-"));
    HOLDS(is_message(e.message, text) && is_message(e.help, text));
    HOLDS(e.fixable || e.replacement.empty());
    if (e.fixable) fixes.push_back({e.span, e.replacement});
  }
  if (parsed.ok() || fixes.size() < parsed.errors.size()) return;
  const Result<std::string> mended = apply(text, fixes);
  HOLDS(mended && parse_hostpci(*mended).ok());
}

void check_canonical(const Hostpci& parsed) {
  const std::string printed = canonical(parsed);
  const Hostpci again = parse_hostpci(printed);
  HOLDS(again.ok() && canonical(again) == printed);
  HOLDS(again.properties.size() == parsed.properties.size() && again.hosts.size() == parsed.hosts.size());
}

void check_against_hand(std::string_view text, const Hostpci& parsed) {
  const Hostpci hand = bench::hand_parse(text);
  HOLDS(hand.ok() == parsed.ok());
  if (!hand.ok()) return;
  HOLDS(hand.properties.size() == parsed.properties.size() && hand.hosts.size() == parsed.hosts.size());
  for (std::size_t i = 0; i < hand.properties.size(); ++i) {
    const HostpciProperty &a = hand.properties[i], &b = parsed.properties[i];
    HOLDS(a.key == b.key && a.value == b.value && a.span == b.span && a.key_span == b.key_span);
    HOLDS(a.value_span == b.value_span);
  }
  for (std::size_t i = 0; i < hand.hosts.size(); ++i) {
    const HostElement &a = hand.hosts[i], &b = parsed.hosts[i];
    HOLDS(a.text == b.text && a.pattern.address == b.pattern.address && a.pattern.whole_slot == b.pattern.whole_slot);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const Hostpci parsed = parse_hostpci(text);
  check_properties(text, parsed);
  check_errors(text, parsed);
  check_against_hand(text, parsed);
  if (parsed.ok()) check_canonical(parsed);
  const Hostpci moved = parse_hostpci(text, 77);
  HOLDS(moved.errors.size() == parsed.errors.size());
  for (std::size_t i = 0; i < moved.errors.size(); ++i)
    HOLDS(moved.errors[i].span.begin == parsed.errors[i].span.begin + 77 &&
          moved.errors[i].fixable == parsed.errors[i].fixable);
  return 0;
}
