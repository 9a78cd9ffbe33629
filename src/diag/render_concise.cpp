// One line a finding, as editors and grep like it.
#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

/// `FILE:LINE:COLUMN`; line and column 0 without a text, "-" without a file.
std::string described(const Place& place) {
  Position p = place.source ? place.source->position(place.span.begin) : Position{0, 0};
  std::string file = place.file().empty() ? "-" : printable(place.file());
  return file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
}

}  // namespace

std::string render_concise(const Report& report) {
  std::string out;
  for (const Diagnostic& d : report.diagnostics) {
    out += described(d.place) + ": " + std::string(name(d.severity)) + "[" + printable(d.rule) + "] ";
    out += printable(d.message) + "\n";
  }
  return out;
}

}  // namespace hostpci
