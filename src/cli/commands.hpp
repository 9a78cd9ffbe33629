// The way in: arguments to a command, its exit status out.
#pragma once

namespace hostpci {

/// Never throws; returns the exit status of product and manual: 0, 1, 2 or 3.
int run(int argc, char** argv);

}  // namespace hostpci
