// The outside world as the program sees it: one small interface, rooted so that no path leads out of the root.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/result.hpp"

namespace hostpci {

enum class FileKind : std::uint8_t { regular, directory, link, other };

struct FileStat {
  FileKind kind = FileKind::regular;
  std::uint64_t size = 0;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  std::int64_t mtime = 0;  ///< seconds
  std::uint64_t device = 0, inode = 0;
};

/// An exclusive lock that ends with its owner.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// Every path is absolute and means "below the root"; links, absolute ones too, are resolved inside it.
/// Failures carry errno in `code` and a message that names the path as given.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // Reading
  virtual Result<std::string> read(const std::string& path) const = 0;  ///< regular files and attributes; ENXIO for a FIFO, socket or device
  /// As read, for what the kernel gives whole at the first read and in less than a page: attributes of sysfs.
  virtual Result<std::string> read_attribute(const std::string& path) const { return read(path); }
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;  ///< names, sorted, without . and ..
  virtual Result<std::string> read_link(const std::string& path) const = 0;  ///< the link's text, unresolved
  virtual Result<FileStat> stat(const std::string& path, bool follow = true) const = 0;
  virtual Result<std::string> canonical(const std::string& path) const = 0;  ///< every link resolved inside the root; the last part may be absent

  /// The kernel's messages since boot as far as its buffer still has them, a line each, oldest first: of the running kernel where the root is
  /// "/", else what the tree has in /dev/kmsg.
  virtual Result<std::string> kernel_log() const { return read("/dev/kmsg"); }

  // Writing: each is one system call with the refusals of the kernel
  virtual Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) = 0;  ///< O_EXCL|O_NOFOLLOW; whole or removed again
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  /// One write(2) to an attribute of the kernel that exists; no link is followed in last place. After the time it is no
  /// longer waited for: code EINPROGRESS, the kernel is still at it and may yet finish. 0: no time is set, for attributes that never wait.
  virtual Status write_attribute(const std::string& path, std::string_view value, int milliseconds) = 0;
  virtual Status remove(const std::string& path) = 0;
  /// Makes the second, a regular file too, like the first: owner, mode, ACLs and all other extended attributes, and syncs it. EPERM: the
  /// owner is another one and this process may not give files away. A file system without extended attributes is no failure.
  virtual Status copy_metadata(const std::string& from, const std::string& to) = 0;
  virtual Status touch(const std::string& path, std::int64_t seconds) = 0;  ///< sets the times of access and change; a link's own
  virtual Status make_directory(const std::string& path) = 0;  ///< parents too; one that exists is no failure
  virtual Status make_one_directory(const std::string& path) = 0;  ///< one mkdir(2): EEXIST if anything has the name
  virtual Status remove_directory(const std::string& path) = 0;    ///< an empty one
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Status sync_file(const std::string& path) = 0;  ///< what anyone wrote to this regular file; no link is followed
  /// PVE's lock file: opened for appending, created 0644, never removed, flock LOCK_EX; gives up after the time with code ETIMEDOUT.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) = 0;

  /// The real path of the root ("/" or the directory of --root); empty if nothing real stands behind.
  virtual std::string root() const = 0;
};

/// The real file system below `root`. A root that is no directory is a Failure.
Result<std::unique_ptr<FileSystem>> real_file_system(const std::string& root);

}  // namespace hostpci
