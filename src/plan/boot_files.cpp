// What the planner and `lint --fix` both have to know of the boot set-up's files.
#include "plan/boot_files.hpp"

#include <algorithm>

namespace hostpci {
namespace {

bool is_outside(std::string_view path) { return !path.starts_with("/etc/") || path.starts_with("/etc/pve/"); }

}  // namespace

bool is_of_loader(const CommandLineHomes& homes, std::string_view path) {
  return std::any_of(homes.homes.begin(), homes.homes.end(), [&](const CommandLineHome& home) {
    return home.file == path || (home.kind == HomeKind::grub && path.starts_with("/etc/default/grub.d/"));
  });
}

bool is_of_initramfs(std::string_view path) {
  return path.starts_with("/etc/modprobe.d/") || path.starts_with("/etc/initramfs-tools/") || path.starts_with("/etc/dracut.conf.d/") ||
         path.starts_with("/etc/mkinitcpio.conf");
}

bool leads_astray(std::string_view path, std::string_view real) { return !is_outside(path) && is_outside(real); }

}  // namespace hostpci
