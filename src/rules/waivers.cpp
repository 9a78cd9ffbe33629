// Findings waived in place, and the rule that tells of waivers that waive nothing.
#include "rules/waivers.hpp"

#include "rules/rule.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The notes' text as PVE decodes it: %XX is a byte.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::uint64_t> byte;
    if (text[i] == '%' && i + 2 < text.size()) byte = number(text.substr(i + 1, 2), 16);
    out += byte ? char(*byte) : text[i];
    if (byte) i += 2;
  }
  return out;
}

/// What stands after "hostpci: allow", or nothing if the line is no waiver.
std::optional<std::string_view> waiver_text(std::string_view line) {
  line = trim(line);
  while (!line.empty() && line.front() == '#') line = trim(line.substr(1));
  constexpr std::string_view head = "hostpci:", word = "allow";
  if (line.substr(0, head.size()) != head) return {};
  line = trim(line.substr(head.size()));
  if (line.substr(0, word.size()) != word) return {};
  line.remove_prefix(word.size());
  if (!line.empty() && line.front() != ' ' && line.front() != '\t') return {};
  return trim(line);
}

void judge(Waiver& waiver) {
  if (waiver.rule.empty()) {
    waiver.problem = "it names no rule";
  } else if (!find_rule(waiver.rule)) {
    waiver.problem = "there is no rule `" + waiver.rule + "`";
  } else if (waiver.reason.empty()) {
    waiver.problem = "it gives no reason";
  } else {
    waiver.valid = true;
  }
}

Waiver make_waiver(std::string_view text, Span span) {
  std::size_t end = text.find_first_of(" \t");
  Waiver waiver;
  waiver.rule = text.substr(0, end);
  if (end != text.npos) waiver.reason = trim(text.substr(end));
  waiver.span = span;
  judge(waiver);
  return waiver;
}

void check_void(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Waiver& waiver : waivers(*vm.vm)) {
    if (waiver.valid) continue;
    Diagnostic& d = out.add(Place(vm.vm->source, waiver.span), "this waiver is void: " + waiver.problem);
    d.help.push_back("write `#hostpci: allow RULE REASON`");
    if (waiver.rule.empty() || find_rule(waiver.rule)) continue;
    std::vector<std::string_view> ids;
    for (const Rule* rule : catalogue()) ids.push_back(rule->id);
    if (auto near = closest(waiver.rule, ids)) d.help.push_back("did you mean `" + std::string(*near) + "`?");
  }
}

constexpr Rule rules[] = {
    {
        .id = "waiver-void",
        .severity = Severity::info,
        .summary = "a waiver without a reason, or for a rule that does not exist, waives nothing",
        .why = "A waiver hides a finding for good: whoever reads the notes later needs the reason. Patterns are not "
               "allowed, so that a new rule is never waived unseen.",
        .bad = "#hostpci: allow vm-balloon-useless\nhostpci0: 0000:01:00,pcie=1",
        .good = "#hostpci: allow vm-balloon-useless statistics are wanted\nhostpci0: 0000:01:00,pcie=1",
        .fix = "Name one rule exactly and say why its finding is accepted.",
        .fixable = Fixable::manual,
        .source = "hostpci: waivers",
        .vm = check_void,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> waiver_rules = rules;

std::vector<Waiver> waivers(const Vm& vm) {
  std::vector<Waiver> found;
  if (vm.syntax.sections.empty()) return found;
  const ConfigSection& main = vm.syntax.sections.front();
  for (std::size_t i = main.begin; i < main.end; ++i) {
    const ConfigLine& line = vm.syntax.lines[i];
    bool notes = line.kind == LineKind::comment || (line.kind == LineKind::assignment && line.key == "description");
    if (!notes || line.value.find("hostpci") == line.value.npos) continue;
    std::string text = decoded(line.value);
    for (std::string_view part : split(text, '\n'))
      if (auto rest = waiver_text(part)) found.push_back(make_waiver(*rest, line.span));
  }
  return found;
}

}  // namespace hostpci
