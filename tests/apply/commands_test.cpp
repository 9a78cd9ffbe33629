// Commands of a refresh: run without a shell, with a small environment, and judged by their end.
#include "apply/commands.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include "../support/temporary.hpp"

using namespace hostpci;

TEST_CASE("a command runs with its words as they are") {
  test::TemporaryDirectory directory;
  std::string file = directory.path() + "/a b;$(x)";
  CHECK(run_command("/", {{"touch", file}, ""}).has_value());
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("a command that fails says how it ended") {
  Status status = run_command("/", {{"false"}, ""});
  REQUIRE(!status);
  CHECK(status.error().message == "`false` ended with status 1");
  Status killed = run_command("/", {{"sh", "-c", "kill -9 $$"}, ""});
  REQUIRE(!killed);
  CHECK(killed.error().message == "`sh -c 'kill -9 $$'` was ended by signal 9");
}

TEST_CASE("a command that does not exist is told") {
  Status status = run_command("/", {{"no-such-command-here"}, ""});
  REQUIRE(!status);
  CHECK(status.error().code == ENOENT);
  CHECK(status.error().message == "cannot run `no-such-command-here`: No such file or directory");
}

TEST_CASE("the environment is small") {
  ::setenv("HOSTPCI_TEST_LEAK", "1", 1);
  CHECK(run_command("/", {{"sh", "-c", "test -z \"$HOSTPCI_TEST_LEAK\" && test \"$LC_ALL\" = C && test \"$PWD\" = /"}, ""}).has_value());
}
