// Lists of modules that are loaded at boot, and what sysfsutils writes there.
#include "config/boot_config.hpp"

namespace hostpci {
namespace {

void add_modules(const SourcePtr& source, bool initramfs, std::vector<ModuleEntry>& entries) {
  for (ModuleLine& line : parse_modules(source->text, initramfs)) entries.push_back({source, line});
}

/// modules-load.d/modules.conf is a link to /etc/modules: the same lines are not read twice.
bool is_link_to_modules(const BootConfig& config, const Source& source) {
  SourcePtr modules = config.source("/etc/modules");
  return modules && source.path == "/etc/modules-load.d/modules.conf" && source.text == modules->text;
}

}  // namespace

void read_module_lists(BootConfig& config, const std::map<std::string, std::string>& unreadable) {
  const std::vector<std::string> directories = {"/etc/modules-load.d", "/run/modules-load.d",
                                                "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d",
                                                "/lib/modules-load.d"};
  if (SourcePtr modules = config.source("/etc/modules")) add_modules(modules, false, config.boot_modules);
  for (const SourcePtr& source : merged_files(config, directories, ".conf", unreadable))
    if (!is_link_to_modules(config, *source)) add_modules(source, false, config.boot_modules);
  if (SourcePtr source = config.source("/etc/initramfs-tools/modules"))
    add_modules(source, true, config.initramfs_modules);
  auto add_sysfs = [&](const SourcePtr& source) { config.sysfs.emplace_back(source, parse_sysfs_conf(source->text)); };
  if (SourcePtr source = config.source("/etc/sysfs.conf")) add_sysfs(source);
  for (const SourcePtr& source : merged_files(config, {"/etc/sysfs.d"}, ".conf", {})) add_sysfs(source);
}

}  // namespace hostpci
