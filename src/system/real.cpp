// The real file system. Reads of many files of one directory cost hardly more than the bare system calls.
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/klog.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "system/calls.hpp"
#include "system/failure.hpp"
#include "system/file_system.hpp"
#include "system/listing.hpp"
#include "system/metadata.hpp"
#include "system/rooted.hpp"
#include "system/watched_write.hpp"

namespace hostpci {
namespace {

constexpr std::size_t small_file = 64 << 10;
constexpr int reading = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
constexpr std::size_t largest_file = 256 << 20;  // spans count 32 bits; nothing that we read comes near

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::regular;
  if (S_ISDIR(mode)) return FileKind::directory;
  return S_ISLNK(mode) ? FileKind::link : FileKind::other;
}

std::string kind_name(mode_t mode) {
  if (S_ISFIFO(mode)) return "FIFO";
  if (S_ISSOCK(mode)) return "socket";
  return S_ISCHR(mode) ? "character device" : "block device";
}

FileStat file_stat(const struct stat& s) {
  return {kind_of(s.st_mode), std::uint64_t(s.st_size), s.st_mode & 07777u, s.st_uid, s.st_gid, s.st_mtime,
          s.st_dev,           std::uint64_t(s.st_ino)};
}

/// A flock that ends when its descriptor is closed.
class RealLock : public FileLock {
 public:
  explicit RealLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;
};

/// flock(2) LOCK_EX, tried again until the time is over: errno is EWOULDBLOCK then.
bool flock_within(int file, int milliseconds) {
  using Clock = std::chrono::steady_clock;
  auto deadline = Clock::now() + std::chrono::milliseconds(milliseconds);
  while (flock(file, LOCK_EX | LOCK_NB) != 0) {
    auto left = deadline - Clock::now();
    if ((errno != EWOULDBLOCK && errno != EINTR) || left <= Clock::duration::zero()) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, std::chrono::milliseconds(20)));
  }
  return true;
}

/// For one thread: the directory used last is kept open, and the buffer is shared.
class RealFileSystem : public FileSystem {
 public:
  RealFileSystem(Root root, std::string path)
      : root_(std::move(root)), path_(std::move(path)), buffer_(std::make_unique_for_overwrite<char[]>(small_file)) {}

  Result<std::string> read(const std::string& path) const override {
    struct stat status {};
    Descriptor file = open_to_read(path, status);
    if (file) return read_whole(path, file.number(), std::size_t(status.st_size));
    if (errno != ENXIO || kind_of(status.st_mode) != FileKind::other) return system_failure("read", path, errno);
    return Failure{"`" + printable(path) + "` is a " + kind_name(status.st_mode) + ", not a file", ENXIO};
  }

  /// Its kind is known from its directory; what does not fill the buffer is whole. Nothing is what a pipe gives too.
  Result<std::string> read_attribute(const std::string& path) const override {
    Descriptor file = open_listed(path);
    ssize_t size = file ? read_some(file.number(), buffer_.get(), small_file) : -1;
    if (size > 0 && std::size_t(size) < small_file) return std::string(buffer_.get(), std::size_t(size));
    return read(path);
  }

  Result<std::vector<std::string>> list(const std::string& directory) const override {
    Descriptor opened = root_.open(directory, O_RDONLY | O_DIRECTORY);
    listing_.begin(directory);
    auto add = [&](std::string_view name, bool regular) { listing_.add(name, regular); };
    if (!opened || !each_entry(opened.number(), buffer_.get(), small_file, add)) {
      listing_.forget();
      return system_failure("list", directory, errno);
    }
    std::vector<std::string> names = listing_.finish();
    directory_path_ = listing_.directory();  // its files are likely to be read next
    directory_ = std::move(opened);
    return names;
  }

  Result<std::string> read_link(const std::string& path) const override {
    char text[PATH_MAX];
    ssize_t size = -1;
    inside(path, [&](int at, const char* name) { return (size = readlinkat(at, name, text, sizeof text)) >= 0; });
    if (size < 0) return system_failure("read the link", path, errno);
    return std::string(text, std::size_t(size));
  }

  Result<FileStat> stat(const std::string& path, bool follow) const override {
    struct stat status;
    bool found = look(path, status);
    if (found && follow && S_ISLNK(status.st_mode)) found = look_through(path, status);
    if (!found) return system_failure("inspect", path, errno);
    return file_stat(status);
  }

  Result<std::string> canonical(const std::string& path) const override {
    std::string resolved = root_.canonical(path);
    if (resolved.empty()) return system_failure("resolve", path, errno);
    return resolved;
  }

  Result<std::string> kernel_log() const override {
    if (path_ != "/") return FileSystem::kernel_log();
    constexpr int read_all = 3, buffer_size = 10;  // syslog(2)
    int size = klogctl(buffer_size, nullptr, 0);
    std::string text(std::size_t(std::max(size, 0)), '\0');
    int length = size < 0 ? size : klogctl(read_all, text.data(), size);
    if (length < 0) return system_failure("read", "/dev/kmsg", errno);
    text.resize(std::size_t(length));
    return text;
  }

  Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) override {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    if (!enter_fresh(path)) return system_failure("create", path, errno);
    Descriptor file(openat(directory_.number(), name_, flags, mode));
    if (!file) return system_failure("create", path, errno);
    bool written = fill(file.number(), bytes, mode, durable);
    int code = written ? 0 : errno;
    if (::close(file.release()) != 0 && written) code = errno;
    if (code == 0) return Done{};
    unlinkat(directory_.number(), name_, 0);
    return system_failure("write", path, code);
  }

  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override {
    if (!enter_fresh(path)) return system_failure("write to", path, errno);
    Descriptor file(openat(directory_.number(), name_, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
    if (!file) return system_failure("write to", path, errno);
    int code = write_within(file.number(), value, milliseconds);
    if (code == 0) return Done{};
    return system_failure("write to", path, code);
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (!enter_fresh(from)) return system_failure("rename", from, errno);
    std::string old_name = name_;
    Descriptor old_directory = std::move(directory_);
    bool done = enter_fresh(to) && renameat(old_directory.number(), old_name.c_str(), directory_.number(), name_) == 0;
    int code = errno;
    forget_directory();  // it may be the one that moved
    if (done) return Done{};
    Failure failure = system_failure("rename", from, code);
    failure.message.insert(failure.message.rfind("`: ") + 1, " to `" + printable(to) + "`");
    return failure;
  }

  Status remove(const std::string& path) override {
    if (!enter_fresh(path) || unlinkat(directory_.number(), name_, 0) != 0)
      return system_failure("remove", path, errno);
    return Done{};
  }

  Status copy_metadata(const std::string& from, const std::string& to) override {
    Descriptor source = open_regular(from);
    if (!source) return system_failure("read the attributes of", from, errno);
    Descriptor target = open_regular(to);
    if (target && hostpci::copy_metadata(source.number(), target.number()) && fsync(target.number()) == 0) return Done{};
    return system_failure("give its attributes to", to, errno);
  }

  Status touch(const std::string& path, std::int64_t seconds) override {
    const timespec times[2] = {{time_t(seconds), 0}, {time_t(seconds), 0}};
    if (!enter_fresh(path) || utimensat(directory_.number(), name_, times, AT_SYMLINK_NOFOLLOW) != 0)
      return system_failure("touch", path, errno);
    return Done{};
  }

  Status make_one_directory(const std::string& path) override {
    if (!enter_fresh(path) || mkdirat(directory_.number(), name_, 0755) != 0)
      return system_failure("make the directory", path, errno);
    return Done{};
  }

  Status remove_directory(const std::string& path) override {
    if (!enter_fresh(path) || unlinkat(directory_.number(), name_, AT_REMOVEDIR) != 0)
      return system_failure("remove", path, errno);
    return Done{};
  }

  Status make_directory(const std::string& path) override {
    for (std::size_t end = 0; end != path.npos;) {
      end = path.find('/', end + 1);
      std::string part = path.substr(0, end);
      if (root_.open(part, O_PATH | O_DIRECTORY)) continue;
      if (errno != ENOENT || !enter_fresh(part)) return system_failure("make the directory", part, errno);
      if (mkdirat(directory_.number(), name_, 0755) == 0) continue;
      int code = errno;
      // Another process may have been faster; a dangling link has the name but is no directory.
      if (code != EEXIST || !root_.open(part, O_PATH | O_DIRECTORY))
        return system_failure("make the directory", part, code);
    }
    return Done{};
  }

  Status sync_directory(const std::string& path) override {
    Descriptor directory = root_.open(path, O_RDONLY | O_DIRECTORY);
    if (!directory || fsync(directory.number()) != 0) return system_failure("sync", path, errno);
    return Done{};
  }

  Status sync_file(const std::string& path) override {
    Descriptor file = open_regular(path);
    if (!file || fsync(file.number()) != 0) return system_failure("sync", path, errno);
    return Done{};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) override {
    Descriptor file = root_.open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0644);
    if (!file) return system_failure("lock", path, errno);
    if (flock_within(file.number(), milliseconds)) return std::unique_ptr<FileLock>(new RealLock(std::move(file)));
    if (errno != EWOULDBLOCK && errno != EINTR) return system_failure("lock", path, errno);
    return Failure{"can't lock file `" + printable(path) + "` - got timeout", ETIMEDOUT};
  }

  std::string root() const override { return path_; }

 private:
  /// Makes directory_ the open directory of the path and name_ its last part, which points into `path`. False: see
  /// errno.
  bool enter(const std::string& path) const {
    if (path.find('\0') != path.npos) return errno = EINVAL, false;
    std::size_t slash = path.rfind('/');
    std::size_t begin = slash == path.npos ? 0 : slash + 1;
    std::string_view directory(path.data(), begin);
    name_ = path.c_str() + begin;
    std::string_view name = name_;
    bool is_directory = !path.empty() && (name.empty() || name == "." || name == "..");
    if (is_directory) directory = path, name_ = ".";
    if (directory_ && directory == directory_path_) return true;
    directory_path_ = directory.empty() ? "/" : directory;
    directory_ = path.empty() ? (errno = ENOENT, Descriptor()) : root_.open(directory_path_, O_PATH | O_DIRECTORY);
    return bool(directory_);
  }

  void forget_directory() const { directory_ = Descriptor(); }

  /// Writers do not trust a directory that was opened long ago.
  bool enter_fresh(const std::string& path) const {
    forget_directory();
    return enter(path);
  }

  /// Calls f with the open directory of the path and its last part. A directory that was open before may have been
  /// replaced since: what is not found there is looked for again.
  template <class F>
  bool inside(const std::string& path, F f) const {
    int kept = directory_.number();
    if (enter(path) && f(directory_.number(), name_)) return true;
    if (kept < 0 || directory_.number() != kept || errno != ENOENT) return false;
    return enter_fresh(path) && f(directory_.number(), name_);
  }

  /// lstat
  bool look(const std::string& path, struct stat& status) const {
    return inside(path, [&](int at, const char* name) { return fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0; });
  }

  /// stat, the link in last place resolved inside the root.
  bool look_through(const std::string& path, struct stat& status) const {
    Descriptor target = root_.open(path, O_PATH);
    return target && fstat(target.number(), &status) == 0;
  }

  /// A regular file that is no link, in its own directory; looked at first, as open_to_read does.
  Descriptor open_regular(const std::string& path) const {
    struct stat status;
    if (!enter_fresh(path) || fstatat(directory_.number(), name_, &status, AT_SYMLINK_NOFOLLOW) != 0) return {};
    if (!S_ISREG(status.st_mode)) return errno = S_ISLNK(status.st_mode) ? ELOOP : EINVAL, Descriptor();
    return Descriptor(openat(directory_.number(), name_, reading | O_NOFOLLOW));
  }

  /// A file that was regular when its directory was listed.
  Descriptor open_listed(const std::string& path) const {
    if (!listing_.holds(path) || !enter(path)) return {};
    return Descriptor(openat(directory_.number(), name_, reading | O_NOFOLLOW));
  }

  /// Its kind is looked at before it is opened, or known from its directory: to open a device can act on it (a watchdog
  /// starts to run).
  Descriptor open_to_read(const std::string& path, struct stat& status) const {
    if (Descriptor file = open_listed(path)) {
      if (fstat(file.number(), &status) == 0 && S_ISREG(status.st_mode)) return file;
      listing_.forget();  // it has changed since
    }
    if (!look(path, status)) return {};
    bool link = S_ISLNK(status.st_mode);
    if (link && !look_through(path, status)) return {};
    if (!S_ISREG(status.st_mode)) {
      errno = S_ISDIR(status.st_mode) ? EISDIR : ENXIO;
      return {};
    }
    if (link) return root_.open(path, reading);
    return Descriptor(openat(directory_.number(), name_, reading | O_NOFOLLOW));
  }

  /// `expected` is what stat said: right for files on a disk, an upper bound in sysfs, 0 in proc, out of date where
  /// another node of a cluster has written. So it ends the file only where the system gave less than it was asked for.
  Result<std::string> read_whole(const std::string& path, int file, std::size_t expected) const {
    std::string bytes;
    while (true) {
      ssize_t n = read_some(file, buffer_.get(), small_file);
      if (n < 0) return system_failure("read", path, errno);
      bytes.append(buffer_.get(), std::size_t(n));
      if (bytes.size() > largest_file) return system_failure("read", path, EFBIG);
      if (n == 0 || (bytes.size() == expected && std::size_t(n) < small_file)) return bytes;
    }
  }

  static bool fill(int file, std::string_view bytes, std::uint32_t mode, bool durable) {
    struct stat status;
    if (!write_all(file, bytes)) return false;
    // The mode is meant, not a proposal to the umask. Where the file system has its own idea of modes (pmxcfs), that
    // stands.
    if (fstat(file, &status) == 0 && (status.st_mode & 07777) != mode && fchmod(file, mode) != 0 && errno != EPERM)
      return false;
    return !durable || fsync(file) == 0;
  }

  Root root_;
  std::string path_;
  mutable std::string directory_path_;  ///< of directory_, as it stood in the path, with its slash
  mutable Descriptor directory_;
  mutable const char* name_ = "";
  std::unique_ptr<char[]> buffer_;  ///< of small_file bytes
  mutable Listing listing_;
};

}  // namespace

Result<std::unique_ptr<FileSystem>> real_file_system(const std::string& root) {
  Root opened = Root::open_directory(root);
  if (!opened) return system_failure("use as root", root, errno);
  char* resolved = realpath(root.c_str(), nullptr);
  if (!resolved) return system_failure("use as root", root, errno);
  std::string path = resolved;
  std::free(resolved);
  return std::unique_ptr<FileSystem>(new RealFileSystem(std::move(opened), std::move(path)));
}

}  // namespace hostpci
