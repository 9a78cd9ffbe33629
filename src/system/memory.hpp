// A file system in memory, for snapshots and for tests that inject faults.
#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "system/file_system.hpp"

namespace hostpci {

/// What a file has beside its bytes.
struct FileAttributes {
  std::uint32_t mode = 0644, uid = 0, gid = 0;
  std::int64_t mtime = 0;
  std::map<std::string, std::string> extended = {};  ///< ACLs among them
};

/// Holds files and links by path (without `.`, `..` and doubled slashes); a directory exists if something lies below
/// it, or it was made. Locks always succeed.
class MemoryFileSystem : public FileSystem {
 public:
  void put(const std::string& path, std::string bytes) { files_[path] = std::move(bytes); }
  void put_link(const std::string& path, std::string target) { links_[path] = std::move(target); }
  void put_attributes(const std::string& path, FileAttributes attributes) { attributes_[path] = std::move(attributes); }
  const std::map<std::string, std::string>& files() const { return files_; }
  const std::map<std::string, FileAttributes>& attributes() const { return attributes_; }  ///< a file not named has the usual ones

  Result<std::string> read(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<std::string> read_link(const std::string& path) const override;
  Result<FileStat> stat(const std::string& path, bool follow = true) const override;
  Result<std::string> canonical(const std::string& path) const override;
  Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) override;
  Status rename(const std::string& from, const std::string& to) override;
  /// The value becomes the file's bytes.
  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override;
  Status remove(const std::string& path) override;
  Status copy_metadata(const std::string& from, const std::string& to) override;
  Status touch(const std::string& path, std::int64_t seconds) override;
  Status make_one_directory(const std::string& path) override;
  Status remove_directory(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status sync_file(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) override;
  std::string root() const override { return ""; }

 protected:
  std::map<std::string, std::string> files_, links_;
  std::set<std::string> directories_;              ///< made, and not implied by a file
  std::map<std::string, FileAttributes> attributes_;  ///< of files and directories that were made or touched

 private:
  bool is_directory(const std::string& resolved) const;
  bool exists(const std::string& resolved) const;
  Result<std::string> resolve(std::string_view verb, const std::string& path, bool follow) const;
};

/// What a faulty file system asks before each call: the errno to fail with, or 0. `call` is the method's name, `path`
/// its path (the new one of a rename).
using Fault = std::function<int(std::string_view call, const std::string& path)>;

/// `inner`, with faults where `fault` says so.
std::unique_ptr<FileSystem> faulty_file_system(FileSystem& inner, Fault fault);

}  // namespace hostpci
