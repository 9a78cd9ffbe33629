// `suggest`: the hostpci line to write for a device, with a reason for every property, what lint says of it, and the
// command.
#include <boost/json.hpp>

#include "cli/device_view.hpp"
#include "cli/failed.hpp"
#include "cli/run.hpp"
#include "cli/survey.hpp"
#include "diag/render.hpp"
#include "rules/suggestion.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// All that is printed.
struct Advice {
  const Survey& survey;
  const Suggestion& line;
  std::vector<Diagnostic> warnings;
  std::string vm;  ///< as named by the user; empty: none

  std::string command() const {
    if (!line.refusal.empty() || (!vm.empty() && !line.index)) return "";
    return "hostpci set " + (vm.empty() ? "VMID" : vm) + " -" + line.key() + " '" + line.value() + "'";
  }
};

void print_pairs(const std::vector<std::pair<std::string, std::string>>& pairs, Output& out) {
  std::size_t width = 0;
  for (const auto& [what, why] : pairs) width = std::max(width, printable(what).size());
  for (const auto& [what, why] : pairs) {
    std::string left = printable(what);
    out << "  " << left << std::string(width - left.size() + 2, ' ') << printable(why) << "\n";
  }
}

void print_properties(const Suggestion& line, Output& out) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const SuggestedProperty& p : line.properties)
    pairs.emplace_back(p.key == HostpciKey::host ? p.value : std::string(name(p.key)) + "=" + p.value, p.reason);
  print_pairs(pairs, out);
  if (line.left_out.empty()) return;
  out << "left out:\n";
  pairs.clear();
  for (const LeftOut& l : line.left_out) pairs.emplace_back(l.what, l.reason);
  print_pairs(pairs, out);
}

void print_types(const Suggestion& line, Output& out) {
  if (line.types.empty()) return;
  out << "types to choose from:\n";
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const MdevType& t : line.types) {
    std::string free = t.available ? std::to_string(*t.available) + " free" : "free instances unknown";
    pairs.emplace_back("mdev=" + t.type, t.name.empty() ? free : t.name + ", " + free);
  }
  print_pairs(pairs, out);
}

void print_text(const Advice& advice, bool colour, Output& out) {
  const Suggestion& line = advice.line;
  out << printable((advice.vm.empty() ? std::string("hostpciN") : line.key()) + ": " + line.value()) << "\n\n";
  print_properties(line, out);
  print_types(line, out);
  for (const std::string& note : line.notes) out << "note: " << printable(note) << "\n";
  for (const Diagnostic& d : advice.warnings) out << "\n" << render_text(d, colour);
  if (std::string command = advice.command(); !command.empty()) out << "\n" << printable(command) << "\n";
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(utf8(text));
}

json::array properties_json(const Suggestion& line) {
  json::array list;
  for (const SuggestedProperty& p : line.properties)
    list.push_back({{"key", name(p.key)}, {"value", utf8(p.value)}, {"reason", utf8(p.reason)}});
  return list;
}

json::array left_out_json(const Suggestion& line) {
  json::array list;
  for (const LeftOut& l : line.left_out) list.push_back({{"what", utf8(l.what)}, {"reason", utf8(l.reason)}});
  return list;
}

json::array types_json(const Suggestion& line) {
  json::array list;
  for (const MdevType& t : line.types) {
    json::value available = t.available ? json::value(*t.available) : json::value(nullptr);
    list.push_back({{"type", utf8(t.type)},
                    {"name", utf8(t.name)},
                    {"description", utf8(t.description)},
                    {"available", available}});
  }
  return list;
}

json::array warnings_json(const std::vector<Diagnostic>& warnings) {
  json::array list;
  for (const Diagnostic& d : warnings)
    list.push_back({{"rule", d.rule}, {"severity", name(d.severity)}, {"message", utf8(d.message)}});
  return list;
}

void print_json(const Advice& advice, Output& out) {
  const Suggestion& line = advice.line;
  json::array functions, notes;
  for (const Device* d : line.functions) functions.emplace_back(d->address.str());
  for (const std::string& note : line.notes) notes.emplace_back(utf8(note));
  bool keyed = line.refusal.empty() && (advice.vm.empty() || line.index);
  json::value vmid = advice.survey.named ? json::value(advice.survey.named->vmid) : json::value(nullptr);
  json::object all{{"version", 1},
                   {"functions", std::move(functions)},
                   {"vm", vmid},
                   {"refused", text_or_null(line.refusal)},
                   {"key", keyed ? json::value(line.key()) : json::value(nullptr)},
                   {"value", text_or_null(line.value())},
                   {"properties", properties_json(line)},
                   {"leftOut", left_out_json(line)},
                   {"types", types_json(line)},
                   {"mappingCommand", text_or_null(line.mapping_command)},
                   {"notes", std::move(notes)},
                   {"warnings", warnings_json(advice.warnings)},
                   {"command", text_or_null(advice.command())}};
  out << terminal_safe_json(json::serialize(all)) << "\n";
}

int give(Invocation& invocation, const Survey& survey, const AddressPattern& pattern) {
  Suggestion line = suggest_line(survey.facts, pattern, survey.named);
  std::vector<Diagnostic> warnings = findings_of(line, survey.facts, survey.vms, survey.named);
  Advice advice{survey, line, std::move(warnings), invocation.options.text("vm")};
  if (invocation.json())
    print_json(advice, *invocation.out);
  else if (line.refusal.empty())
    print_text(advice, Output::colour(invocation.globals.color), *invocation.out);
  if (!line.refusal.empty() && !invocation.json()) log_error(line.refusal);
  return line.refusal.empty() ? done : refused;
}

}  // namespace

int run_suggest(Invocation& invocation) {
  const std::string& text = invocation.arguments[0];
  std::optional<AddressPattern> pattern = parse_address_pattern(text);
  if (!pattern) {
    log_error(no_address(text));
    return usage;
  }
  auto survey = Survey::open(invocation.globals, invocation.options.text("vm"));
  if (!survey) return failed(survey.error());
  for (const Failure& failure : (*survey)->failures) log_warning(failure.message);
  const Host& host = *(*survey)->host;
  if (meant_devices(host, *pattern).empty()) {
    log_error(no_such_device(host, text));
    return findings;
  }
  return give(invocation, **survey, *pattern);
}

}  // namespace hostpci
