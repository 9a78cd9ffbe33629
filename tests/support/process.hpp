// Running the executable in a test: its output, its messages, its exit status.
#pragma once
#include <string>
#include <vector>

namespace hostpci::test {

struct Ran {
  int status = -1;  ///< exit status, or 128 + the signal
  std::string out, err;
};

/// Runs a program (found through PATH) without a shell. Standard input is `input`; the environment is a fixed, small one
/// (PATH, LC_ALL=C.UTF-8) plus `environment` ("NAME=value").
Ran run_program(const std::vector<std::string>& command, const std::string& input = "", const std::vector<std::string>& environment = {});

/// Runs hostpci with these arguments.
Ran run_hostpci(std::vector<std::string> arguments, const std::string& input = "", const std::vector<std::string>& environment = {});

/// Unpacks a tar archive of fixtures/ into a directory.
void unpack(const std::string& archive, const std::string& directory);

}  // namespace hostpci::test
