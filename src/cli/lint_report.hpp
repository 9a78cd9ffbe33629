// The report of `lint` in the form asked for, and what a baseline takes out of it.
#pragma once
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "diag/diagnostic.hpp"

namespace hostpci {

/// `checked`: the files that were linted, for the forms that tell of those without findings.
std::string render_report(const Report&, const Globals&, const std::vector<std::string>& checked);

/// Takes out of the report what the baseline FILE knows, and tells on standard error how much. An empty path does nothing.
/// False if the file cannot be used.
bool take_baseline(const std::string& path, Report&);

/// Writes the report's findings as the baseline FILE. An empty path does nothing.
bool keep_baseline(const std::string& path, const Report&);

}  // namespace hostpci
