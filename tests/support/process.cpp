// Spawning with temporary files for the three streams: no pipe can fill up, no thread is needed.
#include "process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace hostpci::test {
namespace {

/// An unnamed temporary file, closed with its owner.
struct Stream {
  std::FILE* file = std::tmpfile();
  ~Stream() { std::fclose(file); }
  int descriptor() const { return fileno(file); }
  void fill(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
    lseek(descriptor(), 0, SEEK_SET);
  }
  std::string text() {
    std::string all;
    char buffer[1 << 14];
    lseek(descriptor(), 0, SEEK_SET);
    for (ssize_t n; (n = read(descriptor(), buffer, sizeof buffer)) > 0;) all.append(buffer, std::size_t(n));
    return all;
  }
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

/// The fixed environment; the sanitizers' own settings are kept.
std::vector<std::string> fixed_environment(const std::vector<std::string>& more) {
  const char* path = std::getenv("PATH");
  std::vector<std::string> all = {std::string("PATH=") + (path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"), "LC_ALL=C.UTF-8"};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) all.push_back(std::string(name) + "=" + value);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

Ran run_program(const std::vector<std::string>& command, const std::string& input, const std::vector<std::string>& environment) {
  Stream in, out, err;
  in.fill(input);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.descriptor(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), 2);
  std::vector<std::string> variables = fixed_environment(environment);
  pid_t pid = 0;
  int failed = posix_spawnp(&pid, command[0].c_str(), &actions, nullptr, pointers(command).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return {127, "", "cannot run " + command[0]};
  int status = 0;
  waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), out.text(), err.text()};
}

Ran run_hostpci(std::vector<std::string> arguments, const std::string& input, const std::vector<std::string>& environment) {
  arguments.insert(arguments.begin(), HOSTPCI);
  return run_program(arguments, input, environment);
}

void unpack(const std::string& archive, const std::string& directory) {
  Ran ran = run_program({"tar", "-C", directory, "-xf", std::string(FIXTURES) + "/" + archive});
  if (ran.status != 0) throw std::runtime_error(ran.err);
}

}  // namespace hostpci::test
