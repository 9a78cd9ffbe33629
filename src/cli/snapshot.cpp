// `snapshot`: the host as YAML, to standard output or into a file that appears whole or not at all.
#include "host/snapshot.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/log.hpp"
#include "cli/world.hpp"

namespace hostpci {
namespace {

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

/// A regular file is replaced by rename; a pipe or terminal is written to.
Status write_file(const std::string& path, std::string_view text) {
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

/// ROM files that the VMs of this node name belong to the picture.
void read_vms_roms(World& world) {
  std::vector<Failure> failures;
  std::vector<Vm> vms;
  for (const std::string& path : world.vm_paths({}, failures))
    if (auto text = world.system().read(path)) vms.push_back(read_vm(make_source(path, std::move(*text))));
  world.read_roms_of(vms);
}

}  // namespace

int run_snapshot(Invocation& invocation) {
  auto world = World::open(invocation.globals);
  auto host = world ? (*world)->host() : Result<const Host*>(world.error());
  if (!host) {
    log_error(host.error().message);
    return refused;
  }
  read_vms_roms(**world);
  std::string text = write_snapshot(**host);
  std::string path = invocation.options.text("output");
  if (path.empty() || path == "-") {
    *invocation.out << text;
    return done;
  }
  Status written = write_file(path, text);
  if (!written) log_error(written.error().message);
  return written ? done : refused;
}

}  // namespace hostpci
