// A configuration file of the host below /etc, replaced whole.
#include "apply/host_file.hpp"

#include <unistd.h>

#include <array>
#include <utility>

namespace hostpci {
namespace {

/// Folders and files of the boot set-up, with the command that carries a change into the next boot.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> boot_files = {{
    {"/etc/default/grub", "update-grub"},
    {"/etc/default/grub.d/", "update-grub"},
    {"/etc/kernel/cmdline", "proxmox-boot-tool refresh"},
    {"/etc/modprobe.d/", "update-initramfs -u -k all"},
    {"/etc/initramfs-tools/modules", "update-initramfs -u -k all"},
    {"/etc/modules", ""},
    {"/etc/modules-load.d/", ""},
    {"/etc/sysfs.conf", ""},
    {"/etc/sysfs.d/", ""},
    {"/etc/udev/rules.d/", "udevadm control --reload"},
}};

const std::pair<std::string_view, std::string_view>* find(std::string_view path) {
  for (const auto& row : boot_files) {
    bool folder = row.first.back() == '/';
    if (folder ? path.size() > row.first.size() && path.starts_with(row.first) : path == row.first) return &row;
  }
  return nullptr;
}

}  // namespace

bool is_boot_file(std::string_view path) { return find(path) && path.find("/../") == path.npos; }

std::string_view refresh_command(std::string_view path) {
  const auto* row = find(path);
  return row ? row->second : std::string_view();
}

Status replace_host_file(FileSystem& system, const std::string& path, std::string_view before, std::string_view text) {
  Result<std::string> real = system.canonical(path);
  if (!real) return real.error();
  if (!real->starts_with("/etc/") || real->starts_with("/etc/pve/")) return Failure{"`" + path + "` leads to `" + *real + "`: not changed"};
  Result<std::string> now = system.read(*real);
  if (!now) return now.error();
  if (*now != before) return Failure{"`" + path + "` was changed by someone else meanwhile"};
  Result<FileStat> state = system.stat(*real);
  if (!state) return state.error();
  std::string directory = real->substr(0, real->rfind('/'));
  std::string temporary = directory + "/.hostpci-" + std::to_string(::getpid()) + "-" + real->substr(real->rfind('/') + 1);
  if (Status made = system.create(temporary, text, state->mode & 07777, true); !made) return made.error();
  if (Status moved = system.rename(temporary, *real); !moved) {
    (void)system.remove(temporary).has_value();
    return moved.error();
  }
  return system.sync_directory(directory);
}

}  // namespace hostpci
