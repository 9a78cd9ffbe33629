// Where the kernel command line of a host lives and what makes a change of it count, decided from evidence.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/boot_config.hpp"
#include "config/bootloader.hpp"

namespace hostpci {

/// A program and its arguments, to be run without a shell.
using CommandWords = std::vector<std::string>;

enum class HomeKind : std::uint8_t {
  grub,            ///< GRUB_CMDLINE_LINUX(_DEFAULT) of /etc/default/grub and grub.d
  kernel_cmdline,  ///< the first line of /etc/kernel/cmdline
  boot_entries,    ///< /boot/loader/entries/*.conf, changed by grubby alone
  grub_legacy,     ///< the kernel lines of /boot/grub/grub.conf or menu.lst
};

struct CommandLineHome {
  HomeKind kind = HomeKind::grub;
  std::string file;      ///< "/etc/default/grub", "/etc/kernel/cmdline", "/boot/loader/entries", "/boot/grub/menu.lst"
  bool drop_ins = false; ///< GRUB: /etc/default/grub.d/*.cfg is sourced as well (Debian's grub-mkconfig)
  bool operator==(const CommandLineHome&) const = default;
};

struct CommandLineHomes {
  std::vector<CommandLineHome> homes;  ///< all of them are to be edited; none: it is not known where
  std::string evidence;                ///< path and value that decided
  std::string mixed;                   ///< why there is more than one home, or none although there are traces; else empty
  std::vector<CommandWords> refresh;        ///< after a change; boot entries and GRUB legacy need none
};

/// What the running kernel knows of its boot; nothing where it could not be read.
struct RunningBoot {
  std::optional<std::string> command_line;  ///< /proc/cmdline
  std::optional<bool> efi, secure_boot;
};

/// The evidence that files and the running kernel give: lists of partitions, marks, the firmware's boot entries (which
/// scan_files() keeps as "PARTUUID \EFI\systemd\systemd-bootx64.efi").
BootEvidence read_boot_evidence(const BootConfig& boot, const std::map<std::string, std::string>& unreadable,
                                const RunningBoot& running);

/// Every case of the kind "plain GRUB", "proxmox-boot-tool", "kernel-install", "boot entries", "GRUB legacy". Builds on
/// decide_bootloader(): what the running boot shows goes before what files suggest. proxmox-boot-tool decides for each
/// EFI partition by itself: where there are several on UEFI and they differ or cannot be read, both homes are given.
/// `files` as scan_files() keeps them; a key that ends in '/' lists names of that directory, one a line.
CommandLineHomes find_command_line_homes(const BootEvidence& evidence, const std::map<std::string, std::string>& files);

enum class InitramfsTool : std::uint8_t { unknown, initramfs_tools, dracut, mkinitcpio };

struct InitramfsDecision {
  InitramfsTool tool = InitramfsTool::unknown;
  std::string evidence;
  CommandWords refresh;  ///< {"update-initramfs", "-u", "-k", "all"}; empty where the tool is not known
};

InitramfsDecision find_initramfs_tool(const std::map<std::string, std::string>& files);

}  // namespace hostpci
