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

#include "system/calls.hpp"
#include "system/descriptor.hpp"

namespace hostpci {
namespace {

using Clock = std::chrono::steady_clock;

/// By one write(2), which may wait: 0 or errno.
int write_whole(int file, std::string_view bytes) {
  ::fcntl(file, F_SETFL, 0);
  ssize_t written = ::write(file, bytes.data(), bytes.size());
  if (written < 0) return errno;
  return std::size_t(written) == bytes.size() ? 0 : EIO;
}

/// Only system calls: other threads of the parent may have held any lock. In a session of its own, a terminal's signals do not reach it:
/// one that came in the middle of a driver's probe would have it fail half-way.
[[noreturn]] void run_child(int file, std::string_view bytes, int report) {
  constexpr int kept_file = 3, kept_report = 4, beyond = 100;
  // Both are moved out of the way first: either may have the other's place, or that of a standard one.
  int moved_file = ::fcntl(file, F_DUPFD, beyond), moved_report = ::fcntl(report, F_DUPFD, beyond);
  ::setsid();
  int null = ::open("/dev/null", O_RDWR);
  for (int standard = 0; standard < kept_file; ++standard) ::dup2(null, standard);
  ::dup2(moved_file, kept_file);
  ::dup2(moved_report, kept_report);
  ::syscall(SYS_close_range, kept_report + 1, ~0u, 0);
  int code = write_whole(kept_file, bytes);
  ::_exit(write_all(kept_report, {reinterpret_cast<const char*>(&code), sizeof code}) ? 0 : 1);
}

/// Something can be read, or the other end is closed.
bool wait_readable(int pipe, Clock::time_point end) {
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd wanted{pipe, POLLIN, 0};
    int ready = ::poll(&wanted, 1, left > 0 ? int(left) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// What the child wrote into the pipe; EIO if it closed it without a word.
int reported(int pipe) {
  int code = 0;
  return read_some(pipe, reinterpret_cast<char*>(&code), sizeof code) == ssize_t(sizeof code) ? code : EIO;
}

}  // namespace

int write_within(int file, std::string_view bytes, int milliseconds) {
  if (milliseconds == 0) return write_whole(file, bytes);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  Descriptor from_child(ends[0]), to_parent(ends[1]);
  Clock::time_point end = Clock::now() + std::chrono::milliseconds(milliseconds);
  pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) run_child(file, bytes, to_parent.number());
  to_parent = Descriptor();
  if (!wait_readable(from_child.number(), end)) return EINPROGRESS;  // never killed: the kernel may be in the middle of a probe
  int code = reported(from_child.number());
  ::waitpid(child, nullptr, 0);
  return code;
}

}  // namespace hostpci
