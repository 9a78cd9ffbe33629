// The renderers of a report: one small file each.
#pragma once
#include <string>

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

}  // namespace hostpci
