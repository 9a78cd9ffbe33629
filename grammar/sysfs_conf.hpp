// sysfsutils' sysfs.conf: "path = value" below /sys (init script of the package sysfsutils).
#pragma once
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

struct SysfsLine {
  enum class Kind : std::uint8_t { value, mode, owner, bad };
  Kind kind = Kind::bad;
  std::string_view path, value;
  Span span, path_span, value_span;
};

/// '#' strips to the end of the line anywhere; a value of two words is a syntax error that ends the file for the script
/// (kind bad).
std::vector<SysfsLine> parse_sysfs_conf(std::string_view text);

}  // namespace hostpci
