// The commands of a refresh: found in fixed directories, run with a small environment, in the root that was changed.
#include "apply/commands.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "text/shell.hpp"

namespace hostpci {
namespace {

constexpr const char* environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
                                       "TERM=dumb", nullptr};
constexpr std::string_view directories[] = {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"};

/// Everything that the child needs, made before the fork: after it only system calls are allowed.
struct Child {
  std::vector<std::string> programs;
  std::vector<char*> words;
  const char* root;
  int report;  ///< gets errno where the program cannot be run
};

[[noreturn]] void give_up(const Child& child) {
  int code = errno;
  (void)!::write(child.report, &code, sizeof code);
  ::_exit(127);
}

[[noreturn]] void run_child(const Child& child) {
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (std::strcmp(child.root, "/") != 0 && ::chroot(child.root) != 0) give_up(child);
  if (::chdir("/") != 0) give_up(child);
  errno = ENOENT;
  for (const std::string& program : child.programs) {
    ::execve(program.c_str(), child.words.data(), const_cast<char* const*>(environment));
    if (errno != ENOENT) break;
  }
  give_up(child);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// errno of the program that could not be run, 0 if it ran.
int reported(int pipe) {
  int code = 0;
  ssize_t got = 0;
  while ((got = ::read(pipe, &code, sizeof code)) < 0 && errno == EINTR) {
  }
  return got == ssize_t(sizeof code) ? code : 0;
}

Status verdict(const std::string& name, int code, int status) {
  if (code) return Failure{"cannot run `" + name + "`: " + std::strerror(code), code};
  if (WIFSIGNALED(status)) return Failure{"`" + name + "` was ended by signal " + std::to_string(WTERMSIG(status))};
  if (WEXITSTATUS(status) != 0) return Failure{"`" + name + "` ended with status " + std::to_string(WEXITSTATUS(status))};
  return Done{};
}

std::vector<std::string> candidates(const std::string& name) {
  if (name.find('/') != name.npos) return {name};
  std::vector<std::string> paths;
  for (std::string_view directory : directories) paths.push_back(std::string(directory) + name);
  return paths;
}

}  // namespace

Status run_command(const std::string& root, const PlannedCommand& command) {
  assert(!command.words.empty());
  std::vector<std::string> words = command.words;
  Child child{candidates(words[0]), {}, root.c_str(), -1};
  for (std::string& word : words) child.words.push_back(word.data());
  child.words.push_back(nullptr);
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return Failure{std::string("cannot make a pipe: ") + std::strerror(errno), errno};
  child.report = report[1];
  pid_t pid = ::fork();
  if (pid == 0) run_child(child);
  int code = errno;
  ::close(report[1]);
  int failed = pid > 0 ? reported(report[0]) : code;
  ::close(report[0]);
  return verdict(shell_line(command.words), failed, pid > 0 ? wait_for(pid) : 0);
}

}  // namespace hostpci
