// Messages to standard error, through spdlog: errors, warnings, and what -v tells.
#pragma once
#include <string>

namespace hostpci {

/// quiet: errors only; verbose 1: info, 2: debug.
void set_log_level(bool quiet, int verbose);
/// Control characters in `message` are escaped.
void log_error(const std::string& message);
/// What one waits for, or should know: shown unless -q.
void log_note(const std::string& message);
void log_warning(const std::string& message);
void log_info(const std::string& message);
void log_debug(const std::string& message);

}  // namespace hostpci
