// The JSON contract of schemas/lint.schema.json: fields in a fixed order, nothing but UTF-8.
#include "diag/json_parts.hpp"
#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.emplace_back(utf8(text));
  return out;
}

/// Adds file, line, column, endLine and endColumn; all numbers are 0 without a text.
void add_place(json::object& out, const Place& place) {
  Position begin{0, 0}, end{0, 0};
  if (place.source) begin = place.source->position(place.span.begin), end = place.source->position(place.span.end);
  out["file"] = utf8(place.file());
  out["line"] = begin.line;
  out["column"] = begin.column;
  out["endLine"] = end.line;
  out["endColumn"] = end.column;
}

json::object label_object(const Label& label) {
  json::object out;
  add_place(out, label.place);
  out["message"] = utf8(label.message);
  return out;
}

json::object edit_object(const FileEdit& edit) {
  return {{"file", utf8(edit.file)}, {"begin", edit.span.begin}, {"end", edit.span.end}, {"text", utf8(edit.text)}};
}

json::value fix_value(const std::optional<Fix>& fix) {
  if (!fix) return nullptr;
  json::array edits;
  for (const FileEdit& edit : fix->edits) edits.push_back(edit_object(edit));
  return json::object{{"title", utf8(fix->title)}, {"safety", name(fix->safety)}, {"edits", std::move(edits)}};
}

}  // namespace

json::object diagnostic_object(const Diagnostic& d) {
  json::object out{{"rule", utf8(d.rule)}, {"severity", name(d.severity)}, {"message", utf8(d.message)}};
  add_place(out, d.place);
  json::array labels;
  for (const Label& label : d.labels) labels.push_back(label_object(label));
  out["labels"] = std::move(labels);
  out["notes"] = strings(d.notes);
  out["help"] = strings(d.help);
  out["fix"] = fix_value(d.fix);
  if (d.vm) out["vm"] = *d.vm;
  if (!d.key.empty()) out["key"] = utf8(d.key);
  return out;
}

json::object summary_object(const Summary& s) {
  return {{"errors", s.errors}, {"warnings", s.warnings}, {"infos", s.infos}, {"vms", s.vms}, {"rules", s.rules}};
}

std::string render_json(const Report& report) {
  json::array diagnostics;
  for (const Diagnostic& d : report.diagnostics) diagnostics.push_back(diagnostic_object(d));
  json::object out{{"version", 1}};
  out["diagnostics"] = std::move(diagnostics);
  out["summary"] = summary_object(report.summary);
  return terminal_safe_json(json::serialize(out)) + "\n";
}

}  // namespace hostpci
