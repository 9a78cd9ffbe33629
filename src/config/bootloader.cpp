// Weighs the evidence about the boot loader: marks of the running boot first, the set-up's files after them.
#include "config/bootloader.hpp"

#include "grammar/cmdline.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view list = "/etc/kernel/proxmox-boot-uuids";

struct Marks {
  std::string grub, systemd_boot;  ///< the word found, or empty
};

bool is_boot_entry(std::string_view path) { return lower(path).substr(0, 13) == "\\efi\\proxmox\\"; }

Marks marks(std::string_view command_line) {
  Marks found;
  for (const KernelArgument& argument : parse_kernel_command_line(command_line)) {
    if (argument.name == "BOOT_IMAGE" && argument.has_value) found.grub = argument.text;
    if (argument.name == "initrd" && is_boot_entry(argument.value)) found.systemd_boot = argument.text;
  }
  return found;
}

bool is_systemd_boot(const BootEvidence& e) { return e.loader_info && e.loader_info->find("systemd-boot") == 0; }

BootDecision contradiction(std::string first, std::string second) {
  return {Bootloader::unknown, first + ", but " + second};
}

/// The running boot's own marks; unknown without evidence if there are none.
BootDecision of_running(const BootEvidence& e) {
  Marks found = marks(e.command_line.value_or(""));
  std::string grub = found.grub.empty() ? "" : "/proc/cmdline: " + found.grub;
  std::string systemd_boot = !found.systemd_boot.empty() ? "/proc/cmdline: " + found.systemd_boot
                             : is_systemd_boot(e)        ? "LoaderInfo: " + *e.loader_info
                                                         : "";
  if (!grub.empty() && !systemd_boot.empty()) return contradiction(grub, systemd_boot);
  if (!grub.empty()) return {Bootloader::grub, grub};
  if (systemd_boot.empty()) return {};
  if (e.efi == false) return contradiction(systemd_boot, "/sys/firmware/efi does not exist");
  return {Bootloader::systemd_boot, systemd_boot};
}

/// proxmox-boot-tool's decision as far as it shows without looking into the ESPs.
BootDecision of_files(const BootEvidence& e) {
  std::string there = std::string(list) + " exists";
  if (!e.boot_uuids) return {};
  if (!*e.boot_uuids && !e.default_grub) return {};
  if (!*e.boot_uuids) return {Bootloader::grub, "/etc/default/grub exists, " + std::string(list) + " does not"};
  if (e.efi == false) return {Bootloader::grub, there + ", /sys/firmware/efi does not"};
  if (e.secure_boot == true) return {Bootloader::grub, there + ", Secure Boot is on"};
  if (e.systemd_boot_partitions > 0 && e.grub_partitions == 0)
    return {Bootloader::systemd_boot, there + ", the firmware starts \\EFI\\systemd"};
  if (e.grub_partitions > 0 && e.systemd_boot_partitions == 0)
    return {Bootloader::grub, there + ", the firmware starts GRUB of \\EFI\\proxmox"};
  return {Bootloader::unknown, there + "; what the EFI partitions hold is not known"};
}

}  // namespace

BootDecision decide_bootloader(const BootEvidence& e) {
  BootDecision decision = of_running(e);
  if (decision.evidence.empty()) decision = of_files(e);
  if (decision.loader == Bootloader::grub && e.boot_entries)
    return {Bootloader::unknown, "/etc/default/grub: GRUB_ENABLE_BLSCFG=true"};
  return decision;
}

}  // namespace hostpci
