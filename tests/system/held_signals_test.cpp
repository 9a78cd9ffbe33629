// Signals that come while they are held: none is lost, none comes early.
#include "system/held_signals.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

using namespace hostpci;

namespace {

/// A process that gets a signal between two steps: how many steps it did, and how it ended.
struct Interrupted {
  int steps = 0, status = 0;

  Interrupted(int signal, bool held) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) run(signal, held, ends[1]);
    close(ends[1]);
    waitpid(child, &status, 0);
    for (char byte = 0; read(ends[0], &byte, 1) == 1;) ++steps;
    close(ends[0]);
  }

 private:
  [[noreturn]] static void run(int signal, bool held, int report) {
    ::signal(signal, SIG_DFL);
    if (held) {
      HeldSignals outer;
      { HeldSignals inner; }
      steps_of(signal, report);
    } else {
      steps_of(signal, report);
    }
    (void)!write(report, "after", 5);
    _exit(0);
  }

  static void steps_of(int signal, int report) {
    (void)!write(report, "1", 1);
    kill(getpid(), signal);
    (void)!write(report, "2", 1);
  }
};

}  // namespace

TEST_CASE("a signal between two steps waits for the second, then ends the process") {
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    CAPTURE(signal);
    Interrupted held(signal, true), open(signal, false);
    CHECK(held.steps == 2);
    CHECK(WIFSIGNALED(held.status));
    CHECK(WTERMSIG(held.status) == signal);
    CHECK(open.steps == 1);
  }
}
