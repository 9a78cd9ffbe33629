// The catalogue as texts: for a person, as JSON, as schemas/rules.yaml and hostpci-rules(7).
#include "cli/rule_texts.hpp"

#include <boost/json.hpp>

#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Words filled into lines of at most 80 columns, each beginning with `indent`.
std::string filled(std::string_view text, const std::string& indent) {
  std::string out, line = indent;
  for (std::string_view word : words(text)) {
    bool first = line.size() == indent.size();
    if (!first && line.size() + 1 + word.size() > 80) {
      out += line + "\n";
      line = indent;
      first = true;
    }
    line += (first ? "" : " ") + std::string(word);
  }
  return out + line + "\n";
}

std::string indented(std::string_view text, const std::string& indent) {
  std::string out;
  for (std::string_view line : split(text, '\n')) out += line.empty() ? "\n" : indent + std::string(line) + "\n";
  return out;
}

/// A YAML scalar in double quotes.
std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

/// Text that roff would take for a request or an escape.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string roff_example(const char* label, std::string_view text) {
  return std::string(".PP\n") + label + "\n.PP\n.RS 4\n.nf\n" + roff(text) + "\n.fi\n.RE\n";
}

std::string manual_entry(const Rule& rule) {
  std::string out = ".SS " + roff(rule.id) + "\n";
  out += "(" + std::string(name(rule.severity)) + ", fix: " + std::string(name(rule.fixable)) + ") " +
         roff(rule.summary) + ".\n";
  out += ".PP\n" + roff(rule.why) + "\n";
  out += roff_example("Bad:", rule.bad) + roff_example("Good:", rule.good);
  return out + ".PP\nTo mend it: " + roff(rule.fix) + "\n";
}

}  // namespace

std::string no_such_rule(std::string_view name) {
  std::vector<std::string_view> ids;
  for (const Rule* rule : catalogue()) ids.push_back(rule->id);
  std::string message = "there is no rule `" + std::string(name) + "`";
  auto near = closest(name, ids);
  return near ? message + "; did you mean `" + std::string(*near) + "`?" : message + "; `hostpci rules` lists them";
}

std::string explain_text(const Rule& rule) {
  std::string out = std::string(name(rule.severity)) + "[" + std::string(rule.id) + "]\n";
  out += filled(rule.summary, "  ") + "\n" + filled(rule.why, "  ");
  out += "\nBad:\n" + indented(rule.bad, "    ");
  out += "\nGood:\n" + indented(rule.good, "    ");
  out += "\nTo mend it (" + std::string(name(rule.fixable)) + "):\n" + filled(rule.fix, "  ");
  return out + "\nSource: " + std::string(rule.source) + "\n";
}

std::string explain_json(const Rule& rule) {
  boost::json::object object{{"rule", rule.id},
                             {"severity", name(rule.severity)},
                             {"fixable", name(rule.fixable)},
                             {"summary", rule.summary},
                             {"why", rule.why},
                             {"bad", rule.bad},
                             {"good", rule.good},
                             {"fix", rule.fix},
                             {"source", rule.source}};
  return boost::json::serialize(object);
}

std::string rules_yaml() {
  std::string out =
      "# The catalogue of rules. Generated from src/rules by the target `generate`: do not edit.\nversion: 1\nrules:\n";
  for (const Rule* rule : catalogue()) {
    out += "  - rule: " + std::string(rule->id) + "\n";
    out += "    severity: " + std::string(name(rule->severity)) + "\n";
    out += "    fixable: " + std::string(name(rule->fixable)) + "\n";
    for (auto [key, text] : {std::pair{"summary", rule->summary},
                             {"why", rule->why},
                             {"bad", rule->bad},
                             {"good", rule->good},
                             {"fix", rule->fix},
                             {"source", rule->source}})
      out += "    " + std::string(key) + ": " + quoted(text) + "\n";
  }
  return out;
}

std::string rules_manual() {
  std::string out =
      ".\\\" Generated from src/rules by the target `generate`: do not edit.\n"
      ".TH HOSTPCI\\-RULES 7 \"\" hostpci \"hostpci manual\"\n.SH NAME\n"
      "hostpci\\-rules \\- what hostpci lint looks for\n.SH DESCRIPTION\n"
      "An error means that the VM does not start, or that the host or its data come to harm; a warning that something "
      "is\n"
      "likely wrong; an info is advice. A finding is waived in place by a line\n.PP\n.RS 4\n.nf\n"
      "#hostpci: allow RULE REASON\n.fi\n.RE\n.PP\nin the VM's notes.\n.SH RULES\n";
  for (const Rule* rule : catalogue()) out += manual_entry(*rule);
  return out + ".SH SEE ALSO\n.BR hostpci (1)\n";
}

}  // namespace hostpci
