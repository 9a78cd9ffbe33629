// The table of boot files.
#include "apply/host_file.hpp"

#include <algorithm>

#include "config/boot_config.hpp"
#include "plan/boot_files.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

/// Files and, with a slash at the end, folders.
constexpr std::string_view boot_files[] = {
    "/etc/default/grub", "/etc/default/grub.d/", "/etc/kernel/cmdline", "/etc/modprobe.d/", "/etc/initramfs-tools/modules",
    "/etc/modules",      "/etc/modules-load.d/", "/etc/sysfs.conf",     "/etc/sysfs.d/",    "/etc/udev/rules.d/",
};

void add_once(std::vector<PlannedCommand>& list, const CommandWords& words) {
  PlannedCommand command{words, ""};
  if (!words.empty() && std::find(list.begin(), list.end(), command) == list.end()) list.push_back(std::move(command));
}

}  // namespace

bool is_boot_file(std::string_view path) {
  auto covers = [&](std::string_view row) {
    return row.back() == '/' ? path.size() > row.size() && path.starts_with(row) : path == row;
  };
  return std::any_of(std::begin(boot_files), std::end(boot_files), covers) && path.find("/../") == path.npos;
}

Result<std::string> boot_file_place(const FileSystem& system, const std::string& path) {
  Result<std::string> real = system.canonical(path);
  if (real && leads_astray(path, *real)) return Failure{"`" + printable(path) + "` leads to `" + printable(*real) + "`: not changed"};
  return real;
}

/// The initramfs first: the boot loader's command may copy the images.
std::vector<PlannedCommand> commands_after(const std::vector<std::string>& paths, const Host& host) {
  std::vector<PlannedCommand> list;
  CommandLineHomes homes = homes_of(host, read_boot_config(host.files, host.unreadable));
  auto any = [&](const auto& which) { return std::any_of(paths.begin(), paths.end(), which); };
  if (any(is_of_initramfs)) add_once(list, initramfs_of(host).refresh);
  if (any([&](const std::string& path) { return is_of_loader(homes, path); }))
    for (const CommandWords& words : homes.refresh) add_once(list, words);
  if (any([](const std::string& path) { return path.starts_with("/etc/udev/rules.d/"); }))
    add_once(list, {"udevadm", "control", "--reload"});
  return list;
}

}  // namespace hostpci
