// SARIF 2.1.0 for code-scanning services; the section numbers are those of the OASIS standard.
#include <algorithm>
#include <map>

#include "diag/baseline.hpp"
#include "diag/exchange.hpp"
#include "diag/json_parts.hpp"
#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

constexpr std::string_view schema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
constexpr std::string_view base_id = "%SRCROOT%";  // the name that services and viewers know

/// A message as it is to be shown: braces stand for placeholders (3.11.5) and are doubled; "](" would make a link of
/// what a file says (3.11.6) and is parted by a blank.
json::object message(std::string_view shown) {
  std::string text;
  for (char c : shown) {
    if (c == '(' && text.ends_with(']')) text += ' ';
    text.append(c == '{' || c == '}' ? 2 : 1, c);
  }
  return {{"text", utf8(text)}};
}

json::array list_of(json::object only) {
  json::array out;
  out.push_back(std::move(only));
  return out;
}

bool stands_in_uri(char c, bool first_segment) {
  if (c == ':') return !first_segment;  // there it would end a scheme (RFC 3986, 4.2)
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~/").find(c) != std::string_view::npos;
}

std::string uri_path(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (stands_in_uri(c, out.find('/') == out.npos)) {
      out += c;
    } else {
      auto byte = static_cast<unsigned char>(c);
      out += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
    }
  }
  return out;
}

/// A path of the root is relative to the base; no path at all stands for the root itself; other paths stay as they are.
json::object artifact_location(std::string_view file) {
  if (!file.empty() && file[0] != '/') return {{"uri", uri_path(file)}};
  file.remove_prefix(std::min(file.find_first_not_of('/'), file.size()));
  return {{"uri", file.empty() ? "./" : uri_path(file)}, {"uriBaseId", base_id}};
}

json::object text_region(const Source& source, Span span) {
  Position begin = utf16_position(source, span.begin), end = utf16_position(source, span.end);
  return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line}, {"endColumn", end.column}};
}

json::object location(const Place& place) {
  json::object physical{{"artifactLocation", artifact_location(place.file())}};
  if (place.source) physical["region"] = text_region(*place.source, place.span);
  return {{"physicalLocation", std::move(physical)}};
}

json::array related_locations(const std::vector<Label>& labels) {
  json::array out;
  for (const Label& label : labels) {
    json::object one{{"id", out.size()}};
    for (auto& part : location(label.place)) one[part.key()] = part.value();
    one["message"] = message(printable(label.message));
    out.push_back(std::move(one));
  }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::string_view three = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out += i > three.size() ? '=' : digits[bits >> (18 - 6 * i) & 63];
  }
  return out;
}

bool is_utf8(std::string_view text) { return utf8(text) == text; }

SourcePtr source_of(const Diagnostic& d, const std::string& file) {
  if (d.place.source && d.place.file() == file) return d.place.source;
  for (const Label& label : d.labels)
    if (label.place.source && label.place.file() == file) return label.place.source;
  return nullptr;
}

/// Lines and columns where both texts are at hand and are text, bytes otherwise (3.57: one kind for both sides).
json::object replacement(const FileEdit& edit, const SourcePtr& source) {
  json::object out;
  if (source && is_utf8(source->text) && is_utf8(edit.text)) {
    out["deletedRegion"] = text_region(*source, edit.span);
    if (!edit.text.empty()) out["insertedContent"] = json::object{{"text", edit.text}};
  } else {
    out["deletedRegion"] = json::object{{"byteOffset", edit.span.begin}, {"byteLength", edit.span.size()}};
    if (!edit.text.empty()) out["insertedContent"] = json::object{{"binary", base64(edit.text)}};
  }
  return out;
}

json::object fix_object(const Diagnostic& d) {
  std::map<std::string, json::array> replacements;
  for (const FileEdit& edit : d.fix->edits)
    replacements[edit.file].push_back(replacement(edit, source_of(d, edit.file)));
  json::array changes;
  for (auto& [file, list] : replacements)
    changes.push_back(json::object{{"artifactLocation", artifact_location(file)}, {"replacements", std::move(list)}});
  return {{"description", message(printable(d.fix->title))},
          {"artifactChanges", std::move(changes)},
          {"properties", {{"safety", name(d.fix->safety)}}}};
}

std::string_view level(Severity severity) { return severity == Severity::info ? "note" : name(severity); }

json::object rule_object(const RuleText& rule) {
  return {{"id", utf8(rule.id)},
          {"shortDescription", message(rule.summary)},
          {"fullDescription", message(rule.why)},
          {"help", message(rule.fix)},
          {"defaultConfiguration", {{"level", level(rule.severity)}}}};
}

/// Turns findings into results; counts equal fingerprints, so that each result has its own.
class Results {
 public:
  explicit Results(std::span<const RuleText> rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) index_.emplace(rules[i].id, i);
  }

  json::object result(const Diagnostic& d) {
    json::object out{{"ruleId", utf8(d.rule)}};
    if (auto known = index_.find(d.rule); known != index_.end()) out["ruleIndex"] = known->second;
    out["level"] = level(d.severity);
    out["message"] = message(told_in_lines(d));
    out["locations"] = list_of(location(d.place));
    if (!d.labels.empty()) out["relatedLocations"] = related_locations(d.labels);
    std::string print = fingerprint(d);
    std::string mark = print + ":" + std::to_string(++seen_[print]);
    out["partialFingerprints"] = json::object{{"hostpciFinding/v1", std::move(mark)}};
    if (d.fix && d.fix->safety != Safety::shown && !d.fix->edits.empty()) out["fixes"] = list_of(fix_object(d));
    return out;
  }

 private:
  std::map<std::string_view, std::size_t> index_;
  std::map<std::string, std::size_t> seen_;
};

json::object tool(const SarifRun& run) {
  json::array rules;
  for (const RuleText& rule : run.rules) rules.push_back(rule_object(rule));
  return {{"driver", {{"name", "hostpci"}, {"version", run.version}, {"rules", std::move(rules)}}}};
}

json::object base(std::string_view root) {
  json::object out{{"description", message("the directory that stands for the host's root")}};
  if (root.empty()) return out;
  std::string uri = "file://" + uri_path(root);
  out["uri"] = uri.ends_with('/') ? uri : uri + "/";
  return out;
}

}  // namespace

std::string render_sarif(const Report& report, const SarifRun& run) {
  Results results(run.rules);
  json::array list;
  for (const Diagnostic& d : report.diagnostics) list.push_back(results.result(d));
  json::object bases;
  bases[base_id] = base(run.root);
  json::object only{{"tool", tool(run)},
                    {"originalUriBaseIds", std::move(bases)},
                    {"columnKind", "utf16CodeUnits"},
                    {"results", std::move(list)}};
  json::object log{{"$schema", schema}, {"version", "2.1.0"}};
  log["runs"] = list_of(std::move(only));
  return terminal_safe_json(json::serialize(log)) + "\n";
}

}  // namespace hostpci
