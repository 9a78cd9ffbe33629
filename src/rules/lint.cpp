// Runs the selected rules and keeps what is wanted: waived findings and repeated unknowns are left out.
#include "rules/lint.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "rules/waivers.hpp"

namespace hostpci {
namespace {

/// The last offset up to `at` at which a character of UTF-8 begins.
std::size_t whole_characters(std::string_view text, std::size_t at) {
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

/// A rule's name, or its beginning ("vm", "device-rom", "vm-legacy-igd-*").
bool matches(std::string_view pattern, std::string_view id) {
  if (!pattern.empty() && pattern.back() == '*') pattern.remove_suffix(1);
  return !pattern.empty() && id.substr(0, pattern.size()) == pattern;
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view id) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return matches(p, id); });
}

bool selected(const LintOptions& options, std::string_view id) {
  return (options.select.empty() || any_matches(options.select, id)) && !any_matches(options.ignore, id);
}

/// Which findings are asked for.
class Wanted {
 public:
  Wanted(const Facts& facts, const LintOptions& options, const std::vector<std::uint32_t>& only)
      : host_(options.host_rules), only_(only.begin(), only.end()) {
    for (const VmFacts& vm : facts.vms)
      if (only_.count(vm.vm->vmid)) files_.insert(vm.vm->source->path);
    for (const Vm* vm : facts.plain_vms)
      if (only_.count(vm->vmid)) files_.insert(vm->source->path);
  }

  /// A finding on another VM counts if it points at one of those asked for.
  bool operator()(const Diagnostic& d) const {
    if (!d.vm) return host_;
    if (only_.empty() || only_.count(*d.vm)) return true;
    return std::any_of(d.labels.begin(), d.labels.end(),
                       [&](const Label& label) { return files_.count(label.place.file()) != 0; });
  }

 private:
  bool host_;
  std::set<std::uint32_t> only_;
  std::set<std::string> files_;
};

/// What was read from a file stands in backquotes: of long texts the beginning.
std::string shortened(const std::string& text) {
  constexpr std::size_t plain = 400, shown = 120, most = 1000;
  if (text.size() <= plain) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t open = std::min(text.find('`', at), text.size()), close = std::min(text.find('`', open + 1), text.size());
    bool cut = close - open > shown + 1;
    std::size_t end = cut ? whole_characters(text, open + shown) : std::min(close + 1, text.size());
    out.append(text, at, end - at);
    if (cut) out += "…`";
    at = cut ? close + 1 : end;
  }
  if (out.size() > most) out = out.substr(0, whole_characters(out, most)) + "…";
  return out;
}

/// No path that exists is longer (PATH_MAX); one made of a value may be.
void shorten(Place& place) {
  constexpr std::size_t most = 4096;
  if (place.path.size() > most) place.path = place.path.substr(0, whole_characters(place.path, most / 16)) + "…";
}

void shorten(Diagnostic& d) {
  shorten(d.place);
  d.message = shortened(d.message);
  for (std::string& note : d.notes) note = shortened(note);
  for (std::string& help : d.help) help = shortened(help);
  for (Label& label : d.labels) {
    label.message = shortened(label.message);
    shorten(label.place);
  }
  if (d.fix) d.fix->title = shortened(d.fix->title);
}

/// The waivers of each file, by path.
using WaivedRules = std::map<std::string, std::set<std::string>>;

WaivedRules waived_rules(const Facts& facts) {
  WaivedRules waived;
  for (const VmFacts& vm : facts.vms)
    for (Waiver& waiver : waivers(*vm.vm))
      if (waiver.valid) waived[vm.vm->source->path].insert(std::move(waiver.rule));
  return waived;
}

/// By the notes of the VM that the finding is about, wherever its place is (a sysfs attribute, pci.cfg).
bool is_waived(const WaivedRules& waived, const Facts& facts, const Diagnostic& d) {
  if (!d.vm || waived.empty()) return false;
  const VmFacts* vm = *d.vm ? facts.vm(*d.vm) : nullptr;
  auto at = waived.find(vm ? vm->vm->source->path : d.place.file());
  return at != waived.end() && at->second.count(d.rule);
}

bool is_unknown(const Diagnostic& d) {
  std::string_view text = d.message;
  return text.size() > not_judged.size() && text.substr(text.size() - not_judged.size()) == not_judged;
}

std::vector<Diagnostic> run(const Rule& rule, const Facts& facts) {
  Sink sink;
  if (rule.vm)
    for (const VmFacts& vm : facts.vms) {
      Findings findings(rule, &vm, sink);
      rule.vm(facts, vm, findings);
    }
  if (rule.host) {
    Findings findings(rule, nullptr, sink);
    rule.host(facts, findings);
  }
  return std::move(sink.diagnostics);
}

}  // namespace

std::vector<Diagnostic> lint(const Facts& facts, const LintOptions& options, const std::vector<std::uint32_t>& only,
                             Statistics* statistics) {
  Wanted wanted(facts, options, only);
  WaivedRules waived = waived_rules(facts);
  std::vector<Diagnostic> report;
  Stopwatch watch;
  for (const Rule* rule : catalogue()) {
    if (!selected(options, rule->id)) continue;
    bool unknown_told = false;
    if (statistics) watch.lap();
    std::vector<Diagnostic> found = run(*rule, facts);
    if (statistics) statistics->rule(rule->id).seconds += watch.lap();
    for (Diagnostic& d : found) {
      if (!wanted(d) || is_waived(waived, facts, d)) continue;
      if (is_unknown(d) && std::exchange(unknown_told, true)) continue;
      if (d.vm == 0u) d.vm.reset();  // a file whose name holds no VMID
      shorten(d);
      report.push_back(std::move(d));
    }
  }
  return report;
}

std::size_t selected_rules(const LintOptions& options) {
  auto counts = [&](const Rule* rule) { return selected(options, rule->id); };
  return std::size_t(std::count_if(catalogue().begin(), catalogue().end(), counts));
}

std::vector<std::string> unknown_rules(const LintOptions& options) {
  std::vector<std::string> unknown;
  for (const auto* patterns : {&options.select, &options.ignore})
    for (const std::string& pattern : *patterns) {
      auto names = [&](const Rule* rule) { return matches(pattern, rule->id); };
      if (std::none_of(catalogue().begin(), catalogue().end(), names)) unknown.push_back(pattern);
    }
  return unknown;
}

}  // namespace hostpci
