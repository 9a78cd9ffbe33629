// A finding as data: what is wrong, where, what shows it, and the edit that mends it. Renderers turn it into text or JSON.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "text/source.hpp"

namespace hostpci {

enum class Severity : std::uint8_t { info, warning, error };
std::string_view name(Severity);  ///< "info", "warning", "error"
std::optional<Severity> parse_severity(std::string_view);

/// A place in a file, or (no source) a path whose content has no lines worth showing, such as a sysfs attribute.
struct Place {
  SourcePtr source;
  Span span;
  std::string path;  ///< only if there is no source

  Place() = default;
  Place(SourcePtr s, Span sp) : source(std::move(s)), span(sp) {}
  explicit Place(std::string p) : path(std::move(p)) {}
  const std::string& file() const { return source ? source->path : path; }
};

/// Another place that belongs to the finding: the other VM's line, the sysfs path that was read.
struct Label {
  Place place;
  std::string message;
};

struct FileEdit {
  std::string file;  ///< the path below the root, as in Place
  Span span;
  std::string text;
};

/// safe: the guest sees no difference; unsafe: it does, or something is lost; shown: told, never written by us.
enum class Safety : std::uint8_t { safe, unsafe, shown };
std::string_view name(Safety);

struct Fix {
  std::string title;
  Safety safety = Safety::safe;
  std::vector<FileEdit> edits;
};

struct Diagnostic {
  std::string rule;  ///< the rule's name, such as "vm-pcie-needs-q35"
  Severity severity = Severity::error;
  std::string message;  ///< one line: lower case, no full stop, the thing in backquotes
  Place place;
  std::vector<Label> labels;
  std::vector<std::string> notes;
  std::vector<std::string> help;
  std::optional<Fix> fix;
  std::optional<std::uint32_t> vm;  ///< set if the finding is about a VM
  std::string key;                  ///< the VM's key it is about, such as "hostpci0", or empty
};

/// What a check hands its findings to.
struct Sink {
  std::vector<Diagnostic> diagnostics;
  Diagnostic& add(Diagnostic d) { return diagnostics.emplace_back(std::move(d)); }
};

struct Summary {
  std::size_t errors = 0, warnings = 0, infos = 0, vms = 0, rules = 0;
};

/// Findings in printing order with their counts.
struct Report {
  std::vector<Diagnostic> diagnostics;
  Summary summary;
};

/// Sorts by file, line, column, rule, message; drops exact repetitions; counts.
Report make_report(std::vector<Diagnostic> diagnostics, std::size_t vms, std::size_t rules);

}  // namespace hostpci
