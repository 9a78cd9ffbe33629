// Checks and the verdict over them, as lines and as JSON.
#include "cli/check_report.hpp"

#include <boost/json.hpp>

#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string_view colour_of(CheckStatus status) {
  constexpr std::string_view codes[] = {"\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[36m"};
  return codes[std::size_t(status)];
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

std::string status_text(CheckStatus status, bool colour) {
  std::string text = padded(name(status), 7);
  return colour ? std::string(colour_of(status)) + text + "\x1b[0m" : text;
}

/// " [/sys/class/iommu: dmar0; …]"
std::string evidence_text(const std::vector<Evidence>& evidence) {
  std::vector<std::string> parts;
  for (const Evidence& e : evidence) parts.push_back(e.value.empty() ? e.path : e.path + ": " + e.value);
  return parts.empty() ? "" : " [" + join(parts, "; ") + "]";
}

/// "; mend: WORDS; run `COMMAND && COMMAND`"; commands that the words name already are not told twice.
std::string mend_text(const Check& check) {
  if (check.mend.empty()) return "";
  std::string text = "; mend: " + check.mend;
  bool told = !check.commands.empty() && check.mend.find("`" + check.commands.front()) != std::string::npos;
  return check.commands.empty() || told ? text : text + "; run `" + join(check.commands, " && ") + "`";
}

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(utf8(text));
}

json::array texts(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& text : list) array.emplace_back(utf8(text));
  return array;
}

json::object check_json(const Check& check) {
  json::array evidence;
  for (const Evidence& e : check.evidence) evidence.push_back({{"path", utf8(e.path)}, {"value", utf8(e.value)}});
  return {{"name", check.name},
          {"status", name(check.status)},
          {"message", utf8(check.message)},
          {"evidence", std::move(evidence)},
          {"mend", text_or_null(check.mend)},
          {"commands", texts(check.commands)},
          {"cause", text_or_null(check.cause)},
          {"certainty", text_or_null(check.certainty)},
          {"rules", texts(check.rules)}};
}

}  // namespace

void print_checks(const std::vector<Check>& checks, const Readiness& readiness, bool colour, Output& out) {
  std::size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  for (const Check& check : checks)
    out << status_text(check.status, colour) << "  " << padded(check.name, width) << "  "
        << printable(check.message + evidence_text(check.evidence) + mend_text(check)) << "\n";
  out << status_text(readiness.status, colour) << "  " << printable(readiness.message) << "\n";
}

void print_checks_json(json::object head, const std::vector<Check>& checks, const Readiness& readiness, Output& out) {
  json::array list;
  for (const Check& check : checks) list.push_back(check_json(check));
  json::object verdict{
      {"status", name(readiness.status)}, {"ready", readiness.ready()}, {"message", utf8(readiness.message)}};
  for (CheckStatus status : {CheckStatus::pass, CheckStatus::warn, CheckStatus::fail, CheckStatus::unknown})
    verdict[lower(name(status))] = readiness.counts[std::size_t(status)];
  head["checks"] = std::move(list);
  head["verdict"] = std::move(verdict);
  out << terminal_safe_json(json::serialize(head)) << "\n";
}

}  // namespace hostpci
