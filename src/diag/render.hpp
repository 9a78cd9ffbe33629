// The renderers of a report: one small file each.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// The long form after rustc's manner: headline, place, source line with carets, labels, notes, help, the ready edit.
std::string render_text(const Report&, bool colour);
/// One finding alone, for `set` and `parse`.
std::string render_text(const Diagnostic&, bool colour);
/// `FILE:LINE:COLUMN: severity[rule] message`, one line each.
std::string render_concise(const Report&);
/// The JSON contract of schemas/lint.schema.json, with a line feed at the end.
std::string render_json(const Report&);
/// One JSON object a line: a line for each finding with the fields of render_json() after "version", the summary last.
std::string render_jsonl(const Report&);

/// What SARIF tells of a rule, whether it found something or not.
struct RuleText {
  std::string_view id, summary, why, fix;
  Severity severity = Severity::warning;
};

struct SarifRun {
  std::string_view version;  ///< of hostpci
  std::span<const RuleText> rules;
  /// The directory that all paths are below, absolute ("/" or what --root resolves to): told as the base of the paths.
  /// Empty: it is left to the reader, as a service wants that has its own copy of the files.
  std::string_view root;
};

/// SARIF 2.1.0 (OASIS) with a line feed at the end: columns in UTF-16 code units, paths as URIs below the base
/// `%SRCROOT%`, an info as a note, every fix that hostpci itself would write.
std::string render_sarif(const Report&, const SarifRun&);

/// Workflow commands of GitHub Actions (`::error file=…,line=…::message`), one line a finding. `root` is the root as it
/// was given and goes before each path, so that it names the file from the workspace ("/" or empty: nothing does).
std::string render_github(const Report&, std::string_view root);

/// JUnit's XML: a suite for each file, a failed test for each error and warning in it, a skipped one for each info; a
/// file of `checked` (paths as in Place) that has none is one test that passes.
std::string render_junit(const Report&, std::span<const std::string> checked);

}  // namespace hostpci
