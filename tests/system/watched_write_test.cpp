// Writes to attributes that the kernel holds up: given up in time, by a child that keeps nothing of ours open.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "system/file_system.hpp"
#include "tests/support/temporary.hpp"

using namespace hostpci;
using test::TemporaryDirectory;
using Clock = std::chrono::steady_clock;

namespace {

/// A FIFO whose reader does not read: a write of more than it holds waits for ever.
struct Jam {
  TemporaryDirectory directory;
  std::unique_ptr<FileSystem> files = std::move(*real_file_system(directory.path()));
  std::string value = std::string(200000, 'x');
  int reader = -1;

  Jam() {
    REQUIRE(mkfifo((directory.path() + "/jam").c_str(), 0600) == 0);
    reader = open((directory.path() + "/jam").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader >= 0);
  }
  ~Jam() { close(reader); }

  /// Reads until as much as the value has come.
  std::size_t drain() const {
    std::string buffer(65536, '\0');
    std::size_t all = 0;
    for (int tries = 0; tries < 2000 && all < value.size(); ++tries) {
      ssize_t got = read(reader, buffer.data(), buffer.size());
      if (got > 0) all += std::size_t(got);
      else std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return all;
  }
};

/// The one process that this one has as a child, 0 if none shows up.
pid_t child_of_ours() {
  for (int tries = 0; tries < 2000; ++tries) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      pid_t child = 0;
      std::ifstream(task.path() / "children") >> child;
      if (child) return child;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return 0;
}

/// "0 /dev/null", …: what a process has open.
std::vector<std::string> open_files(pid_t process) {
  std::vector<std::string> files;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd", gone))
    files.push_back(entry.path().filename().string() + " " + std::filesystem::read_symlink(entry.path(), gone).string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("a write that the kernel holds up is not waited for, nor killed: it finishes when it can") {
  Jam jam;
  auto start = Clock::now();
  Status written = jam.files->write_attribute("/jam", jam.value, 200);
  auto took = Clock::now() - start;
  REQUIRE_FALSE(written);
  CHECK(written.error().code == EINPROGRESS);
  CHECK(took >= std::chrono::milliseconds(200));
  CHECK(took < std::chrono::seconds(5));
  CHECK(waitpid(-1, nullptr, WNOHANG) == 0);
  CHECK(jam.drain() == jam.value.size());
  CHECK(waitpid(-1, nullptr, 0) > 0);
}

TEST_CASE("while it waits, the child has the attribute and its report open, no standard output and no lock") {
  Jam jam;
  auto lock = jam.files->lock("/lock", 0);
  REQUIRE(lock);
  Status written = Done{};
  std::thread writer([&] { written = jam.files->write_attribute("/jam", jam.value, 20000); });
  pid_t child = child_of_ours();
  REQUIRE(child != 0);
  std::vector<std::string> files;
  for (int tries = 0; tries < 1000 && files.size() != 5; ++tries) files = open_files(child);
  CHECK(getsid(child) == child);
  CHECK(jam.drain() == jam.value.size());
  writer.join();
  CHECK(written);
  REQUIRE(files.size() == 5);
  for (int standard = 0; standard < 3; ++standard) CHECK(files[std::size_t(standard)] == std::to_string(standard) + " /dev/null");
  CHECK(files[3] == "3 " + std::filesystem::canonical(jam.directory.path()).string() + "/jam");
  CHECK(files[4].starts_with("4 pipe:"));
}

TEST_CASE("an attribute that nobody reads is refused, not waited for") {
  TemporaryDirectory directory;
  auto files = std::move(*real_file_system(directory.path()));
  REQUIRE(mkfifo((directory.path() + "/lonely").c_str(), 0600) == 0);
  Status written = files->write_attribute("/lonely", "1", 200);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ENXIO);
}

TEST_CASE("what the kernel answers is told; what is not there is not made") {
  TemporaryDirectory directory;
  auto files = std::move(*real_file_system("/"));
  directory.write("attribute", "old");
  for (int milliseconds : {0, 1000}) {
    CHECK(files->write_attribute(directory.path() + "/attribute", "new", milliseconds));
    CHECK(*files->read(directory.path() + "/attribute") == "new");
    CHECK(files->write_attribute("/dev/full", "1", milliseconds).error().code == ENOSPC);
    CHECK(files->write_attribute(directory.path() + "/absent", "1", milliseconds).error().code == ENOENT);
    REQUIRE(symlink("attribute", (directory.path() + "/link").c_str()) == 0);
    CHECK(files->write_attribute(directory.path() + "/link", "1", milliseconds).error().code == ELOOP);
    REQUIRE(unlink((directory.path() + "/link").c_str()) == 0);
  }
}

TEST_CASE("descriptors of the parent may have any number") {
  Jam jam;
  int input = dup(STDIN_FILENO);
  close(STDIN_FILENO);  // the attribute gets its place
  Status written = jam.files->write_attribute("/jam", "1", 1000);
  if (input >= 0) dup2(input, STDIN_FILENO), close(input);
  CHECK(written);
  char byte = 0;
  CHECK(read(jam.reader, &byte, 1) == 1);
  CHECK(byte == '1');
}
