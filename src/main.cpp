// The executable: makes sure of the standard streams and hands the arguments to the command table.
#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

#include "cli/commands.hpp"

namespace {

/// A stream that the caller closed must not become the number of a file that is opened later: output meant for it would
/// go there. What takes its place can be neither read nor written.
void occupy_closed_streams() {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && ::open("/", O_PATH) != stream) ::_exit(3);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_closed_streams();
  return hostpci::run(argc, argv);
}
