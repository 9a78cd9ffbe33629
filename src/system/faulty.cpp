// A file system that fails where a test wants it to.
#include "system/failure.hpp"
#include "system/memory.hpp"

namespace hostpci {
namespace {

class FaultyFileSystem : public FileSystem {
 public:
  FaultyFileSystem(FileSystem& inner, Fault fault) : inner_(inner), fault_(std::move(fault)) {}

  Result<std::string> read(const std::string& path) const override {
    if (int code = fault_("read", path)) return system_failure("read", path, code);
    return inner_.read(path);
  }
  Result<std::vector<std::string>> list(const std::string& directory) const override {
    if (int code = fault_("list", directory)) return system_failure("list", directory, code);
    return inner_.list(directory);
  }
  Result<std::string> read_link(const std::string& path) const override {
    if (int code = fault_("read_link", path)) return system_failure("read the link", path, code);
    return inner_.read_link(path);
  }
  Result<FileStat> stat(const std::string& path, bool follow) const override {
    if (int code = fault_("stat", path)) return system_failure("inspect", path, code);
    return inner_.stat(path, follow);
  }
  Result<std::string> canonical(const std::string& path) const override {
    if (int code = fault_("canonical", path)) return system_failure("resolve", path, code);
    return inner_.canonical(path);
  }
  Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) override {
    if (int code = fault_("create", path)) return system_failure("create", path, code);
    return inner_.create(path, bytes, mode, durable);
  }
  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override {
    if (int code = fault_("write_attribute", path)) return system_failure("write to", path, code);
    return inner_.write_attribute(path, value, milliseconds);
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (int code = fault_("rename", to)) return system_failure("rename", from, code);
    return inner_.rename(from, to);
  }
  Status remove(const std::string& path) override {
    if (int code = fault_("remove", path)) return system_failure("remove", path, code);
    return inner_.remove(path);
  }
  Status copy_metadata(const std::string& from, const std::string& to) override {
    if (int code = fault_("copy_metadata", to)) return system_failure("give its attributes to", to, code);
    return inner_.copy_metadata(from, to);
  }
  Status touch(const std::string& path, std::int64_t seconds) override {
    if (int code = fault_("touch", path)) return system_failure("touch", path, code);
    return inner_.touch(path, seconds);
  }
  Status make_one_directory(const std::string& path) override {
    if (int code = fault_("make_one_directory", path)) return system_failure("make the directory", path, code);
    return inner_.make_one_directory(path);
  }
  Status remove_directory(const std::string& path) override {
    if (int code = fault_("remove_directory", path)) return system_failure("remove", path, code);
    return inner_.remove_directory(path);
  }
  Status make_directory(const std::string& path) override {
    if (int code = fault_("make_directory", path)) return system_failure("make the directory", path, code);
    return inner_.make_directory(path);
  }
  Status sync_directory(const std::string& path) override {
    if (int code = fault_("sync_directory", path)) return system_failure("sync", path, code);
    return inner_.sync_directory(path);
  }
  Status sync_file(const std::string& path) override {
    if (int code = fault_("sync_file", path)) return system_failure("sync", path, code);
    return inner_.sync_file(path);
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) override {
    if (int code = fault_("lock", path)) return system_failure("lock", path, code);
    return inner_.lock(path, milliseconds);
  }
  std::string root() const override { return inner_.root(); }

 private:
  FileSystem& inner_;
  Fault fault_;
};

}  // namespace

std::unique_ptr<FileSystem> faulty_file_system(FileSystem& inner, Fault fault) {
  return std::make_unique<FaultyFileSystem>(inner, std::move(fault));
}

}  // namespace hostpci
