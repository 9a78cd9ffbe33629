// The kernel command line: arguments with their places, cut as the kernel cuts them (lib/cmdline.c next_arg).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// `name=value` or a lone word. Quotes group blanks; an outer pair around value (or the whole) is taken off in
/// `name`/`value`.
struct KernelArgument {
  std::string_view text;   ///< as it stands, quotes included
  std::string_view name;
  std::string_view value;
  bool has_value = false;
  bool for_init = false;   ///< after a lone "--": not the kernel's
  Span span, name_span, value_span;
};

std::vector<KernelArgument> parse_kernel_command_line(std::string_view text, std::uint32_t base = 0);

/// Names compare with '-' equal to '_' (kernel/params.c dash2underscore).
bool same_parameter(std::string_view a, std::string_view b);

}  // namespace hostpci
