// What the planner and `lint --fix` both have to know of the boot set-up's files.
#include "plan/boot_files.hpp"

#include <algorithm>

namespace hostpci {
namespace {

bool is_outside(std::string_view path) { return !path.starts_with("/etc/") || path.starts_with("/etc/pve/"); }

}  // namespace

CommandLineHomes homes_of(const Host& host, const BootConfig& boot) {
  RunningBoot running{host.kernel.command_line, host.kernel.efi, host.kernel.secure_boot};
  return find_command_line_homes(read_boot_evidence(boot, host.unreadable, running), host.files);
}

InitramfsDecision initramfs_of(const Host& host) {
  InitramfsDecision found = find_initramfs_tool(host.files);
  bool proxmox = host.packages.count("pve-manager") || host.kernel.release.value_or("").find("-pve") != std::string::npos;
  if (found.tool == InitramfsTool::unknown && proxmox)
    return {InitramfsTool::initramfs_tools, "Proxmox VE's own", {"update-initramfs", "-u", "-k", "all"}};
  return found;
}

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
