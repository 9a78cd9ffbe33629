// Files that the person at the keyboard names: read whole, written whole.
#include "cli/argument_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace hostpci {
namespace {

constexpr std::size_t most_bytes = std::size_t(256) << 20;

Failure refuse(const std::string& path, int code) { return {"cannot read `" + path + "`: " + std::strerror(code), code}; }

Result<std::string> read_descriptor(int fd, const std::string& path) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n == 0) return text;
    if (text.size() > most_bytes) return refuse(path, EFBIG);
    if (n > 0) text.append(buffer, std::size_t(n));
    else if (errno != EINTR) return refuse(path, errno);
  }
}

Failure cannot_write(const std::string& path) { return {"cannot write `" + path + "`: " + std::strerror(errno), errno}; }

Status write_descriptor(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) text.remove_prefix(std::size_t(n));
    else if (errno != EINTR) return cannot_write(path);
  }
  return Done{};
}

/// Creates, fills and closes; a file that could not be filled is removed.
Status fill_new_file(const std::string& path, std::string_view text) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return cannot_write(path);
  Status written = write_descriptor(fd, text, path);
  if (::close(fd) != 0 && written) written = cannot_write(path);
  if (!written) ::unlink(path.c_str());
  return written;
}

}  // namespace

Result<std::string> read_argument_file(const std::string& path) {
  if (path == "-") return read_descriptor(STDIN_FILENO, "standard input");
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return refuse(path, errno);
  Result<std::string> text = read_descriptor(fd, path);
  ::close(fd);
  return text;
}

Status write_argument_file(const std::string& path, std::string_view text) {
  struct stat state {};
  bool exists = ::stat(path.c_str(), &state) == 0;
  if (exists && !S_ISREG(state.st_mode)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return cannot_write(path);
    Status written = write_descriptor(fd, text, path);
    ::close(fd);
    return written;
  }
  std::string temporary = path + ".tmp." + std::to_string(::getpid());
  Status filled = fill_new_file(temporary, text);
  if (!filled) return filled;
  if (::rename(temporary.c_str(), path.c_str()) == 0) return Done{};
  Failure failure = cannot_write(path);
  ::unlink(temporary.c_str());
  return failure;
}

}  // namespace hostpci
