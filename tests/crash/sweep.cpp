// The roots, strace, and the list of calls.
#include "sweep.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "../support/five_files.hpp"
#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "text/words.hpp"

namespace hostpci::test {
namespace {

namespace fs = std::filesystem;

/// LeakSanitizer cannot work in a process that is traced.
const std::vector<std::string> environment = {"ASAN_OPTIONS=detect_leaks=0"};

using Names = std::set<std::string, std::less<>>;

const Names changing = {
    "write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "renameat", "renameat2", "mkdir", "mkdirat",
    "unlink", "unlinkat", "rmdir", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown", "setxattr",
    "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr", "utimensat", "flock", "link", "linkat",
    "symlink", "symlinkat", "ftruncate", "truncate", "mknod", "mknodat", "fallocate", "creat", "sync", "syncfs"};
/// Opening changes something only where it makes a file.
const Names opening = {"open", "openat", "openat2"};
const Names harmless = {
    "execve", "access", "faccessat", "faccessat2", "newfstatat", "fstat", "stat", "lstat", "statx", "read", "pread64",
    "readv", "close", "getdents", "getdents64", "readlink", "lseek", "fcntl", "ioctl", "fgetxattr", "flistxattr",
    "getxattr", "readlinkat", "dup", "dup2", "dup3", "statfs", "fstatfs", "mmap", "getcwd", "poll", "chdir", "fchdir",
    "fadvise64", "socket", "connect", "sendto", "recvmsg", "epoll_create1"};

void copy_tree(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
}

void put(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::unique_ptr<FileSystem> open_root(const std::string& root) { return std::move(*real_file_system(root)); }

std::vector<std::string> driver(const Node& node, const std::string& what) { return {CRASH_DRIVER, node.root(), what}; }

/// The descriptors that are pipes at the moment: what goes through them changes nothing. (The undefined behaviour sanitizer asks the
/// kernel in this way whether memory can be read.)
class Pipes {
 public:
  /// Does the call make, close or use a pipe?
  bool takes(std::string_view call, std::string_view line) {
    std::string_view rest = line.substr(call.size() + 1);
    if (call == "pipe2") {
      auto numbers = words(rest.substr(1, rest.find(']') - 1));
      for (std::string_view number : numbers) open_.insert(std::string(number.substr(0, number.find(','))));
      return true;
    }
    std::string number(rest.substr(0, rest.find_first_of(",)")));
    return call == "close" ? open_.erase(number) > 0 : open_.count(number) > 0;
  }

 private:
  std::set<std::string> open_;
};

bool is_left_over(const fs::path& path) {
  std::string name = path.filename().string();
  return name.starts_with(".hostpci-") || name.ends_with(".new") || name.ends_with(".old") || name == "file-mapping_pci_cfg";
}

}  // namespace

Node::Node(const std::string& directory) : root_(directory) {
  for (const FileChange& file : five_files())
    if (file.before) put(root_ + file.path, *file.before);
  fs::create_symlink("nodes/pve1", root_ + "/etc/pve/local");
  fs::create_symlink("nodes/pve1/qemu-server", root_ + "/etc/pve/qemu-server");
  put(root_ + "/etc/hostname", "pve1\n");
  for (const char* made : {"/etc/modprobe.d", "/run/lock/qemu-server", "/var/lib", "/etc/pve/priv/lock"})
    fs::create_directories(root_ + made);
  fs::create_symlink("/run/lock", root_ + "/var/lock");
  fs::permissions(root_ + "/etc/default/grub", fs::perms(0640));
}

Node::Node(const Node& other, const std::string& directory) : root_(directory) { copy_tree(other.root(), root_); }

Node::~Node() { fs::remove_all(root_); }

std::string Node::state() const {
  auto system = open_root(root_);
  auto grub = system->stat("/etc/default/grub");
  return state_of(*system, five_files()) + (grub && grub->mode == 0640 ? "" : ", and the mode of grub is lost");
}

std::string Node::left_over() const {
  std::string found;
  for (const auto& entry : fs::recursive_directory_iterator(root_))
    if (is_left_over(entry.path())) found += " " + entry.path().string().substr(root_.size());
  return found;
}

std::string Node::recover() const {
  auto system = open_root(root_);
  auto first = hostpci::recover(*system, five_file_request().run);
  if (!first) return first.error().message;
  for (const TransactionResult& result : *first)
    if (result.outcome == Outcome::unknown) return join(result.problems, "; ");
  auto second = hostpci::recover(*system, five_file_request().run);
  if (!second) return second.error().message;
  return second->empty() ? "" : "a second recovery found something to do";
}

std::string why_no_strace() {
  if (run_program({"strace", "-V"}).status != 0) return "strace is not installed";
  std::vector<std::string> harmless_fault = {"strace", "-qq", "-o", "/dev/null", "-e", "inject=renameat:error=EIO:when=1", "true"};
  return run_program(harmless_fault).status == 0 ? "" : "processes cannot be traced here";
}

int drive(const Node& node, const std::string& what, int short_write) {
  auto command = driver(node, what);
  if (short_write) command.push_back(std::to_string(short_write));
  return run_program(command, "", environment).status;
}

int drive_with(const Node& node, const std::string& what, const Point& point, const std::string& fault) {
  std::vector<std::string> command = {"strace", "-qq", "-o", "/dev/null", "-e", "trace=" + point.call,
                                      "-e",     "inject=" + point.call + ":" + fault + ":when=" + std::to_string(point.number)};
  for (const std::string& word : driver(node, what)) command.push_back(word);
  return run_program(command, "", environment).status;
}

std::vector<Point> points_of(const Node& node, const std::string& what, std::string& unknown) {
  TemporaryDirectory logs(quick_place());
  std::string log = logs.path() + "/log";
  std::vector<std::string> command = {"strace", "-qq", "-s", "16", "-e", "signal=none", "-e", "trace=%file,%desc", "-o", log};
  for (const std::string& word : driver(node, what)) command.push_back(word);
  run_program(command, "", environment);
  std::vector<Point> points;
  std::map<std::string, int> seen;
  Pipes pipes;
  std::string text = read_file(log);
  for (std::string_view line : split(text, '\n')) {
    std::size_t end = line.find('(');
    if (end == line.npos || line[0] == '+') continue;
    std::string call(line.substr(0, end));
    int number = ++seen[call];
    if (pipes.takes(call, line)) continue;
    bool makes = opening.count(call) && line.find("O_CREAT") != line.npos;
    if (makes || changing.count(call)) points.push_back({call, number, std::string(line)});
    else if (!opening.count(call) && !harmless.count(call)) unknown += " " + call;
  }
  return points;
}

}  // namespace hostpci::test
