// What has to run before a change of the boot set-up counts: the one decision behind lint's help, doctor's commands and plans.
#pragma once
#include <string>
#include <vector>

#include "config/command_line_home.hpp"
#include "rules/facts.hpp"

namespace hostpci {

/// Where the kernel command line of this host lives.
CommandLineHomes homes_of(const Host&, const BootConfig&);

/// What renews this host's initramfs. Proxmox VE has initramfs-tools also where no file shows it.
InitramfsDecision initramfs_of(const Host&);

/// What makes a change of the kernel command line count, as one types it: {"proxmox-boot-tool refresh"}; empty where the next boot
/// reads the file itself. Where no evidence tells, Debian's `update-grub`.
std::vector<std::string> command_line_refresh(const Facts&);

/// "update-initramfs -u -k all"; where no evidence tells, that too.
std::string initramfs_refresh(const Facts&);

}  // namespace hostpci
