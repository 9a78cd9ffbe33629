// Where a VM's file stands, and that a failing system call never leaves half a change.
#include "apply/vm_file.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <vector>

#include "apply/running.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

constexpr const char* real_path = "/etc/pve/nodes/pve1/qemu-server/100.conf";
constexpr const char* named_path = "/etc/pve/qemu-server/100.conf";

MemoryFileSystem node() {
  MemoryFileSystem system;
  system.put(real_path, "name: t\n");
  system.put("/etc/pve/nodes/pve2/qemu-server/200.conf", "name: u\n");
  system.put("/etc/hostname", "pve1\n");
  system.put_link("/etc/pve/local", "nodes/pve1");
  system.put_link("/etc/pve/qemu-server", "nodes/pve1/qemu-server");
  system.put("/var/lock/qemu-server/lock-100.conf", "");
  return system;
}

/// Files beside the VM's own that a write made and left.
std::vector<std::string> left_behind(const MemoryFileSystem& system) {
  std::vector<std::string> left;
  for (const auto& [path, text] : system.files())
    if (path.find("/qemu-server/.") != path.npos || path.find(".conf.") != path.npos) left.push_back(path);
  return left;
}

/// Opens and writes; the message of the failure, or "".
std::string write(FileSystem& system, std::string_view text, const std::string& path = named_path) {
  auto file = LockedVmFile::open(system, path);
  if (!file) return file.error().message;
  Status written = file->write(text);
  return written ? "" : written.error().message;
}

}  // namespace

TEST_CASE("the file that a link stands for is the one that is written") {
  MemoryFileSystem system = node();
  CHECK(write(system, "name: v\n") == "");
  CHECK(system.files().at(real_path) == "name: v\n");
  CHECK(left_behind(system).empty());
  auto place = vm_place(system, named_path);
  REQUIRE(place);
  CHECK(place->path == real_path);
  CHECK(lock_path(place->vmid) == "/var/lock/qemu-server/lock-100.conf");
}

TEST_CASE("what may not be written") {
  MemoryFileSystem system = node();
  system.put("/etc/pve/nodes/pve1/qemu-server/4294967396.conf", "name: w\n");
  system.put("/etc/pve/nodes/pve1/lxc/101.conf", "");
  system.put("/etc/pve/user.cfg", "");
  system.put_link("/tmp/100.conf", "/etc/pve/nodes/pve2/qemu-server/200.conf");
  for (const char* path :
       {"/etc/pve/nodes/pve2/qemu-server/200.conf", "/etc/pve/nodes/pve1/qemu-server/4294967396.conf",
        "/etc/pve/nodes/pve1/lxc/101.conf", "/etc/pve/user.cfg", "/tmp/100.conf", "/etc/pve/qemu-server/102.conf"}) {
    auto before = system.files();
    CHECK_MESSAGE(write(system, "x: 1\n", path) != "", std::string(path));
    CHECK_MESSAGE(system.files() == before, std::string(path));
  }
}

TEST_CASE("a file outside /etc/pve needs no cluster") {
  MemoryFileSystem system;
  system.put("/srv/100.conf", "name: t\n");
  CHECK(write(system, "name: u\n", "/srv/100.conf") == "");
  CHECK(system.files().at("/srv/100.conf") == "name: u\n");
}

TEST_CASE("a link named after a VM stands for that VM where its target's name says nothing else") {
  MemoryFileSystem system = node();
  system.put("/srv/vm.txt", "name: t\n");
  system.put_link("/srv/123.conf", "vm.txt");
  system.put_link("/srv/124.conf", "/etc/pve/qemu-server/100.conf");
  CHECK(vm_place(system, "/srv/123.conf")->vmid == 123);
  CHECK(vm_place(system, "/srv/124.conf")->vmid == 100);
}

TEST_CASE("the lock's directory is made where a boot would make it") {
  MemoryFileSystem system;
  system.put("/srv/100.conf", "name: t\n");
  system.put_link("/var/lock", "/run/lock");
  REQUIRE(system.make_directory("/run"));
  CHECK(write(system, "name: u\n", "/srv/100.conf") == "");
  REQUIRE(system.stat("/run/lock/qemu-server"));
}

TEST_CASE("without quorum nothing is written") {
  struct Unwritable : MemoryFileSystem {
    Result<FileStat> stat(const std::string& path, bool follow) const override {
      auto found = MemoryFileSystem::stat(path, follow);
      if (found && path == "/etc/pve/local" && !follow) found->mode = 0555;
      return found;
    }
  } system;
  static_cast<MemoryFileSystem&>(system) = node();
  CHECK(write(system, "name: v\n") == "the cluster has no quorum: /etc/pve can only be read");
  CHECK(system.files().at(real_path) == "name: t\n");
}

TEST_CASE("a plain /etc/pve/qemu-server is written too") {
  MemoryFileSystem system;
  system.put("/etc/pve/qemu-server/100.conf", "name: t\n");
  CHECK(write(system, "name: u\n") == "");
}

TEST_CASE("a change made meanwhile is not written over") {
  MemoryFileSystem system = node();
  auto file = LockedVmFile::open(system, named_path);
  REQUIRE(file);
  system.put(real_path, "name: other\n");
  Status written = file->write("name: v\n");
  REQUIRE_FALSE(written);
  CHECK(written.error().message.find("changed meanwhile") != std::string::npos);
  CHECK(system.files().at(real_path) == "name: other\n");
  CHECK(left_behind(system).empty());
}

TEST_CASE("a link that takes the file's place is neither read nor written through") {
  MemoryFileSystem inner = node();
  inner.put("/srv/other", "name: other\n");
  auto replace = [&] {
    (void)inner.remove(real_path);
    inner.put_link(real_path, "/srv/other");
  };
  auto system = faulty_file_system(inner, [&](std::string_view call, const std::string&) {
    if (call == "lock") replace();
    return 0;
  });
  CHECK(write(*system, "name: v\n").find("changed meanwhile") != std::string::npos);
  CHECK(inner.files().at("/srv/other") == "name: other\n");
  CHECK(inner.files().count(real_path) == 0);

  inner = node();
  inner.put("/srv/other", "name: t\n");
  auto file = LockedVmFile::open(inner, named_path);
  REQUIRE(file);
  replace();
  CHECK_FALSE(file->write("name: v\n"));
  CHECK(inner.files().count(real_path) == 0);
  CHECK(left_behind(inner).empty());
}

TEST_CASE("each call that fails leaves the old text or the new one, and no temporary file") {
  for (const char* call : {"canonical", "stat", "read", "read_link", "make_directory", "lock", "create", "rename",
                           "remove", "sync_directory"})
    for (int code : {EACCES, ENOSPC, EIO, EROFS, EBUSY, EPERM, EFBIG, ENOTCONN})
      for (int which = 1; which <= 6; ++which) {
        MemoryFileSystem inner = node();
        int count = 0;
        auto system = faulty_file_system(inner, [&](std::string_view name, const std::string&) {
          return name == call && ++count == which ? code : 0;
        });
        std::string message = write(*system, "name: v\n");
        INFO(std::string(call), " ", which, " ", code, ": ", message);
        const std::string& now = inner.files().at(real_path);
        CHECK(now == (message.empty() ? "name: v\n" : "name: t\n"));
        CHECK(left_behind(inner).empty());
      }
}

TEST_CASE("a rename that fails after it was done is done") {
  MemoryFileSystem inner = node();
  auto system = faulty_file_system(inner, [&](std::string_view name, const std::string& path) {
    if (name != "rename" || path != real_path) return 0;
    (void)inner.rename(left_behind(inner).at(0), path);
    return EBUSY;
  });
  CHECK(write(*system, "name: v\n") == "");
  CHECK(inner.files().at(real_path) == "name: v\n");
}

TEST_CASE("where the target vanished, the old text is put back") {
  MemoryFileSystem inner = node();
  auto system = faulty_file_system(inner, [&](std::string_view name, const std::string& path) {
    if (name != "rename" || path != real_path || !inner.files().count(path)) return 0;
    (void)inner.remove(path);
    return EIO;
  });
  CHECK(write(*system, "name: v\n").find("cannot rename") != std::string::npos);
  CHECK(inner.files().at(real_path) == "name: t\n");
  CHECK(left_behind(inner).empty());
}

TEST_CASE("a VM runs if its process is QEMU with its pid file") {
  using namespace std::string_literals;
  MemoryFileSystem system;
  CHECK_FALSE(is_running(system, 100));
  system.put("/var/run/qemu-server/100.pid", "42\n");
  CHECK_FALSE(is_running(system, 100));
  system.put("/proc/42/cmdline", "/usr/bin/kvm\0-id\000100\0-pidfile\0/var/run/qemu-server/100.pid\0"s);
  CHECK(is_running(system, 100));
  system.put("/proc/42/cmdline", "/usr/bin/kvm\0-id\000100\0-pidfile\0/var/run/qemu-server/101.pid\0"s);
  CHECK_FALSE(is_running(system, 100));
  system.put("/proc/42/cmdline", "/usr/bin/vim\0-pidfile\0/var/run/qemu-server/100.pid\0"s);
  CHECK_FALSE(is_running(system, 100));
}
