// spdlog stands in this file only: it takes seconds to compile.
#define SPDLOG_HEADER_ONLY
#define FMT_HEADER_ONLY
#include "cli/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "text/escape.hpp"

namespace hostpci {
namespace {

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("hostpci", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made.set_pattern("hostpci: %v");
    made.set_level(spdlog::level::warn);
    return made;
  }();
  return instance;
}

}  // namespace

void set_log_level(bool quiet, int verbose) {
  logger().set_level(quiet ? spdlog::level::err : verbose > 1 ? spdlog::level::debug : verbose ? spdlog::level::info : spdlog::level::warn);
}

void log_error(const std::string& message) { logger().log(spdlog::level::err, printable_lines(message)); }
void log_warning(const std::string& message) { logger().log(spdlog::level::warn, "warning: " + printable_lines(message)); }
void log_note(const std::string& message) { logger().log(spdlog::level::warn, printable_lines(message)); }
void log_info(const std::string& message) { logger().log(spdlog::level::info, printable_lines(message)); }
void log_debug(const std::string& message) { logger().log(spdlog::level::debug, printable_lines(message)); }

}  // namespace hostpci
