// Workflow commands of GitHub Actions: annotations on the lines of a change.
#include "diag/exchange.hpp"
#include "diag/render.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

/// What the runner unescapes: "%", CR and LF in a message; ":" and "," too in a property (actions/toolkit, command.ts).
std::string escaped(std::string_view text, std::string_view characters) {
  std::string out;
  for (char c : text) {
    if (characters.find(c) == characters.npos)
      out += c;
    else
      out += {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
  }
  return out;
}

std::string property(std::string_view text) { return escaped(printable(text), "%\r\n:,"); }

std::string_view command(Severity severity) { return severity == Severity::info ? "notice" : name(severity); }

/// The runner wants paths without "./" in them.
std::string from_workspace(std::string_view root, const std::string& file) {
  if (!file.starts_with('/')) return file;
  while (root.ends_with('/')) root.remove_suffix(1);
  while (root.starts_with("./")) root.remove_prefix(2);
  return root == "." ? file.substr(1) : std::string(root) + file;
}

/// Columns stand only where begin and end are on one line: the service refuses them otherwise.
std::string region(const Place& place) {
  Position begin = utf16_position(*place.source, place.span.begin), end = utf16_position(*place.source, place.span.end);
  std::string out = ",line=" + std::to_string(begin.line) + ",endLine=" + std::to_string(end.line);
  if (begin.line != end.line) return out;
  return out + ",col=" + std::to_string(begin.column) + ",endColumn=" + std::to_string(end.column);
}

std::string properties(const Diagnostic& d, std::string_view root) {
  std::string out, title = "title=" + property(d.rule);
  if (d.place.file().empty()) return title;
  out = "file=" + property(from_workspace(root, d.place.file()));
  if (d.place.source) out += region(d.place);
  return out + "," + title;
}

}  // namespace

std::string render_github(const Report& report, std::string_view root) {
  std::string out;
  for (const Diagnostic& d : report.diagnostics) {
    out += "::" + std::string(command(d.severity)) + " " + properties(d, root);
    out += "::" + escaped(told_in_lines(d), "%\r\n") + "\n";
  }
  return out;
}

}  // namespace hostpci
