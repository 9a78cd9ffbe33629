// Owner, mode, ACLs and extended attributes go over from file to file; times; directories one at a time.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "system/file_system.hpp"
#include "tests/support/temporary.hpp"

using namespace hostpci;
using test::TemporaryDirectory;

namespace {

struct Tree {
  TemporaryDirectory directory;
  std::unique_ptr<FileSystem> files;

  Tree() {
    directory.write("old", "old");
    directory.write("new", "new");
    files = std::move(*real_file_system(directory.path()));
    chmod(path("old").c_str(), 0640);
    chmod(path("new").c_str(), 0600);
  }
  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
  bool set(const std::string& name, const char* key, const std::string& value) const {
    return setxattr(path(name).c_str(), key, value.data(), value.size(), 0) == 0;
  }
  std::string get(const std::string& name, const char* key) const {
    char value[1024];
    ssize_t size = getxattr(path(name).c_str(), key, value, sizeof value);
    return size < 0 ? "(none)" : std::string(value, std::size_t(size));
  }
};

int code(const Status& status) { return status ? 0 : status.error().code; }

/// As the kernel keeps it (posix_acl_xattr(5) in linux/posix_acl_xattr.h): the owner rw, user 1 r, the group r, mask r, others nothing.
std::string acl_with_user_one() {
  auto number = [](std::uint32_t value, int bytes) {
    std::string text;
    for (; bytes > 0; --bytes, value >>= 8) text += char(value & 0xff);
    return text;
  };
  auto entry = [&](int tag, int bits, std::uint32_t id) { return number(tag, 2) + number(bits, 2) + number(id, 4); };
  const std::uint32_t nobody = 0xffffffff;
  return number(2, 4) + entry(1, 6, nobody) + entry(2, 4, 1) + entry(4, 4, nobody) + entry(16, 4, nobody) + entry(32, 0, nobody);
}

}  // namespace

TEST_CASE("the mode goes over, the bytes do not") {
  Tree tree;
  CHECK(tree.files->copy_metadata("/old", "/new").has_value());
  CHECK(tree.files->stat("/new")->mode == 0640);
  CHECK(test::read_file(tree.path("new")) == "new");
  chmod(tree.path("old").c_str(), 04750);
  CHECK(tree.files->copy_metadata("/old", "/new").has_value());
  CHECK(tree.files->stat("/new")->mode == 04750);
}

TEST_CASE("extended attributes go over, and no others stay") {
  Tree tree;
  if (!tree.set("old", "user.note", "from the old one")) {
    MESSAGE("skipped: no extended attributes in " << tree.directory.path());
    return;
  }
  tree.set("old", "user.empty", "");
  tree.set("new", "user.stray", "x");
  tree.set("new", "user.note", "another");
  CHECK(tree.files->copy_metadata("/old", "/new").has_value());
  CHECK(tree.get("new", "user.note") == "from the old one");
  CHECK(tree.get("new", "user.empty") == "");
  CHECK(tree.get("new", "user.stray") == "(none)");
}

TEST_CASE("an ACL goes over, and one that came from the directory goes") {
  Tree tree;
  std::string acl = acl_with_user_one();
  if (!tree.set("old", "system.posix_acl_access", acl)) {
    MESSAGE("skipped: no ACLs in " << tree.directory.path());
    return;
  }
  CHECK(tree.files->copy_metadata("/old", "/new").has_value());
  CHECK(tree.get("new", "system.posix_acl_access") == acl);
  CHECK(tree.files->stat("/new")->mode == tree.files->stat("/old")->mode);
  tree.directory.write("plain", "");
  chmod(tree.path("plain").c_str(), 0640);
  CHECK(tree.files->copy_metadata("/plain", "/new").has_value());
  CHECK(tree.get("new", "system.posix_acl_access") == "(none)");
  CHECK(tree.files->stat("/new")->mode == 0640);
}

TEST_CASE("the owner goes over where this process may give files away; else it is told") {
  Tree tree;
  if (geteuid() != 0) return;  // no file of another owner can be made
  REQUIRE(chown(tree.path("old").c_str(), 12, 34) == 0);
  pid_t child = fork();
  if (child == 0) {
    chmod(tree.directory.path().c_str(), 0777), chmod(tree.path("old").c_str(), 0644);
    bool ready = chown(tree.path("new").c_str(), 56, 56) == 0 && setgid(56) == 0 && setuid(56) == 0;
    _exit(ready && code(tree.files->copy_metadata("/old", "/new")) == EPERM ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(tree.files->stat("/new")->uid == 56);
  CHECK(tree.files->copy_metadata("/old", "/new").has_value());
  CHECK(tree.files->stat("/new")->uid == 12);
  CHECK(tree.files->stat("/new")->gid == 34);
}

TEST_CASE("only regular files give and take attributes, and no link is gone through") {
  Tree tree;
  REQUIRE(symlink("old", tree.path("link").c_str()) == 0);
  REQUIRE(mkfifo(tree.path("fifo").c_str(), 0600) == 0);
  CHECK(code(tree.files->copy_metadata("/link", "/new")) == ELOOP);
  CHECK(code(tree.files->copy_metadata("/new", "/link")) == ELOOP);
  CHECK(code(tree.files->copy_metadata("/fifo", "/new")) == EINVAL);
  CHECK(code(tree.files->copy_metadata("/", "/new")) == EINVAL);
  CHECK(tree.files->copy_metadata("/no", "/new").error().message ==
        "cannot read the attributes of `/no`: No such file or directory");
  CHECK(tree.files->copy_metadata("/old", "/no").error().message ==
        "cannot give its attributes to `/no`: No such file or directory");
  CHECK(tree.files->stat("/old")->mode == 0640);
}

TEST_CASE("a regular file is synced, a link is not followed") {
  Tree tree;
  REQUIRE(symlink("old", tree.path("link").c_str()) == 0);
  CHECK(tree.files->sync_file("/old").has_value());
  CHECK(code(tree.files->sync_file("/link")) == ELOOP);
  CHECK(code(tree.files->sync_file("/")) == EINVAL);
  CHECK(tree.files->sync_file("/no").error().message == "cannot sync `/no`: No such file or directory");
}

TEST_CASE("times are set in seconds, a link's own too") {
  Tree tree;
  REQUIRE(symlink("old", tree.path("link").c_str()) == 0);
  CHECK(tree.files->touch("/old", 1700000000).has_value());
  CHECK(tree.files->touch("/link", 1).has_value());
  struct stat status;
  REQUIRE(stat(tree.path("old").c_str(), &status) == 0);
  CHECK(status.st_mtime == 1700000000);
  CHECK(status.st_atime == 1700000000);
  CHECK(tree.files->stat("/link", false)->mtime == 1);
  CHECK(tree.files->touch("/no", 1).error().message == "cannot touch `/no`: No such file or directory");
}

TEST_CASE("one directory is made and removed with the kernel's refusals") {
  Tree tree;
  CHECK(code(tree.files->make_one_directory("/a/b")) == ENOENT);
  CHECK(tree.files->make_one_directory("/a").has_value());
  CHECK(tree.files->make_one_directory("/a").error().message == "cannot make the directory `/a`: File exists");
  CHECK(tree.files->make_one_directory("/a/b").has_value());
  CHECK(code(tree.files->remove_directory("/a")) == ENOTEMPTY);
  CHECK(tree.files->remove_directory("/a/b").has_value());
  CHECK(tree.files->remove_directory("/a").has_value());
  CHECK(code(tree.files->remove_directory("/a")) == ENOENT);
  CHECK(code(tree.files->remove_directory("/old")) == ENOTDIR);
}

TEST_CASE("writers do not leave the root") {
  Tree tree;
  TemporaryDirectory outside;
  outside.write("file", "x");
  REQUIRE(symlink(outside.path().c_str(), tree.path("out").c_str()) == 0);
  CHECK(code(tree.files->touch("/out/file", 1)) == ENOENT);
  CHECK(code(tree.files->make_one_directory("/out/d")) == ENOENT);
  CHECK(code(tree.files->remove_directory("/out/d")) == ENOENT);
  CHECK(code(tree.files->copy_metadata("/old", "/out/file")) == ENOENT);
  CHECK_FALSE(std::filesystem::exists(outside.path() + "/d"));
}
