// Programs that a test asks for a second opinion.
#pragma once
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "process.hpp"

namespace hostpci::test {

/// Whether the program is installed. Where it is not, the test says that it is left out; with HOSTPCI_CI set it fails.
inline bool has_tool(const std::string& program) {
  if (run_program({"sh", "-c", "command -v " + program}).status == 0) return true;
  if (std::getenv("HOSTPCI_CI")) FAIL_CHECK("`" << program << "` is not installed");
  else MESSAGE("left out: `" << program << "` is not installed");
  return false;
}

}  // namespace hostpci::test
