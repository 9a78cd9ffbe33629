// The watched write: a child that holds nothing but the file and a pipe, so that neither a lock nor a reader of our output hangs
// on it when the kernel keeps it.
#include "system/watched_write.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "system/calls.hpp"
#include "system/descriptor.hpp"

namespace hostpci {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int grace = 100;  ///< milliseconds that a killed call has to end

/// Only system calls: other threads of the parent may have held any lock.
[[noreturn]] void run_child(int file, std::string_view bytes, int report) {
  constexpr int kept_file = 3, kept_report = 4, beyond = 100;
  int null = ::open("/dev/null", O_RDWR);
  for (int standard = 0; standard < kept_file; ++standard) ::dup2(null, standard);
  // Both are moved out of the way first: either may have the other's place.
  int moved_file = ::fcntl(file, F_DUPFD, beyond), moved_report = ::fcntl(report, F_DUPFD, beyond);
  ::dup2(moved_file, kept_file);
  ::dup2(moved_report, kept_report);
  ::syscall(SYS_close_range, kept_report + 1, ~0u, 0);
  ssize_t written = ::write(kept_file, bytes.data(), bytes.size());
  int code = written < 0 ? errno : std::size_t(written) == bytes.size() ? 0 : EIO;
  ::_exit(write_all(kept_report, {reinterpret_cast<const char*>(&code), sizeof code}) ? 0 : 1);
}

/// Something can be read, or the other end is closed.
bool wait_readable(int pipe, Clock::time_point end) {
  while (true) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wanted{pipe, POLLIN, 0};
    int ready = ::poll(&wanted, 1, left > 0 ? int(left) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool ends_within(pid_t child, int milliseconds) {
  for (int waited = 0;; waited += 5) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) return true;
    if (waited >= milliseconds) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

int write_within(int file, std::string_view bytes, int milliseconds) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  Descriptor from_child(ends[0]), to_parent(ends[1]);
  Clock::time_point end = Clock::now() + std::chrono::milliseconds(milliseconds);
  pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) run_child(file, bytes, to_parent.number());
  to_parent = Descriptor();
  int code = EIO;
  if (wait_readable(from_child.number(), end)) {
    if (read_some(from_child.number(), reinterpret_cast<char*>(&code), sizeof code) != ssize_t(sizeof code)) code = EIO;
    ::waitpid(child, nullptr, 0);
    return code;
  }
  ::kill(child, SIGKILL);
  return ends_within(child, grace) ? ETIMEDOUT : EINPROGRESS;
}

}  // namespace hostpci
