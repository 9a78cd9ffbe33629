// `parse`: property strings to JSON, one object a line, with PVE's own verdict.
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/argument_file.hpp"
#include "grammar/hostpci.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string value_text(const HostpciProperty& property) {
  if (type(property.key) != HostpciType::boolean) return utf8(property.value);
  return parse_boolean(property.value).value_or(false) ? "1" : "0";
}

json::object accepted(const Hostpci& parsed) {
  json::object value;
  for (const HostpciProperty& property : parsed.properties) value[name(property.key)] = value_text(property);
  return {{"ok", true}, {"value", std::move(value)}, {"canonical", utf8(canonical(parsed))}};
}

json::object refused_string(const Hostpci& parsed) {
  json::array errors;
  for (const HostpciError& error : parsed.errors)
    errors.push_back({{"rule", error.rule}, {"message", utf8(error.message)}, {"begin", error.span.begin}, {"end", error.span.end}});
  return {{"ok", false}, {"errors", std::move(errors)}};
}

/// Prints the verdict; true if PVE accepts the string.
bool print_verdict(std::string_view text, Output& out) {
  Hostpci parsed = parse_hostpci(text);
  json::object line{{"input", utf8(text)}};
  json::object verdict = parsed.ok() ? accepted(parsed) : refused_string(parsed);
  for (auto& member : verdict) line.insert(std::move(member));
  out << terminal_safe_json(json::serialize(line)) << "\n";
  return parsed.ok();
}

int parse_input(Output& out) {
  Result<std::string> input = read_argument_file("-");
  if (!input) {
    log_error(input.error().message);
    return refused;
  }
  std::string_view rest = *input;
  bool all = true;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('\n'), rest.size());
    all &= print_verdict(rest.substr(0, end), out);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return all ? done : findings;
}

}  // namespace

int run_parse(Invocation& invocation) {
  if (invocation.arguments.size() == 1 && invocation.arguments[0] == "-") return parse_input(*invocation.out);
  bool all = true;
  for (const std::string& text : invocation.arguments) all &= print_verdict(text, *invocation.out);
  return all ? done : findings;
}

}  // namespace hostpci
