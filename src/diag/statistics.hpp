// What a run cost and found: the phases of the work, and each rule.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"

namespace hostpci {

struct PhaseTime {
  std::string name;  ///< "read the host"
  double seconds = 0;
};

struct RuleCost {
  std::string id;
  std::size_t findings = 0;
  double seconds = 0;
};

struct Statistics {
  std::vector<PhaseTime> phases;  ///< in their order
  std::vector<RuleCost> rules;    ///< no two of one id

  /// The row of that rule, made if there is none.
  RuleCost& rule(std::string_view id);
};

/// Sets the number of findings of every rule to what the report has.
void count_findings(Statistics& statistics, const Report& report);

/// Rules that found something, most findings first, then by name, and their sum. With `times` all rules, their
/// milliseconds, and the phases; without them the same report gives the same bytes.
std::string render_statistics(const Statistics& statistics, bool times);

/// Wall-clock time since it was made or last asked.
class Stopwatch {
 public:
  /// Seconds; the next lap begins.
  double lap();

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace hostpci
