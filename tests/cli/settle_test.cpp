// The question before something is taken from the host, asked of a terminal: what counts after the answer is the host as it is then.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/live.hpp"

using namespace hostpci;

namespace {

Outlook outlook(const std::string& driver, Severity severity = Severity::warning) {
  Diagnostic objection;
  objection.rule = "device-nic-in-bridge";
  objection.severity = severity;
  objection.message = "the host uses it";
  return {{objection}, {"0000:01:00.0: " + driver}};
}

/// Exit status of a command that asks a terminal which answers so; 0: it goes on. Found are the first driver and, after the answer, the second.
int settled(const std::string& answer, const std::string& first, const std::string& then, std::vector<std::string> options = {}) {
  int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(grantpt(terminal) == 0);
  REQUIRE(unlockpt(terminal) == 0);
  int line = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(line >= 0);
  REQUIRE(write(terminal, answer.data(), answer.size()) == ssize_t(answer.size()));
  pid_t child = fork();
  if (child == 0) {
    dup2(line, STDIN_FILENO);
    dup2(line, STDERR_FILENO);
    Invocation invocation;
    for (const std::string& option : options) invocation.options.values[option] = {""};
    bool locked = true, again = false;
    auto look = [&](int&) -> std::optional<Outlook> { return outlook(again ? then : first); };
    auto status = settle(invocation, {look, [&] { locked = false; }, [&] { return again = locked = true; }}, "Take it?");
    _exit(!locked ? 99 : status.value_or(0));
  }
  int status = 0;
  waitpid(child, &status, 0);
  close(line);
  close(terminal);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("settle: yes goes on where all is as it was, with the lock taken again") { CHECK(settled("y\n", "e1000e", "e1000e") == 0); }

TEST_CASE("settle: yes to a host that changed meanwhile is refused") { CHECK(settled("y\n", "e1000e", "vfio-pci") == refused); }

TEST_CASE("settle: while it asks, and after no, the lock is let go") { CHECK(settled("n\n", "e1000e", "e1000e") == 99); }

TEST_CASE("settle: nothing is asked or read again with --yes") { CHECK(settled("n\n", "e1000e", "vfio-pci", {"yes"}) == 0); }

TEST_CASE("settle: objections count as what was found") {
  CHECK(is_same(outlook("e1000e"), outlook("e1000e")));
  CHECK_FALSE(is_same(outlook("e1000e"), outlook("e1000e", Severity::error)));
  CHECK_FALSE(is_same(outlook("e1000e"), Outlook{{}, {"0000:01:00.0: e1000e"}}));
}
