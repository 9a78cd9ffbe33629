// The homes of the command line and the tool of the initramfs, by what the host's files show.
#include "rules/boot_homes.hpp"

#include <algorithm>

#include "text/shell.hpp"

namespace hostpci {

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

std::vector<std::string> command_line_refresh(const Facts& facts) {
  CommandLineHomes homes = homes_of(*facts.host, *facts.boot);
  std::vector<std::string> lines;
  for (const CommandLineHome& home : homes.homes)
    if (home.kind == HomeKind::boot_entries) lines.push_back("grubby --update-kernel=ALL --args=…|--remove-args=…");
  for (const CommandWords& command : homes.refresh) lines.push_back(shell_line(command));
  if (homes.homes.empty()) lines.push_back("update-grub");
  return lines;
}

std::string initramfs_refresh(const Facts& facts) {
  InitramfsDecision decision = initramfs_of(*facts.host);
  return decision.refresh.empty() ? "update-initramfs -u -k all" : shell_line(decision.refresh);
}

}  // namespace hostpci
