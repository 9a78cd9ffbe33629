// The real file system below a temporary root: no way out, refusals, whole writes, locks.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "system/file_system.hpp"
#include "system/rooted.hpp"
#include "tests/support/temporary.hpp"

using namespace hostpci;
using test::TemporaryDirectory;

namespace {

/// DIR/root is the root; DIR/secret lies outside.
struct Tree {
  TemporaryDirectory directory;
  std::string root = directory.path() + "/root";
  std::unique_ptr<FileSystem> files;

  Tree() {
    directory.write("secret", "outside");
    directory.write("root/etc/a", "inside");
    directory.write("root/secret", "inside too");
    files = std::move(*real_file_system(root));
  }
  void link(const std::string& target, const std::string& path) const {
    REQUIRE(symlink(target.c_str(), (root + path).c_str()) == 0);
  }
};

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? "(done)" : result.error().message;
}

template <class T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

std::string content(const Result<std::string>& result) { return result ? *result : "(" + result.error().message + ")"; }

}  // namespace

TEST_CASE("the root is a directory, told by its real path") {
  Tree tree;
  CHECK(tree.files->root() == tree.root);
  tree.link("root", "/../link");
  CHECK((*real_file_system(tree.directory.path() + "/link"))->root() == tree.root);
  CHECK(refusal(real_file_system("/nonexistent/dir")) ==
        "cannot use as root `/nonexistent/dir`: No such file or directory");
  CHECK(code(real_file_system(tree.root + "/etc/a")) == ENOTDIR);
  CHECK(code(real_file_system("")) == ENOENT);
  CHECK((*real_file_system("/"))->root() == "/");
}

TEST_CASE("links and .. stay inside the root") {
  Tree tree;
  tree.link("/secret", "/absolute");
  tree.link("../../../../secret", "/etc/relative");
  tree.link("/etc", "/dir");
  tree.link("/proc/self/root/secret", "/magic");
  CHECK(content(tree.files->read("/absolute")) == "inside too");
  CHECK(content(tree.files->read("/etc/relative")) == "inside too");
  CHECK(content(tree.files->read("/../../secret")) == "inside too");
  CHECK(content(tree.files->read("/dir/a")) == "inside");
  CHECK(content(tree.files->read("etc/a")) == "inside");
  CHECK(code(tree.files->read("/magic")) == ENOENT);
  CHECK(code(tree.files->read(tree.directory.path() + "/secret")) == ENOENT);
}

TEST_CASE("a link to a real absolute path outside is not followed out") {
  Tree tree;
  tree.link(tree.directory.path() + "/secret", "/out");
  tree.link(tree.directory.path(), "/outdir");
  CHECK(refusal(tree.files->read("/out")) == "cannot read `/out`: No such file or directory");
  CHECK(code(tree.files->read("/outdir/secret")) == ENOENT);
  CHECK(code(tree.files->create("/outdir/new", "x", 0644, false)) == ENOENT);
  CHECK_FALSE(std::filesystem::exists(tree.directory.path() + "/new"));
}

TEST_CASE("canonical resolves every link") {
  Tree tree;
  tree.link("/etc", "/dir");
  tree.link("a", "/etc/again");
  tree.link("absent", "/etc/dangling");
  tree.link("loop", "/loop");
  CHECK(content(tree.files->canonical("/dir/again")) == "/etc/a");
  CHECK(content(tree.files->canonical("/dir/../../../etc/./a")) == "/etc/a");
  CHECK(content(tree.files->canonical("/dir/new")) == "/etc/new");
  CHECK(content(tree.files->canonical("/etc/dangling")) == "/etc/absent");
  CHECK(content(tree.files->canonical("/dir/")) == "/etc");
  CHECK(content(tree.files->canonical("/")) == "/");
  CHECK(code(tree.files->canonical("/loop")) == ELOOP);
  CHECK(code(tree.files->canonical("/no/new")) == ENOENT);
  CHECK(code(tree.files->canonical("/etc/a/b")) == ENOTDIR);
}

TEST_CASE("the walk by components agrees with the kernel") {
  Tree tree;
  tree.link("/etc", "/dir");
  tree.link("../../secret", "/etc/up");
  tree.link("nowhere", "/dangling");
  tree.link("loop", "/loop");
  tree.link(tree.directory.path(), "/outdir");
  auto directory = [&] { return Descriptor(open(tree.root.c_str(), O_PATH | O_DIRECTORY)); };
  Root kernel = Root::open_directory(tree.root);
  Root walk(directory(), LinkResolver::component);
  if (kernel.resolution() != LinkResolver::kernel) return;  // an old kernel: nothing to compare with
  auto told = [](const Root& root, const std::string& path, int flags) {
    Descriptor file = root.open(path, flags);
    struct stat status;
    return file && fstat(file.number(), &status) == 0 ? "inode " + std::to_string(status.st_ino)
                                                      : std::string(std::strerror(errno));
  };
  for (std::string path :
       {"/",       "/etc",           "/etc/",          "/etc/.",  "/etc/..",   "/..",       "/dir",
        "/dir/",   "/dir/a",         "/dir/../secret", "/etc/up", "/dangling", "/loop",     "/loop/x",
        "/outdir", "/outdir/secret", "/etc/a",         "/etc/a/", "/etc/a/.",  "/etc/a/..", "/etc/a/b",
        "/no",     "/no/x",          "//etc//a",       "etc/a",   "."}) {
    for (int flags :
         {O_RDONLY, O_RDONLY | O_NOFOLLOW, O_PATH, O_PATH | O_NOFOLLOW, O_PATH | O_DIRECTORY, O_RDONLY | O_DIRECTORY}) {
      CAPTURE(path);
      CAPTURE(flags);
      CHECK(told(walk, path, flags) == told(kernel, path, flags));
    }
  }
}

TEST_CASE("the walk creates where the kernel would") {
  Tree tree;
  tree.link("/etc/new", "/to-new");
  Root walk(Descriptor(open(tree.root.c_str(), O_PATH | O_DIRECTORY)), LinkResolver::component);
  CHECK_FALSE(bool(walk.open("/to-new", O_WRONLY | O_CREAT | O_EXCL, 0644)));
  CHECK(errno == EEXIST);
  CHECK(bool(walk.open("/to-new", O_WRONLY | O_CREAT, 0644)));
  CHECK(std::filesystem::exists(tree.root + "/etc/new"));
}

TEST_CASE("read refuses what is no file") {
  Tree tree;
  REQUIRE(mkfifo((tree.root + "/fifo").c_str(), 0600) == 0);
  tree.link("/fifo", "/to-fifo");
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (tree.root + "/socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  close(server);
  CHECK(refusal(tree.files->read("/fifo")) == "`/fifo` is a FIFO, not a file");
  CHECK(code(tree.files->read("/fifo")) == ENXIO);
  CHECK(refusal(tree.files->read("/to-fifo")) == "`/to-fifo` is a FIFO, not a file");
  CHECK(refusal(tree.files->read("/socket")) == "`/socket` is a socket, not a file");
  CHECK(refusal((*real_file_system("/"))->read("/dev/null")) == "`/dev/null` is a character device, not a file");
  CHECK(refusal(tree.files->read("/etc")) == "cannot read `/etc`: Is a directory");
  CHECK(code(tree.files->read("/etc/")) == EISDIR);
  CHECK(code(tree.files->read("/etc/a/b")) == ENOTDIR);
  CHECK(refusal(tree.files->read("/etc/\x1b")) == "cannot read `/etc/\\x1b`: No such file or directory");
  CHECK(code(tree.files->read(std::string("/etc/a\0b", 8))) == EINVAL);
  CHECK(code(tree.files->read("")) == ENOENT);
}

TEST_CASE("read takes the whole file, whatever its size") {
  Tree tree;
  for (std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 3000001u}) {
    std::string bytes(size, 'x');
    for (std::size_t i = 0; i < size; i += 7) bytes[i] = char(i);
    tree.directory.write("root/big", bytes);
    CHECK(*tree.files->read("/big") == bytes);
  }
  CHECK(content(tree.files->read("/etc/a")) == "inside");
}

TEST_CASE("an attribute is what read gives, listed or not, whatever has become of it") {
  Tree tree;
  for (std::size_t size : {0, 1, 4096, 65535, 65536, 65537, 200000})
    tree.directory.write("root/dir/" + std::to_string(size), std::string(size, 'x'));
  tree.link("1", "/dir/link");
  for (bool listed : {false, true}) {
    CAPTURE(listed);
    if (listed) REQUIRE(tree.files->list("/dir")->size() == 8);
    for (std::size_t size : {4096, 0, 65535, 1, 65536, 65537, 200000})
      CHECK(content(tree.files->read_attribute("/dir/" + std::to_string(size))) == std::string(size, 'x'));
    CHECK(content(tree.files->read_attribute("/dir/link")) == "x");
    CHECK(code(tree.files->read_attribute("/dir/2")) == ENOENT);
    CHECK(code(tree.files->read_attribute("/dir")) == EISDIR);
  }
  std::filesystem::remove(tree.root + "/dir/1");
  std::filesystem::remove(tree.root + "/dir/4096");
  REQUIRE(mkfifo((tree.root + "/dir/1").c_str(), 0600) == 0);
  tree.link("/secret", "/dir/4096");
  CHECK(code(tree.files->read_attribute("/dir/1")) == ENXIO);
  CHECK(content(tree.files->read_attribute("/dir/4096")) == "inside too");
  std::filesystem::remove(tree.root + "/dir/0");
  CHECK(code(tree.files->read_attribute("/dir/0")) == ENOENT);
}

TEST_CASE("attributes of proc, whose size is unknown") {
  auto files = std::move(*real_file_system("/"));
  auto mounts = files->read("/proc/self/status");
  REQUIRE(mounts.has_value());
  CHECK(mounts->find("\nPid:") != std::string::npos);
}

TEST_CASE("an unreadable file") {
  if (geteuid() == 0) return;  // nothing is unreadable to root
  Tree tree;
  REQUIRE(chmod((tree.root + "/etc/a").c_str(), 0) == 0);
  CHECK(refusal(tree.files->read("/etc/a")) == "cannot read `/etc/a`: Permission denied");
  CHECK(code(tree.files->read("/etc/a")) == EACCES);
}

TEST_CASE("a directory that was replaced is seen") {
  Tree tree;
  CHECK(content(tree.files->read("/etc/a")) == "inside");
  std::filesystem::remove_all(tree.root + "/etc");
  CHECK(code(tree.files->read("/etc/a")) == ENOENT);
  tree.directory.write("root/etc/a", "new");
  CHECK(content(tree.files->read("/etc/a")) == "new");
  CHECK(tree.files->rename("/etc", "/old").has_value());
  tree.directory.write("root/etc/a", "newest");
  CHECK(content(tree.files->read("/etc/a")) == "newest");
}

TEST_CASE("files of a large directory that was listed, and changed after") {
  Tree tree;
  for (int i = 100; i < 200; ++i) tree.directory.write("root/vms/" + std::to_string(i) + ".conf", std::to_string(i));
  std::vector<std::string> names = *tree.files->list("/vms");
  REQUIRE(names.size() == 100);
  for (const std::string& name : names) CHECK(content(tree.files->read("/vms/" + name)) == name.substr(0, 3));
  CHECK(content(tree.files->read("/vms/150.conf")) == "150");
  CHECK(code(tree.files->read("/vms/1.conf")) == ENOENT);
  std::filesystem::remove(tree.root + "/vms/151.conf");
  std::filesystem::remove(tree.root + "/vms/152.conf");
  std::filesystem::remove(tree.root + "/vms/153.conf");
  tree.link("/secret", "/vms/152.conf");
  REQUIRE(mkfifo((tree.root + "/vms/153.conf").c_str(), 0600) == 0);
  CHECK(code(tree.files->read("/vms/151.conf")) == ENOENT);
  CHECK(tree.files->list("/vms").has_value());
  std::filesystem::remove(tree.root + "/vms/154.conf");
  tree.link("/secret", "/vms/154.conf");
  CHECK(content(tree.files->read("/vms/154.conf")) == "inside too");
  CHECK(content(tree.files->read("/vms/152.conf")) == "inside too");
  CHECK(refusal(tree.files->read("/vms/153.conf")) == "`/vms/153.conf` is a FIFO, not a file");
  CHECK(tree.files->list("/vms/").has_value());
  std::filesystem::remove(tree.root + "/vms/155.conf");
  REQUIRE(mkfifo((tree.root + "/vms/155.conf").c_str(), 0600) == 0);
  CHECK(refusal(tree.files->read("/vms/155.conf")) == "`/vms/155.conf` is a FIFO, not a file");
  CHECK(content(tree.files->read("/vms/156.conf")) == "156");
}

TEST_CASE("list, links, stat") {
  Tree tree;
  tree.directory.write("root/etc/B", "");
  tree.directory.write("root/etc/.c", "");
  tree.link("a", "/etc/link");
  tree.link("gone", "/etc/dangling");
  CHECK(*tree.files->list("/etc") == std::vector<std::string>{".c", "B", "a", "dangling", "link"});
  CHECK(refusal(tree.files->list("/etc/a")) == "cannot list `/etc/a`: Not a directory");
  CHECK(code(tree.files->list("/no")) == ENOENT);
  CHECK(content(tree.files->read_link("/etc/link")) == "a");
  CHECK(code(tree.files->read_link("/etc/a")) == EINVAL);
  REQUIRE(chmod((tree.root + "/etc/a").c_str(), 0640) == 0);
  FileStat file = *tree.files->stat("/etc/a"), followed = *tree.files->stat("/etc/link");
  CHECK(file.kind == FileKind::regular);
  CHECK(file.size == 6);
  CHECK(file.mode == 0640);
  CHECK(file.inode == followed.inode);
  CHECK(tree.files->stat("/etc/link", false)->kind == FileKind::link);
  CHECK(tree.files->stat("/etc")->kind == FileKind::directory);
  CHECK(tree.files->stat("/")->kind == FileKind::directory);
  CHECK(code(tree.files->stat("/etc/dangling")) == ENOENT);
  CHECK(tree.files->stat("/etc/dangling", false)->kind == FileKind::link);
}

TEST_CASE("create makes a new file of exactly that mode, or nothing") {
  Tree tree;
  mode_t before = umask(077);
  CHECK(tree.files->create("/etc/new", "bytes", 0644, true).has_value());
  umask(before);
  CHECK(test::read_file(tree.root + "/etc/new") == "bytes");
  CHECK(tree.files->stat("/etc/new")->mode == 0644);
  CHECK(refusal(tree.files->create("/etc/new", "other", 0644, false)) == "cannot create `/etc/new`: File exists");
  CHECK(test::read_file(tree.root + "/etc/new") == "bytes");
  tree.link("/etc/absent", "/etc/dangling");
  CHECK(code(tree.files->create("/etc/dangling", "x", 0644, false)) == EEXIST);
  CHECK_FALSE(std::filesystem::exists(tree.root + "/etc/absent"));
  CHECK(code(tree.files->create("/no/new", "x", 0644, false)) == ENOENT);
}

TEST_CASE("a write that fails leaves no file behind") {
  Tree tree;
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    Status status = tree.files->create("/etc/big", std::string(5000, 'x'), 0644, false);
    bool clean = code(status) == EFBIG && access((tree.root + "/etc/big").c_str(), F_OK) != 0;
    _exit(clean ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("rename, remove, directories") {
  Tree tree;
  CHECK(tree.files->make_directory("/var/lib/hostpci").has_value());
  CHECK(tree.files->make_directory("/var/lib/hostpci").has_value());
  CHECK(code(tree.files->make_directory("/etc/a/b")) == ENOTDIR);
  CHECK(tree.files->rename("/etc/a", "/var/lib/hostpci/b").has_value());
  CHECK(content(tree.files->read("/var/lib/hostpci/b")) == "inside");
  CHECK(refusal(tree.files->rename("/etc/a", "/etc/b")) ==
        "cannot rename `/etc/a` to `/etc/b`: No such file or directory");
  CHECK(tree.files->sync_directory("/var/lib/hostpci").has_value());
  CHECK(code(tree.files->sync_directory("/no")) == ENOENT);
  CHECK(tree.files->remove("/var/lib/hostpci/b").has_value());
  CHECK(refusal(tree.files->remove("/var/lib/hostpci/b")) ==
        "cannot remove `/var/lib/hostpci/b`: No such file or directory");
}

TEST_CASE("a rename over a link replaces the link") {
  Tree tree;
  tree.link("/secret", "/etc/link");
  CHECK(tree.files->rename("/etc/a", "/etc/link").has_value());
  CHECK(content(tree.files->read("/etc/link")) == "inside");
  CHECK(content(tree.files->read("/secret")) == "inside too");
}

TEST_CASE("a lock is exclusive, waits, times out, and ends with its owner") {
  Tree tree;
  auto held = tree.files->lock("/etc/lock", 0);
  REQUIRE(held.has_value());
  auto other = std::move(*real_file_system(tree.root));
  auto refused = other->lock("/etc/lock", 60);
  CHECK(refusal(refused) == "can't lock file `/etc/lock` - got timeout");
  CHECK(code(refused) == ETIMEDOUT);
  held->reset();
  CHECK(other->lock("/etc/lock", 0).has_value());
  CHECK(std::filesystem::exists(tree.root + "/etc/lock"));
  CHECK(tree.files->stat("/etc/lock")->size == 0);
  CHECK(code(other->lock("/no/lock", 0)) == ENOENT);
}

TEST_CASE("a lock that another process holds is waited for") {
  Tree tree;
  std::string path = tree.root + "/etc/lock";
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  pid_t child = fork();
  if (child == 0) {
    int file = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
    bool locked = flock(file, LOCK_EX) == 0 && write(pipes[1], "x", 1) == 1;
    usleep(100 * 1000);
    _exit(locked ? 0 : 1);
  }
  char byte;
  REQUIRE(read(pipes[0], &byte, 1) == 1);
  CHECK(code(tree.files->lock("/etc/lock", 0)) == ETIMEDOUT);
  CHECK(tree.files->lock("/etc/lock", 60000).has_value());
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  close(pipes[0]);
  close(pipes[1]);
}
