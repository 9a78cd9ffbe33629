// The boot set-up as a whole: files by path, and the merging of configuration directories that kmod and systemd share.
#include "config/boot_config.hpp"

namespace hostpci {
namespace {

/// The name if `path` is directly in `directory`, ends with the suffix and is not hidden; else empty.
std::string_view name_in(std::string_view path, std::string_view directory, std::string_view suffix) {
  if (path.size() <= directory.size() + 1 || path.substr(0, directory.size()) != directory) return {};
  if (path[directory.size()] != '/') return {};
  std::string_view name = path.substr(directory.size() + 1);
  bool fits = name.size() > suffix.size() && name.substr(name.size() - suffix.size()) == suffix;
  return fits && name.front() != '.' && name.find('/') == name.npos ? name : std::string_view{};
}

}  // namespace

SourcePtr BootConfig::source(const std::string& path) const {
  auto at = sources.find(path);
  return at == sources.end() ? nullptr : at->second;
}

std::vector<SourcePtr> merged_files(const BootConfig& config, const std::vector<std::string>& directories,
                                    std::string_view suffix, const std::map<std::string, std::string>& unreadable) {
  std::map<std::string_view, SourcePtr> by_name;
  for (const std::string& directory : directories) {
    for (const auto& [path, source] : config.sources)
      if (auto name = name_in(path, directory, suffix); !name.empty()) by_name.emplace(name, source);
    for (const auto& [path, why] : unreadable)  // a link to /dev/null masks the files behind it
      if (auto name = name_in(path, directory, suffix); !name.empty()) by_name.emplace(name, nullptr);
  }
  std::vector<SourcePtr> files;
  for (const auto& [name, source] : by_name)
    if (source) files.push_back(source);
  return files;
}

BootConfig read_boot_config(const std::map<std::string, std::string>& files,
                            const std::map<std::string, std::string>& unreadable) {
  BootConfig config;
  for (const auto& [path, text] : files) config.sources[path] = make_source(path, text);
  read_command_lines(config, unreadable);
  read_modprobe(config, unreadable);
  read_module_lists(config, unreadable);
  return config;
}

}  // namespace hostpci
