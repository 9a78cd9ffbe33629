// The executable: hands the arguments to the command table.
#include "cli/commands.hpp"

int main(int argc, char** argv) { return hostpci::run(argc, argv); }
