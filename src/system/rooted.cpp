// openat2 where the kernel has it; else a walk that never lets the kernel follow a link.
#include "system/rooted.hpp"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <string_view>
#include <vector>

#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr int max_links = 40;         // as the kernel's own limit (path_resolution(7))
constexpr long openat2_number = 437;  // the same on every architecture; older headers have no name for it

int open_by_kernel(int root, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = std::uint64_t(flags);
  how.mode = flags & O_CREAT ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    auto number = int(syscall(openat2_number, root, path.c_str(), &how, sizeof how));
    // EAGAIN: something was renamed while a `..` was passed, and the kernel could not tell whether it left the root.
    if (number >= 0 || (errno != EINTR && (errno != EAGAIN || attempt > 100))) return number;
  }
}

std::string link_text(int link) {
  std::string text(PATH_MAX, '\0');
  ssize_t size = readlinkat(link, "", text.data(), text.size());
  text.resize(size > 0 ? std::size_t(size) : 0);
  return text;
}

/// Goes along a path part by part. Directories that were passed stay open, so that `..` means what it meant on the way
/// down.
class Walk {
 public:
  explicit Walk(int root) : root_(root) {}

  /// Stops before the last part: a link there is gone through only if `follow`. An absent last part is no failure.
  bool along(std::string_view path, bool follow) {
    queue(path);
    while (!pending_.empty()) {
      std::string name = std::move(pending_.back());
      pending_.pop_back();
      if (name == "..") {
        if (!passed_.empty()) passed_.pop_back();
      } else if (name != ".") {
        if (pending_.empty() && !follow) return stop_at(std::move(name));
        Outcome outcome = pass(name);
        if (outcome == Outcome::stopped) return stop_at(std::move(name));
        if (outcome == Outcome::failed) return false;
      }
    }
    return stop_at(".");
  }

  int directory() const { return passed_.empty() ? root_ : passed_.back().directory.number(); }
  const std::string& last() const { return last_; }

  std::string canonical() const {
    std::string path;
    for (const Step& step : passed_) path += "/" + step.name;
    if (last_ != ".") path += "/" + last_;
    return path.empty() ? "/" : path;
  }

 private:
  struct Step {
    std::string name;
    Descriptor directory;
  };
  enum class Outcome { passed, stopped, failed };

  /// Puts the parts before what is still to be gone, the first one on top. A slash at the end asks for a directory.
  void queue(std::string_view path) {
    if (path.ends_with('/')) pending_.emplace_back(".");
    std::vector<std::string_view> parts = split(path, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part)
      if (!part->empty()) pending_.emplace_back(*part);
  }

  Outcome pass(const std::string& name) {
    Descriptor part(openat(directory(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status;
    if (!part) return errno == ENOENT && pending_.empty() ? Outcome::stopped : Outcome::failed;
    if (fstat(part.number(), &status) != 0) return Outcome::failed;
    if (S_ISLNK(status.st_mode)) return go_through(link_text(part.number()));
    if (pending_.empty()) return Outcome::stopped;
    if (!S_ISDIR(status.st_mode)) return failed(ENOTDIR);
    passed_.push_back({name, std::move(part)});
    return Outcome::passed;
  }

  Outcome go_through(const std::string& target) {
    if (++links_ > max_links) return failed(ELOOP);
    if (target.empty()) return failed(ENOENT);
    if (target.front() == '/') passed_.clear();
    queue(target);
    return Outcome::passed;
  }

  static Outcome failed(int code) {
    errno = code;
    return Outcome::failed;
  }

  bool stop_at(std::string name) {
    last_ = std::move(name);
    return true;
  }

  int root_;
  int links_ = 0;
  std::vector<Step> passed_;
  std::vector<std::string> pending_;  ///< the next part last
  std::string last_ = ".";
};

int open_by_component(int root, const std::string& path, int flags, unsigned mode) {
  Walk walk(root);
  bool follow = !(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
  if (!walk.along(path, follow)) return -1;
  return openat(walk.directory(), walk.last().c_str(), flags | O_NOFOLLOW, mode);
}

bool is_usable(const std::string& path) {
  errno = path.empty() ? ENOENT : EINVAL;
  return !path.empty() && path.find('\0') == path.npos;
}

bool is_system_root(int directory) {
  struct stat own, top;
  return fstat(directory, &own) == 0 && ::stat("/", &top) == 0 && own.st_dev == top.st_dev && own.st_ino == top.st_ino;
}

}  // namespace

Root Root::open_directory(const std::string& path) {
  if (!is_usable(path)) return {};
  Descriptor directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return {};
  if (is_system_root(directory.number())) return {std::move(directory), LinkResolver::plain};
  Descriptor probe(open_by_kernel(directory.number(), "/", O_PATH | O_CLOEXEC, 0));
  return {std::move(directory), probe ? LinkResolver::kernel : LinkResolver::component};
}

Descriptor Root::open(const std::string& path, int flags, unsigned mode) const {
  if (!is_usable(path)) return {};
  flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY);
  int root = directory_.number();
  if (resolution_ == LinkResolver::kernel) return Descriptor(open_by_kernel(root, path, flags, mode));
  if (resolution_ == LinkResolver::component) return Descriptor(open_by_component(root, path, flags, mode));
  return Descriptor(path.front() == '/' ? ::open(path.c_str(), flags, mode) : openat(root, path.c_str(), flags, mode));
}

std::string Root::canonical(const std::string& path) const {
  Walk walk(directory_.number());
  return is_usable(path) && walk.along(path, true) ? walk.canonical() : "";
}

}  // namespace hostpci
