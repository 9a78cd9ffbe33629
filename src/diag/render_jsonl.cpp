// The JSON contract for readers of streams: one object a line.
#include "diag/json_parts.hpp"
#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string line(const json::object& object) { return terminal_safe_json(json::serialize(object)) + "\n"; }

json::object versioned(const json::object& fields) {
  json::object out{{"version", 1}};
  for (const auto& field : fields) out[field.key()] = field.value();
  return out;
}

}  // namespace

std::string render_jsonl(const Report& report) {
  std::string out;
  for (const Diagnostic& d : report.diagnostics) out += line(versioned(diagnostic_object(d)));
  return out + line(json::object{{"version", 1}, {"summary", summary_object(report.summary)}});
}

}  // namespace hostpci
