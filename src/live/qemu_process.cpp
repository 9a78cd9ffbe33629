// Starting QEMU without a shell, reading its two streams at once, and ending it on every path.
#include "live/qemu_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "system/calls.hpp"
#include "system/failure.hpp"

namespace hostpci {
namespace {

constexpr std::size_t most_said = 64 << 10, longest_line = 4 << 20;
constexpr int killing = 2000;  ///< milliseconds: the memory of a guest takes its time
constexpr const char* environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C", "TERM=dumb",
                                       nullptr};

/// Everything that the child needs, made before the fork: after it only system calls are allowed.
struct Child {
  std::vector<char*> words;
  int monitor, errors;
  pid_t parent;
};

[[noreturn]] void give_up(const char* what) {
  const char* reason = ::strerrordesc_np(errno);
  for (const char* part : {"cannot run it: ", what, ": ", reason ? reason : "unknown error", "\n"})
    (void)!::write(STDERR_FILENO, part, std::strlen(part));
  ::_exit(127);
}

[[noreturn]] void run_child(const Child& child) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::dup2(child.monitor, STDIN_FILENO);
  ::dup2(child.monitor, STDOUT_FILENO);
  ::dup2(child.errors, STDERR_FILENO);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up("prctl");
  if (::getppid() != child.parent) ::_exit(127);  // it died before it could be said
  rlimit no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (::chdir("/") != 0) give_up("/");
  ::execve(child.words[0], child.words.data(), const_cast<char* const*>(environment));
  give_up(child.words[0]);
}

/// Both ends of a pair close themselves at an exec.
struct Pair {
  Descriptor ours, theirs;
};

Pair socket_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

/// Takes what is there without waiting; false at its end.
bool drain(int file, std::string& into, std::size_t most) {
  char buffer[16384];
  ssize_t n = read_some(file, buffer, sizeof buffer);
  if (n > 0 && into.size() < most) into.append(buffer, std::min(std::size_t(n), most - into.size()));
  return n > 0;
}

}  // namespace

Result<std::unique_ptr<QemuProcess>> QemuProcess::start(const std::string& program,
                                                        const std::vector<std::string>& arguments) {
  Pair monitor = socket_pair(), errors = socket_pair();
  if (!monitor.ours || !errors.ours) return system_failure("start", program, errno);
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  Child child{{}, monitor.theirs.number(), errors.theirs.number(), ::getpid()};
  for (std::string& word : words) child.words.push_back(word.data());
  child.words.push_back(nullptr);
  pid_t pid = ::fork();
  if (pid == 0) run_child(child);
  if (pid < 0) return system_failure("start", program, errno);
  return std::unique_ptr<QemuProcess>(new QemuProcess(pid, std::move(monitor.ours), std::move(errors.ours)));
}

QemuProcess::~QemuProcess() { end(Deadline(0)); }

bool QemuProcess::has_ended() {
  if (pid_ < 0) return true;
  pid_t ended;
  do ended = ::waitpid(pid_, &status_, WNOHANG);
  while (ended < 0 && errno == EINTR);
  if (ended == 0) return false;
  pid_ = -1;
  return true;
}

std::optional<int> QemuProcess::end(const Deadline& deadline) {
  while (errors_ && deadline.left() > 0 && wait_for_input(deadline)) {  // its streams close with it
    char ignored[4096];
    if (monitor_ && ::recv(monitor_.number(), ignored, sizeof ignored, MSG_DONTWAIT) == 0) monitor_ = Descriptor();
    read_errors();
  }
  wait_for_end(deadline);
  if (pid_ < 0) return status_;
  ::kill(pid_, SIGKILL);
  wait_for_end(Deadline(killing));
  if (pid_ < 0) return status_;
  pid_ = -1;  // the kernel is still at its end, for which nobody can do anything
  return {};
}

void QemuProcess::wait_for_end(const Deadline& deadline) {
  while (!has_ended() && deadline.left() > 0) ::poll(nullptr, 0, 10);
}

Status QemuProcess::send(std::string_view line) {
  while (!line.empty()) {
    ssize_t n = ::send(monitor_.number(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Failure{"QEMU does not take a command: " + std::string(std::strerror(errno)),
                     errno == EAGAIN ? ETIMEDOUT : ECONNRESET};
    line.remove_prefix(std::size_t(n));
  }
  return Done{};
}

/// False: the time is over.
bool QemuProcess::wait_for_input(const Deadline& deadline) {
  pollfd files[] = {{monitor_.number(), POLLIN, 0}, {errors_.number(), POLLIN, 0}};  // a number below 0 is passed over
  int ready;
  do ready = ::poll(files, 2, deadline.left());
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

void QemuProcess::read_errors() {
  pollfd file{errors_.number(), POLLIN, 0};
  if (errors_ && ::poll(&file, 1, 0) > 0 && !drain(errors_.number(), said_, most_said)) errors_ = Descriptor();
}

bool QemuProcess::read_monitor() {
  pollfd file{monitor_.number(), POLLIN, 0};
  return ::poll(&file, 1, 0) <= 0 || drain(monitor_.number(), unread_, longest_line);
}

bool QemuProcess::take_line(std::string& line) {
  std::size_t end = unread_.find('\n');
  if (end == unread_.npos) return false;
  line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return true;
}

Result<std::string> QemuProcess::line(const Deadline& deadline) {
  for (std::string found;;) {
    if (take_line(found)) return found;
    if (unread_.size() >= longest_line) return Failure{"what QEMU's monitor says has no end", EMSGSIZE};
    if (deadline.left() <= 0 || !wait_for_input(deadline)) return Failure{"QEMU does not answer", ETIMEDOUT};
    read_errors();
    if (!read_monitor()) return Failure{"QEMU has closed its monitor", ECONNRESET};
  }
}

}  // namespace hostpci
