// Two writers of ours beside one that follows Proxmox VE's protocol: none of their changes is lost.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "../support/temporary.hpp"
#include "apply/vm_file.hpp"
#include "config/set_vm.hpp"
#include "config/vm.hpp"

using namespace hostpci;

namespace {

constexpr int changes = 1000;
constexpr const char* file = "etc/pve/nodes/pve1/qemu-server/100.conf";
constexpr const char* lock_file = "var/lock/qemu-server/lock-100.conf";

/// "01:00,mdev=c17": a value of hostpciN that counts.
std::string counted(int n) { return "01:00,mdev=c" + std::to_string(n); }

int count_of(std::string_view value) {
  std::size_t at = value.find("mdev=c");
  return at == value.npos ? 0 : std::stoi(std::string(value.substr(at + 6)));
}

/// A writer of ours: reads its own counter under the lock, and sets it one higher.
int our_writer(const std::string& root, const std::string& key) {
  auto system = real_file_system(root);
  if (!system) return 1;
  for (int i = 0; i < changes; ++i) {
    auto locked = LockedVmFile::open(**system, "/etc/pve/qemu-server/100.conf");
    if (!locked) return 2;
    Vm vm = read_vm(locked->source());
    SetRequest request;
    request.sets = {{key, counted(count_of(vm.text(key)) + 1)}};
    SetOutcome outcome = set_vm(vm, request, false);
    if (outcome.verdict != SetVerdict::accepted || !locked->write(outcome.text)) return 3;
  }
  return 0;
}

std::string slurp(const std::string& path) {
  std::string text;
  char buffer[4096];
  int fd = ::open(path.c_str(), O_RDONLY);
  for (ssize_t n; fd >= 0 && (n = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, std::size_t(n));
  if (fd >= 0) ::close(fd);
  return text;
}

/// As file_set_contents of PVE: FILE.tmp.PID, O_EXCL, rename; no fsync.
bool put(const std::string& path, const std::string& text) {
  std::string temporary = path + ".tmp." + std::to_string(::getpid());
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (fd < 0) return false;
  bool written = ::write(fd, text.data(), text.size()) == ssize_t(text.size());
  return ::close(fd) == 0 && written && std::rename(temporary.c_str(), path.c_str()) == 0;
}

/// As PVE: the lock file opened for appending, LOCK_EX; the file read, one line changed, all of it written anew.
int pve_writer(const std::string& root) {
  const std::string key = "args: -name c";
  for (int i = 0; i < changes; ++i) {
    int lock = ::open((root + "/" + lock_file).c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (lock < 0 || ::flock(lock, LOCK_EX) != 0) return 1;
    std::string text = slurp(root + "/" + file);
    std::size_t at = text.find(key), end = text.find('\n', at);
    if (at == text.npos) return 2;
    int n = std::stoi(text.substr(at + key.size(), end - at - key.size()));
    text.replace(at, end - at, key + std::to_string(n + 1));
    if (!put(root + "/" + file, text)) return 3;
    ::close(lock);
  }
  return 0;
}

template <class Work>
pid_t start(Work work) {
  pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  return child;
}

int status_of(pid_t child) {
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("two writers of ours and one of PVE's protocol, a thousand changes each, none lost") {
  test::TemporaryDirectory root(test::quick_place());
  root.write(file, "# kept\nargs: -name c0\nname: t\nunknown: stays\n");
  root.write(lock_file, "");
  std::filesystem::create_symlink("nodes/pve1", root.path() + "/etc/pve/local");
  std::filesystem::create_symlink("nodes/pve1/qemu-server", root.path() + "/etc/pve/qemu-server");

  pid_t first = start([&] { return our_writer(root.path(), "hostpci0"); });
  pid_t second = start([&] { return our_writer(root.path(), "hostpci1"); });
  pid_t third = start([&] { return pve_writer(root.path()); });
  CHECK(status_of(first) == 0);
  CHECK(status_of(second) == 0);
  CHECK(status_of(third) == 0);

  std::string text = test::read_file(root.path() + "/" + file);
  CHECK(text ==
        "# kept\nargs: -name c1000\nhostpci0: 01:00,mdev=c1000\nhostpci1: 01:00,mdev=c1000\nname: t\nunknown: stays\n");
  for (const auto& entry : std::filesystem::directory_iterator(root.path() + "/etc/pve/nodes/pve1/qemu-server"))
    CHECK(entry.path().filename().string() == "100.conf");
}
