// Which boot loader decides the kernel command line, out of evidence given as plain values.
#pragma once
#include <cstddef>
#include <cstdint>
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
  std::size_t partitions = 0;  ///< EFI partitions that proxmox-boot-tool looks after
  // Partitions to which the firmware's own boot entries (efivars Boot####) give a loader:
  std::size_t systemd_boot_partitions = 0;  ///< \EFI\systemd\systemd-bootx64.efi
  std::size_t grub_partitions = 0;          ///< \EFI\proxmox\grubx64.efi or shimx64.efi
};

struct BootDecision {
  Bootloader loader = Bootloader::unknown;
  std::string evidence;  ///< path and value that decided; for unknown: why, or empty
};

/// The loader that booted the running kernel leaves its mark on the command line (BOOT_IMAGE= is GRUB's,
/// initrd=\EFI\proxmox\ that of the entries proxmox-boot-tool writes for systemd-boot). Without it: no list of ESPs
/// means GRUB; with one, BIOS and Secure Boot mean GRUB. For UEFI without Secure Boot the firmware's boot entries
/// decide if all name the same loader; else it stays unknown, as do marks that contradict each other: a root on ZFS
/// proves nothing.
BootDecision decide_bootloader(const BootEvidence& evidence);

}  // namespace hostpci
