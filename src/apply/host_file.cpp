// The table of boot files.
#include "apply/host_file.hpp"

#include <array>
#include <utility>

#include "text/escape.hpp"

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

Result<std::string> boot_file_place(const FileSystem& system, const std::string& path) {
  Result<std::string> real = system.canonical(path);
  if (real && (!real->starts_with("/etc/") || real->starts_with("/etc/pve/")))
    return Failure{"`" + printable(path) + "` leads to `" + printable(*real) + "`: not changed"};
  return real;
}

}  // namespace hostpci
