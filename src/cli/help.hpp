// What `--help`, `help COMMAND` and wrong usage print, out of the command table.
#pragma once
#include <string>

#include "cli/command.hpp"

namespace hostpci {

std::string general_help();
std::string command_help(const Command&);

}  // namespace hostpci
