// Which boot loader decides the kernel command line, out of evidence given as plain values.
#pragma once
#include <optional>
#include <string>

namespace hostpci {

/// Which boot loader decides the command line (semantics: proxmox-boot-tool's and GRUB's own rules).
enum class Bootloader : std::uint8_t { unknown, grub, systemd_boot };

/// What was read. nullopt: could not be read.
struct BootEvidence {
  std::optional<std::string> command_line;  ///< of the running kernel, /proc/cmdline
  std::optional<std::string> loader_info;   ///< efivar LoaderInfo: "systemd-boot 252.12"
  std::optional<bool> boot_uuids;  ///< /etc/kernel/proxmox-boot-uuids exists: proxmox-boot-tool looks after the ESPs
  std::optional<bool> efi;         ///< booted by UEFI
  std::optional<bool> secure_boot;
  bool default_grub = false;  ///< /etc/default/grub exists
  bool boot_entries = false;  ///< GRUB_ENABLE_BLSCFG=true: entries of their own decide, not /etc/default/grub
};

struct BootDecision {
  Bootloader loader = Bootloader::unknown;
  std::string evidence;  ///< path and value that decided; for unknown: why, or empty
};

/// The loader that booted the running kernel leaves its mark on the command line (BOOT_IMAGE= is GRUB's,
/// initrd=\EFI\proxmox\ that of the entries proxmox-boot-tool writes for systemd-boot). Without it: no list of ESPs
/// means GRUB; with one, BIOS and Secure Boot mean GRUB. UEFI without Secure Boot stays unknown, as do marks that
/// contradict each other: a root on ZFS proves nothing.
BootDecision decide_bootloader(const BootEvidence& evidence);

}  // namespace hostpci
