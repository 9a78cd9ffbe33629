// Running a command as a whole process for the bench: wall time and peak memory.
#pragma once
#include <string>
#include <vector>

namespace hostpci::bench {

struct Run {
  double seconds = 0;
  long peak_kib = 0;
  int status = 0;
};

/// Runs the command with its output thrown away; no shell.
Run run(const std::vector<std::string>& command);
double median(std::vector<double> values);

/// Medians of both commands, run in turns so that a noisy machine hits both alike.
struct Pair {
  double first = 0, second = 0;
  double ratio() const { return first / second; }
};
Pair in_turns(const std::vector<std::string>& first, const std::vector<std::string>& second, int rounds);

}  // namespace hostpci::bench
