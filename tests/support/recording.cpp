// A file system that remembers every call that changed something.
#include "tests/support/recording.hpp"

namespace hostpci::test {
namespace {

class Recording : public FileSystem {
 public:
  Recording(FileSystem& inner, std::vector<Recorded>& log) : inner_(inner), log_(log) {}

  Result<std::string> read(const std::string& path) const override { return inner_.read(path); }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return inner_.list(directory); }
  Result<std::string> read_link(const std::string& path) const override { return inner_.read_link(path); }
  Result<FileStat> stat(const std::string& path, bool follow) const override { return inner_.stat(path, follow); }
  Result<std::string> canonical(const std::string& path) const override { return inner_.canonical(path); }

  Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) override {
    return note(inner_.create(path, bytes, mode, durable), {Change::create, place(path), "", std::string(bytes), durable});
  }
  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override {
    return inner_.write_attribute(path, value, milliseconds);
  }
  Status rename(const std::string& from, const std::string& to) override {
    std::string source = place(from);
    return note(inner_.rename(from, to), {Change::rename, source, place(to)});
  }
  Status remove(const std::string& path) override {
    std::string at = place(path);
    return note(inner_.remove(path), {Change::remove, at});
  }
  Status copy_metadata(const std::string& from, const std::string& to) override {
    return note(inner_.copy_metadata(from, to), {Change::sync_file, place(to)});
  }
  Status touch(const std::string& path, std::int64_t seconds) override { return inner_.touch(path, seconds); }
  Status make_directory(const std::string& path) override {
    for (std::size_t end = 0; end != path.npos;) {
      end = path.find('/', end + 1);
      std::string part = path.substr(0, end);
      if (auto found = inner_.stat(part, true); found && found->kind == FileKind::directory) continue;
      if (Status made = make_one_directory(part); !made) return made;
    }
    return Done{};
  }
  Status make_one_directory(const std::string& path) override {
    return note(inner_.make_one_directory(path), {Change::make_directory, place(path)});
  }
  Status remove_directory(const std::string& path) override {
    std::string at = place(path);
    return note(inner_.remove_directory(path), {Change::remove_directory, at});
  }
  Status sync_directory(const std::string& path) override {
    return note(inner_.sync_directory(path), {Change::sync_directory, inner_.canonical(path).value_or(path)});
  }
  Status sync_file(const std::string& path) override {
    return note(inner_.sync_file(path), {Change::sync_file, inner_.canonical(path).value_or(path)});
  }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) override { return inner_.lock(path, milliseconds); }
  std::string root() const override { return inner_.root(); }

 private:
  /// The last part as it stands, not followed.
  std::string place(const std::string& path) const {
    std::size_t slash = path.rfind('/');
    std::string directory = inner_.canonical(slash == 0 ? "/" : path.substr(0, slash)).value_or("");
    return (directory == "/" ? "" : directory) + path.substr(slash);
  }

  Status note(Status status, Recorded recorded) {
    if (status) log_.push_back(std::move(recorded));
    return status;
  }

  FileSystem& inner_;
  std::vector<Recorded>& log_;
};

}  // namespace

std::unique_ptr<FileSystem> recording_file_system(FileSystem& inner, std::vector<Recorded>& log) {
  return std::make_unique<Recording>(inner, log);
}

}  // namespace hostpci::test
