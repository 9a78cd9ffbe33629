// Which boot loader decides: marks of the running boot before files, and no guess where they contradict.
#include <doctest/doctest.h>

#include "config/bootloader.hpp"

using namespace hostpci;

namespace {

constexpr const char* grub_line = "BOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve root=/dev/mapper/pve-root ro quiet";
constexpr const char* systemd_line =
    "initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1";

}  // namespace

TEST_CASE("the running command line decides") {
  BootDecision grub = decide_bootloader({.command_line = grub_line, .boot_uuids = true, .efi = true});
  CHECK(grub.loader == Bootloader::grub);
  CHECK(grub.evidence == "/proc/cmdline: BOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve");
  BootDecision systemd = decide_bootloader({.command_line = systemd_line, .boot_uuids = true, .efi = true});
  CHECK(systemd.loader == Bootloader::systemd_boot);
  CHECK(systemd.evidence == "/proc/cmdline: initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve");
}

TEST_CASE("LoaderInfo decides where the command line has no mark") {
  CHECK(decide_bootloader({.command_line = "root=ZFS=rpool/ROOT/pve-1", .loader_info = "systemd-boot 252.12"}).loader ==
        Bootloader::systemd_boot);
}

TEST_CASE("contradictions are not decided") {
  BootEvidence both{.command_line = std::string(grub_line) + " " + systemd_line};
  CHECK(decide_bootloader(both).loader == Bootloader::unknown);
  CHECK(decide_bootloader({.command_line = grub_line, .loader_info = "systemd-boot 255"}).loader ==
        Bootloader::unknown);
  CHECK(decide_bootloader({.command_line = systemd_line, .efi = false}).loader == Bootloader::unknown);
}

TEST_CASE("without a mark the files decide, as far as they can") {
  CHECK(decide_bootloader({.boot_uuids = false, .default_grub = true}).loader == Bootloader::grub);
  CHECK(decide_bootloader({.boot_uuids = true, .efi = false}).loader == Bootloader::grub);
  CHECK(decide_bootloader({.boot_uuids = true, .efi = true, .secure_boot = true}).loader == Bootloader::grub);
  CHECK(decide_bootloader({.boot_uuids = true, .efi = true, .secure_boot = false}).loader == Bootloader::unknown);
  CHECK(decide_bootloader({.default_grub = true}).loader == Bootloader::unknown);
  CHECK(decide_bootloader({}).loader == Bootloader::unknown);
}

TEST_CASE("a root on ZFS proves nothing") {
  CHECK(decide_bootloader({.command_line = "root=ZFS=rpool/ROOT/pve-1", .boot_uuids = true, .efi = true}).loader ==
        Bootloader::unknown);
}

TEST_CASE("an initrd of another vendor's entry is not Proxmox's") {
  CHECK(decide_bootloader({.command_line = "initrd=\\EFI\\Linux\\initrd.img root=/dev/sda1"}).loader ==
        Bootloader::unknown);
}

TEST_CASE("GRUB with boot entries of their own is left alone") {
  CHECK(decide_bootloader({.command_line = grub_line, .default_grub = true, .boot_entries = true}).loader ==
        Bootloader::unknown);
}
