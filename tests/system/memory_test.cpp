// The file system in memory, and faults.
#include "system/memory.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace hostpci;

namespace {

MemoryFileSystem example() {
  MemoryFileSystem files;
  files.put("/etc/pve/qemu-server/100.conf", "cores: 1\n");
  files.put("/etc/pve-x", "");
  files.put("/sys/devices/pci0000:00/0000:00:01.0/vendor", "0x8086\n");
  files.put_link("/sys/bus/pci/devices/0000:00:01.0", "../../../devices/pci0000:00/0000:00:01.0");
  files.put_link("/etc/self", "/etc/self");
  files.put_link("/boot", "/etc/pve");
  return files;
}

template <class T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

}  // namespace

TEST_CASE("reading through links") {
  MemoryFileSystem files = example();
  CHECK(*files.read("/sys/bus/pci/devices/0000:00:01.0/vendor") == "0x8086\n");
  CHECK(*files.read("/boot/qemu-server/../qemu-server//100.conf") == "cores: 1\n");
  CHECK(*files.read("/../etc/pve-x") == "");
  CHECK(code(files.read("/etc")) == EISDIR);
  CHECK(code(files.read("/etc/no")) == ENOENT);
  CHECK(code(files.read("/etc/pve-x/y")) == ENOTDIR);
  CHECK(code(files.read("/etc/self")) == ELOOP);
  CHECK(code(files.read("")) == ENOENT);
  CHECK(files.read("/etc/no").error().message == "cannot read `/etc/no`: No such file or directory");
}

TEST_CASE("directories exist if something lies below") {
  MemoryFileSystem files = example();
  CHECK(*files.list("/etc") == std::vector<std::string>{"pve", "pve-x", "self"});
  CHECK(*files.list("/") == std::vector<std::string>{"boot", "etc", "sys"});
  CHECK(*files.list("/boot/") == std::vector<std::string>{"qemu-server"});
  CHECK(code(files.list("/etc/pve-x")) == ENOTDIR);
  CHECK(code(files.list("/e")) == ENOENT);
  CHECK(MemoryFileSystem().list("/")->empty());
  CHECK(files.stat("/etc/pve")->kind == FileKind::directory);
  CHECK(files.stat("/boot", false)->kind == FileKind::link);
  CHECK(files.stat("/boot")->kind == FileKind::directory);
  CHECK(files.stat("/etc/pve/qemu-server/100.conf")->size == 9);
  CHECK(code(files.stat("/etc/p")) == ENOENT);
}

TEST_CASE("names that sort around the slash are all listed once") {
  MemoryFileSystem files;
  for (std::string path : {"/d/a", "/d/b/1", "/d/b-x", "/d/b.y/2", "/d/b/3/4", "/d/b0"}) files.put(path, "");
  CHECK(*files.list("/d") == std::vector<std::string>{"a", "b", "b-x", "b.y", "b0"});
}

TEST_CASE("links are told and resolved") {
  MemoryFileSystem files = example();
  CHECK(*files.read_link("/boot") == "/etc/pve");
  CHECK(code(files.read_link("/etc/pve-x")) == EINVAL);
  CHECK(code(files.read_link("/no")) == ENOENT);
  CHECK(*files.canonical("/sys/bus/pci/devices/0000:00:01.0") == "/sys/devices/pci0000:00/0000:00:01.0");
  CHECK(*files.canonical("/boot/new") == "/etc/pve/new");
  CHECK(*files.canonical("/") == "/");
  CHECK(code(files.canonical("/no/new")) == ENOENT);
}

TEST_CASE("writing") {
  MemoryFileSystem files = example();
  CHECK(files.create("/boot/new", "x", 0600, true).has_value());
  CHECK(files.files().at("/etc/pve/new") == "x");
  CHECK(files.stat("/boot/new")->mode == 0600);
  CHECK(code(files.create("/boot/new", "y", 0600, true)) == EEXIST);
  CHECK(code(files.create("/boot", "y", 0600, true)) == EEXIST);
  CHECK(files.rename("/etc/pve/new", "/etc/pve/qemu-server/100.conf").has_value());
  CHECK(*files.read("/etc/pve/qemu-server/100.conf") == "x");
  CHECK(files.stat("/etc/pve/qemu-server/100.conf")->mode == 0600);
  CHECK(code(files.rename("/no", "/x")) == ENOENT);
  CHECK(code(files.rename("/etc/pve-x", "/etc/pve")) == EISDIR);
  CHECK(files.remove("/etc/pve-x").has_value());
  CHECK(code(files.remove("/etc/pve-x")) == ENOENT);
  CHECK(code(files.remove("/etc/pve")) == EISDIR);
}

TEST_CASE("directories stay when they are made or emptied, and move with what they hold") {
  MemoryFileSystem files = example();
  CHECK(files.make_directory("/var/lib/hostpci").has_value());
  CHECK(files.list("/var/lib/hostpci")->empty());
  CHECK(files.sync_directory("/var/lib").has_value());
  CHECK(code(files.sync_directory("/no")) == ENOENT);
  CHECK(files.sync_file("/etc/pve-x").has_value());
  CHECK(code(files.sync_file("/boot")) == ELOOP);
  CHECK(code(files.sync_file("/etc")) == EINVAL);
  CHECK(code(files.sync_file("/no")) == ENOENT);
  CHECK(code(files.make_directory("/etc/pve-x")) == ENOTDIR);
  CHECK(files.remove("/etc/pve/qemu-server/100.conf").has_value());
  CHECK(files.list("/etc/pve/qemu-server")->empty());
  CHECK(files.rename("/sys/devices", "/sys/old").has_value());
  CHECK(*files.read("/sys/old/pci0000:00/0000:00:01.0/vendor") == "0x8086\n");
  CHECK(code(files.stat("/sys/devices")) == ENOENT);
  CHECK(code(files.rename("/sys", "/sys/bus/x")) == EINVAL);
  CHECK(files.lock("/run/lock/x", 0).has_value());
  CHECK(files.root() == "");
}

TEST_CASE("attributes are copied, times are set") {
  MemoryFileSystem files = example();
  files.put_attributes("/etc/pve-x", {.mode = 0600, .uid = 7, .gid = 8, .mtime = 9, .extended = {{"user.note", "mine"}}});
  CHECK(files.create("/etc/new", "x", 0644, true).has_value());
  CHECK(files.copy_metadata("/etc/pve-x", "/etc/new").has_value());
  FileStat stat = *files.stat("/etc/new");
  CHECK(stat.mode == 0600);
  CHECK(stat.uid == 7);
  CHECK(stat.gid == 8);
  CHECK(stat.mtime == 0);
  CHECK(files.attributes().at("/etc/new").extended.at("user.note") == "mine");
  CHECK(files.touch("/etc/new", 1700000000).has_value());
  CHECK(files.stat("/etc/new")->mtime == 1700000000);
  CHECK(code(files.touch("/etc/no", 1)) == ENOENT);
  CHECK(code(files.copy_metadata("/etc/no", "/etc/new")) == ENOENT);
  CHECK(code(files.copy_metadata("/etc/new", "/etc/no")) == ENOENT);
  CHECK(code(files.copy_metadata("/etc/new", "/boot")) == ELOOP);
  CHECK(code(files.copy_metadata("/etc/pve", "/etc/new")) == EINVAL);
}

TEST_CASE("one directory at a time") {
  MemoryFileSystem files = example();
  CHECK(code(files.make_one_directory("/run/lock")) == ENOENT);
  CHECK(files.make_one_directory("/run").has_value());
  CHECK(files.make_one_directory("/run/lock").has_value());
  CHECK(code(files.make_one_directory("/run/lock")) == EEXIST);
  CHECK(code(files.make_one_directory("/boot")) == EEXIST);
  CHECK(code(files.remove_directory("/run")) == ENOTEMPTY);
  CHECK(files.remove_directory("/run/lock").has_value());
  CHECK(files.list("/run")->empty());
  CHECK(code(files.remove_directory("/run/lock")) == ENOENT);
  CHECK(code(files.remove_directory("/boot")) == ENOTDIR);
  CHECK(code(files.remove_directory("/etc/pve-x")) == ENOTDIR);
  CHECK(code(files.remove_directory("/")) == EBUSY);
}

TEST_CASE("faults come where they are asked for") {
  MemoryFileSystem inner = example();
  std::string log;
  auto files = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    (log += call) += " " + path + "\n";
    return path == "/bad" ? EIO : 0;
  });
  CHECK(files->read("/bad").error().message == "cannot read `/bad`: Input/output error");
  CHECK(code(files->list("/bad")) == EIO);
  CHECK(code(files->read_link("/bad")) == EIO);
  CHECK(code(files->stat("/bad")) == EIO);
  CHECK(code(files->canonical("/bad")) == EIO);
  CHECK(code(files->create("/bad", "", 0, false)) == EIO);
  CHECK(code(files->rename("/etc/pve-x", "/bad")) == EIO);
  CHECK(code(files->remove("/bad")) == EIO);
  CHECK(code(files->make_directory("/bad")) == EIO);
  CHECK(code(files->copy_metadata("/etc/pve-x", "/bad")) == EIO);
  CHECK(code(files->touch("/bad", 0)) == EIO);
  CHECK(code(files->make_one_directory("/bad")) == EIO);
  CHECK(code(files->remove_directory("/bad")) == EIO);
  CHECK(code(files->sync_directory("/bad")) == EIO);
  CHECK(code(files->sync_file("/bad")) == EIO);
  CHECK(code(files->lock("/bad", 0)) == EIO);
  CHECK(log ==
        "read /bad\nlist /bad\nread_link /bad\nstat /bad\ncanonical /bad\ncreate /bad\nrename /bad\nremove /bad\n"
        "make_directory /bad\ncopy_metadata /bad\ntouch /bad\nmake_one_directory /bad\nremove_directory /bad\n"
        "sync_directory /bad\nsync_file /bad\nlock /bad\n");
  CHECK(inner.files().size() == 3);
}

TEST_CASE("without a fault everything reaches the inner file system") {
  MemoryFileSystem inner = example();
  auto files = faulty_file_system(inner, [](std::string_view, const std::string&) { return 0; });
  CHECK(files->read("/etc/pve-x")->empty());
  CHECK(files->list("/etc")->size() == 3);
  CHECK(*files->read_link("/boot") == "/etc/pve");
  CHECK(files->stat("/boot", false)->kind == FileKind::link);
  CHECK(*files->canonical("/boot") == "/etc/pve");
  CHECK(files->make_directory("/d").has_value());
  CHECK(files->create("/d/f", "x", 0644, true).has_value());
  CHECK(files->sync_directory("/d").has_value());
  CHECK(files->sync_file("/d/f").has_value());
  CHECK(files->copy_metadata("/etc/pve-x", "/d/f").has_value());
  CHECK(files->touch("/d/f", 5).has_value());
  CHECK(inner.attributes().at("/d/f").mtime == 5);
  CHECK(files->make_one_directory("/d/e").has_value());
  CHECK(files->remove_directory("/d/e").has_value());
  CHECK(files->rename("/d/f", "/d/g").has_value());
  CHECK(inner.files().at("/d/g") == "x");
  CHECK(files->remove("/d/g").has_value());
  CHECK(files->lock("/d/lock", 0).has_value());
  CHECK(files->root() == "");
}
