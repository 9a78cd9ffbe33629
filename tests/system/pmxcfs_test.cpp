// The double of pmxcfs has the ways that the real one was seen to have: the transaction's tests stand on it.
#include <doctest/doctest.h>

#include <cerrno>

#include "tests/support/pmxcfs_double.hpp"
#include "tests/support/pmxcfs_names.hpp"
#include "text/words.hpp"

using namespace hostpci;
using test::Mishap;
using test::PmxcfsDouble;

namespace {

const std::string vm100 = "/etc/pve/nodes/pve1/qemu-server/100.conf";
const std::string temporary = "/etc/pve/nodes/pve1/qemu-server/.new";

PmxcfsDouble node() {
  PmxcfsDouble node;
  node.put(vm100, "old\n");
  node.put("/etc/pve/nodes/pve2/qemu-server/200.conf", "theirs\n");
  return node;
}

template <class T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

/// Fails the step with that name.
auto at(std::string_view wanted, Mishap mishap) {
  return [=](std::string_view step, const std::string&) { return step == wanted ? mishap : Mishap{}; };
}

std::vector<std::string> hidden(const PmxcfsDouble& node) {
  std::vector<std::string> found;
  for (const auto& [path, bytes] : node.files())
    if (path.find("/.fuse_hidden") != path.npos) found.push_back(path);
  return found;
}

}  // namespace

TEST_CASE("pmxcfs: files are read through the links of the node") {
  PmxcfsDouble n = node();
  CHECK(*n.read("/etc/pve/qemu-server/100.conf") == "old\n");
  CHECK(*n.read("/etc/pve/local/qemu-server/100.conf") == "old\n");
  CHECK(*n.canonical("/etc/pve/qemu-server/100.conf") == vm100);
  CHECK(n.stat("/etc/pve/local", false)->kind == FileKind::link);
  CHECK(code(n.remove("/etc/pve/local")) == EACCES);
  CHECK(code(n.rename(vm100, "/etc/pve/qemu-server")) == EACCES);
}

TEST_CASE("pmxcfs: files made have its mode and owner, whatever was asked") {
  PmxcfsDouble n = node();
  CHECK(n.create("/etc/pve/x", "", 0777, true).has_value());
  CHECK(n.create("/etc/pve/priv/x", "", 0777, true).has_value());
  CHECK(n.create("/etc/pve/nodes/pve1/priv/x", "", 0777, true).has_value());
  CHECK(n.stat("/etc/pve/x")->mode == 0640);
  CHECK(n.stat("/etc/pve/x")->gid == PmxcfsDouble::www_data);
  CHECK(n.stat("/etc/pve/priv/x")->mode == 0600);
  CHECK(n.stat("/etc/pve/nodes/pve1/priv/x")->mode == 0600);
  CHECK(n.stat("/etc/pve/mapping")->mode == 0755);
  CHECK(n.stat("/etc/pve/priv")->mode == 0700);
  CHECK(code(n.create("/etc/pve/x", "", 0640, true)) == EEXIST);
  CHECK(code(n.create("/etc/pve/no/x", "", 0640, true)) == ENOENT);
}

TEST_CASE("pmxcfs: no chmod but to the mode that stands, no chown, no extended attributes") {
  PmxcfsDouble n = node();
  n.put("/etc/default/grub", "");
  REQUIRE(n.create("/etc/pve/x", "", 0640, false).has_value());
  REQUIRE(n.create("/etc/pve/priv/x", "", 0640, false).has_value());
  CHECK(n.copy_metadata(vm100, "/etc/pve/x").has_value());
  CHECK(code(n.copy_metadata("/etc/default/grub", "/etc/pve/x")) == EPERM);
  CHECK(code(n.copy_metadata(vm100, "/etc/pve/priv/x")) == EPERM);
}

TEST_CASE("pmxcfs: times are seconds, of the cluster's clock") {
  PmxcfsDouble n = node();
  n.pass(7);
  CHECK(n.create(temporary, "", 0640, true).has_value());
  CHECK(n.stat(temporary)->mtime == n.clock());
  CHECK(n.touch(temporary, 5).has_value());
  CHECK(n.stat(temporary)->mtime == 5);
  CHECK(code(n.touch("/etc/pve/no", 5)) == ENOENT);
}

TEST_CASE("pmxcfs: without quorum all is readable, nothing is writable, and the modes say so") {
  PmxcfsDouble n = node();
  CHECK((n.stat("/etc/pve/local", false)->mode & 0200) != 0);
  n.set_quorate(false);
  CHECK((n.stat("/etc/pve/local", false)->mode & 0200) == 0);
  CHECK(n.stat(vm100)->mode == 0440);
  CHECK(*n.read(vm100) == "old\n");
  CHECK(n.read("/etc/pve/.members")->find("\"quorate\": 0") != std::string::npos);
  CHECK(code(n.create(temporary, "x", 0640, true)) == EACCES);
  CHECK(code(n.rename(vm100, temporary)) == EACCES);
  CHECK(code(n.remove(vm100)) == EACCES);
  CHECK(code(n.touch(vm100, 1)) == EACCES);
  CHECK(code(n.make_one_directory("/etc/pve/d")) == EACCES);
  CHECK(code(n.make_directory("/etc/pve/d")) == EACCES);
  CHECK(code(n.remove_directory("/etc/pve/mapping")) == EACCES);
  CHECK(n.sync_directory("/etc/pve/mapping").has_value());
  CHECK(n.create("/etc/new", "x", 0640, true).has_value());
}

TEST_CASE("pmxcfs: an operation in flight when quorum goes: EPERM, done or not") {
  for (bool applied : {false, true}) {
    PmxcfsDouble n = node();
    REQUIRE(n.create(temporary, "new\n", 0640, true).has_value());
    n.interrupt = at("rename", {EPERM, applied});
    CHECK(code(n.rename(temporary, vm100)) == EPERM);
    CHECK(*n.read(vm100) == (applied ? "new\n" : "old\n"));
    CHECK(n.files().count(temporary) == !applied);
    n.interrupt = at("remove", {EBUSY, applied});
    CHECK(code(n.remove(vm100)) == EBUSY);
    CHECK(n.files().count(vm100) == !applied);
  }
}

TEST_CASE("pmxcfs: quorum lost between create and write leaves an empty file") {
  PmxcfsDouble n = node();
  n.interrupt = [&](std::string_view step, const std::string&) {
    if (step != "write") return Mishap{};
    n.set_quorate(false);
    return Mishap{EPERM};
  };
  CHECK(code(n.create(temporary, "new\n", 0640, true)) == EPERM);
  CHECK(n.files().at(temporary) == "");
}

TEST_CASE("pmxcfs: a database without room: EIO for every write until pmxcfs starts again") {
  PmxcfsDouble n = node();
  n.fail_database();
  CHECK((n.stat("/etc/pve/local", false)->mode & 0200) != 0);
  CHECK(code(n.create(temporary, "x", 0640, true)) == EIO);
  CHECK(code(n.remove(vm100)) == EIO);
  CHECK(*n.read(vm100) == "old\n");
  n.restart();
  CHECK(n.create(temporary, "x", 0640, true).has_value());
}

TEST_CASE("pmxcfs: dead: ENOTCONN for everything, what was written stands after the restart") {
  PmxcfsDouble n = node();
  n.interrupt = at("create", {ENOTCONN, true, true});
  CHECK(code(n.create(temporary, "x", 0640, true)) == ENOTCONN);
  CHECK(code(n.read(vm100)) == ENOTCONN);
  CHECK(code(n.list("/etc/pve")) == ENOTCONN);
  CHECK(code(n.stat("/etc/pve/local", false)) == ENOTCONN);
  CHECK(code(n.canonical("/etc/pve/qemu-server/100.conf")) == ENOTCONN);
  CHECK(code(n.read_link("/etc/pve/local")) == ENOTCONN);
  CHECK(code(n.sync_directory("/etc/pve")) == ENOTCONN);
  CHECK(code(n.remove(vm100)) == ENOTCONN);
  CHECK(n.list("/etc").has_value());
  n.restart();
  n.interrupt = nullptr;
  CHECK(*n.read(temporary) == "");
}

TEST_CASE("pmxcfs: not mounted it is an empty directory, and what is written there is hidden by the mount") {
  PmxcfsDouble n = node();
  n.unmount();
  CHECK(n.list("/etc/pve")->empty());
  CHECK(code(n.stat("/etc/pve/local", false)) == ENOENT);
  CHECK(n.create("/etc/pve/lost", "x", 0644, true).has_value());
  n.mount();
  CHECK(*n.read(vm100) == "old\n");
  CHECK(code(n.read("/etc/pve/lost")) == ENOENT);
}

TEST_CASE("pmxcfs: rename over a file that is open here hides it first") {
  PmxcfsDouble n = node();
  REQUIRE(n.create(temporary, "new\n", 0640, true).has_value());
  n.open_file(vm100);
  CHECK(n.rename(temporary, vm100).has_value());
  CHECK(*n.read(vm100) == "new\n");
  REQUIRE(hidden(n).size() == 1);
  CHECK(*n.read(hidden(n)[0]) == "old\n");
  n.close_file(vm100);
  CHECK(hidden(n).empty());
}

TEST_CASE("pmxcfs: killed between hide and rename, the target is missing for good") {
  PmxcfsDouble n = node();
  REQUIRE(n.create(temporary, "new\n", 0640, true).has_value());
  n.open_file(vm100);
  n.interrupt = at("rename", {ENOTCONN, false, true});
  CHECK(code(n.rename(temporary, vm100)) == ENOTCONN);
  n.restart();
  CHECK(code(n.read(vm100)) == ENOENT);
  CHECK(n.read("/etc/pve/.vmlist")->find("\"100\"") == std::string::npos);
  CHECK(*n.read(temporary) == "new\n");
  REQUIRE(hidden(n).size() == 1);
  CHECK(*n.read(hidden(n)[0]) == "old\n");
}

TEST_CASE("pmxcfs: a file that another process replaces is absent for a moment") {
  PmxcfsDouble n = node();
  n.hide_for(vm100, 2);
  CHECK(code(n.read(vm100)) == ENOENT);
  CHECK(code(n.stat("/etc/pve/qemu-server/100.conf")) == ENOENT);
  CHECK(*n.read(vm100) == "old\n");
}

TEST_CASE("pmxcfs: a VMID stands once in the cluster; to rename its file is to migrate it") {
  PmxcfsDouble n = node();
  const std::string here = "/etc/pve/nodes/pve1/qemu-server/";
  CHECK(code(n.create(here + "200.conf", "", 0640, true)) == EEXIST);
  CHECK(code(n.create("/etc/pve/nodes/pve1/lxc/100.conf", "", 0640, true)) == EEXIST);
  REQUIRE(n.create(temporary, "new\n", 0640, true).has_value());
  CHECK(code(n.rename(temporary, here + "200.conf")) == EEXIST);
  CHECK(n.files().count(temporary) == 1);
  n.migrate(100, "pve2");
  CHECK(n.rename("/etc/pve/nodes/pve2/qemu-server/100.conf", vm100).has_value());
  n.destroy(200);
  CHECK(n.rename(temporary, here + "200.conf").has_value());
}

TEST_CASE("pmxcfs: which names are VMs") {
  using test::guest_name;
  const std::string directory = "/etc/pve/nodes/pve1/qemu-server/";
  CHECK(guest_name(directory + "100.conf")->vmid == 100);
  CHECK(guest_name(directory + "4294967295.conf")->vmid == 4294967295);
  CHECK(guest_name("/etc/pve/nodes/pve1/lxc/7.conf")->type == "lxc");
  for (const char* name : {"0100.conf", "0.conf", "4294967296.conf", "100.CONF", "100.conf~", ".100.conf", "100.conf.tmp.7", ".conf"})
    CHECK_FALSE(guest_name(directory + name).has_value());
  CHECK_FALSE(guest_name("/etc/pve/nodes/pve_1/qemu-server/100.conf").has_value());
  CHECK_FALSE(guest_name("/etc/pve/qemu-server/100.conf").has_value());
  PmxcfsDouble n = node();
  for (const char* name : {"0200.conf", "200.CONF", "200.conf~"}) CHECK(n.create(directory + name, "", 0640, true).has_value());
}

TEST_CASE("pmxcfs: a file has 1 MiB at most, what fits stays if it cannot be removed") {
  PmxcfsDouble n = node();
  std::string large(PmxcfsDouble::largest_file, 'x');
  CHECK(n.create("/etc/pve/fits", large, 0640, true).has_value());
  large += 'y';
  CHECK(code(n.create(temporary, large, 0640, true)) == EFBIG);
  CHECK(n.files().count(temporary) == 0);
  n.interrupt = at("remove", {EPERM});
  CHECK(code(n.create(temporary, large, 0640, true)) == EFBIG);
  CHECK(n.files().at(temporary).size() == PmxcfsDouble::largest_file);
}

TEST_CASE("pmxcfs: a large write is several, of 128 KiB") {
  PmxcfsDouble n = node();
  int writes = 0;
  n.interrupt = [&](std::string_view step, const std::string&) {
    if (step == "remove") return Mishap{EACCES};
    return step == "write" && ++writes == 3 ? Mishap{EACCES} : Mishap{};
  };
  CHECK(code(n.create(temporary, std::string(400 << 10, 'x'), 0640, true)) == EACCES);
  CHECK(n.files().at(temporary).size() == 256u << 10);
}

TEST_CASE("pmxcfs: cluster locks are directories; a live one stays, an expired one goes") {
  PmxcfsDouble n = node();
  const std::string lock = "/etc/pve/priv/lock/file-mapping_pci_cfg";
  CHECK(n.make_one_directory(lock).has_value());
  CHECK(code(n.make_one_directory(lock)) == EEXIST);
  CHECK(code(n.touch(lock, 0)) == EACCES);
  CHECK(code(n.rename(lock, "/etc/pve/priv/lock/other")) == EACCES);
  n.pass(100);
  CHECK(n.touch(lock, n.clock()).has_value());
  n.pass(100);
  CHECK(code(n.touch(lock, 0)) == EACCES);
  n.pass(20);
  CHECK(n.touch(lock, 0).has_value());
  CHECK(n.make_one_directory(lock).has_value());
  CHECK(n.remove_directory(lock).has_value());
  CHECK(code(n.remove_directory(lock)) == ENOENT);
}

TEST_CASE("pmxcfs: a lock of another node is neither refreshed nor released before its time") {
  PmxcfsDouble n = node();
  const std::string lock = "/etc/pve/priv/lock/file-mapping_pci_cfg";
  n.hold_cluster_lock("file-mapping_pci_cfg");
  CHECK(code(n.make_one_directory(lock)) == EEXIST);
  CHECK(code(n.touch(lock, n.clock())) == EACCES);
  CHECK(code(n.touch(lock, 0)) == EACCES);
  n.pass(PmxcfsDouble::lock_lifetime);
  CHECK(n.touch(lock, 0).has_value());
  CHECK(n.make_one_directory(lock).has_value());
}

TEST_CASE("pmxcfs: a lock directory with a file in it cannot be released") {
  PmxcfsDouble n = node();
  REQUIRE(n.make_one_directory("/etc/pve/priv/lock/x").has_value());
  REQUIRE(n.create("/etc/pve/priv/lock/x/file", "", 0640, true).has_value());
  CHECK(code(n.remove_directory("/etc/pve/priv/lock/x")) == ENOTEMPTY);
}

TEST_CASE("pmxcfs: generated files") {
  PmxcfsDouble n = node();
  CHECK(n.read("/etc/pve/.vmlist")->find("\"100\": { \"node\": \"pve1\", \"type\": \"qemu\"") != std::string::npos);
  CHECK(n.read("/etc/pve/.vmlist")->find("\"200\": { \"node\": \"pve2\"") != std::string::npos);
  CHECK(n.read("/etc/pve/.members")->find("\"quorate\": 1") != std::string::npos);
  CHECK(n.stat("/etc/pve/.version")->size == n.read("/etc/pve/.version")->size());
  CHECK(n.stat("/etc/pve/.vmlist")->mtime == 0);
  CHECK(n.stat("/etc/pve/.vmlist")->mode == 0440);
  CHECK(code(n.remove("/etc/pve/.vmlist")) == EACCES);
  CHECK(code(n.rename(vm100, "/etc/pve/.version")) == EACCES);
  CHECK(code(n.create("/etc/pve/.members", "", 0640, true)) == EEXIST);
}

TEST_CASE("pmxcfs: what another node wrote is read whole, its size is late by a second") {
  PmxcfsDouble n = node();
  n.write_elsewhere(vm100, "longer than before\n");
  CHECK(*n.read(vm100) == "longer than before\n");
  CHECK(n.stat(vm100)->size == 4);
  n.pass(1);
  CHECK(n.stat(vm100)->size == 19);
}

TEST_CASE("pmxcfs: inodes are not stable, nothing goes over its border") {
  PmxcfsDouble n = node();
  CHECK(n.stat(vm100)->inode != n.stat(vm100)->inode);
  n.put("/etc/file", "");
  CHECK(code(n.rename("/etc/file", "/etc/pve/file")) == EXDEV);
  CHECK(code(n.rename(vm100, "/etc/100.conf")) == EXDEV);
  CHECK(code(n.rename("/etc/pve/nodes/pve1", "/etc/pve/nodes/pve3")) == ENOTEMPTY);
  CHECK(code(n.rename(vm100, "/etc/pve/mapping")) == EISDIR);
}

TEST_CASE("pmxcfs: around it files are ordinary") {
  PmxcfsDouble n = node();
  CHECK(code(n.create("/var/lib/hostpci/x", "", 0600, true)) == ENOENT);
  CHECK(n.make_directory("/var/lib/hostpci").has_value());
  CHECK(n.create("/var/lib/hostpci/x", "bytes", 0600, true).has_value());
  CHECK(n.stat("/var/lib/hostpci/x")->mode == 0600);
  CHECK(n.stat("/var/lib/hostpci/x")->inode == n.stat("/var/lib/hostpci/x")->inode);
  CHECK(n.rename("/var/lib/hostpci/x", "/var/lib/hostpci/y").has_value());
  CHECK(n.remove("/var/lib/hostpci/y").has_value());
  CHECK(n.remove_directory("/var/lib/hostpci").has_value());
}

TEST_CASE("pmxcfs: a lock of a file is held once") {
  PmxcfsDouble n = node();
  auto first = n.lock("/var/lock/x", 0);
  REQUIRE(first.has_value());
  CHECK(n.is_locked("/run/lock/x"));
  CHECK(code(n.lock("/run/lock/x", 10)) == ETIMEDOUT);
  first->reset();
  CHECK_FALSE(n.is_locked("/run/lock/x"));
  auto other = n.hold("/run/lock/x");
  CHECK(code(n.lock("/run/lock/x", 10)) == ETIMEDOUT);
  CHECK(code(n.lock("/run/lock/no/x", 10)) == ENOENT);
}
