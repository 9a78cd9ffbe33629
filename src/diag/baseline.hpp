// The findings that an estate has today and accepts for now: only what is new is reported.
#pragma once
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "diag/diagnostic.hpp"
#include "text/result.hpp"

namespace hostpci {

/// Findings alike in rule, file, key and message, whatever line they stand on. All texts are UTF-8 (see utf8()).
struct BaselineEntry {
  std::string rule, file, key, message;
  std::size_t count = 1;

  auto identity() const { return std::tie(rule, file, key, message); }
};

/// Sorted by file, rule, key and message; no two entries are alike.
struct Baseline {
  std::vector<BaselineEntry> entries;
};

/// 40 hex digits for what tells a finding from others wherever its line moves: rule, file, key and message.
std::string fingerprint(const Diagnostic& diagnostic);

Baseline make_baseline(const Report& report);

/// `{"version":1,"findings":[{"rule","file","key","message","count"}]}`, one finding a line: made to be kept under
/// version control.
std::string write_baseline(const Baseline& baseline);

/// The inverse. `path` is for messages. What is broken is a Failure that names line and column, or the entry.
Result<Baseline> read_baseline(std::string_view path, std::string_view text);

struct Rebased {
  Report report;                    ///< what the baseline does not know, counted anew
  std::size_t known = 0;            ///< how many findings were taken out
  std::vector<BaselineEntry> gone;  ///< what no longer occurs, `count` times
};

/// Takes known findings out, each as often as the baseline counts it: of equal ones the first in the report's order go.
Rebased apply_baseline(const Baseline& baseline, Report report);

}  // namespace hostpci
