// Drives among a VM's keys: their volumes are the storage's, so a key that goes leaves an `unusedN:` behind.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace hostpci {

/// ide, sata, scsi, virtio, efidisk, tpmstate with their number.
bool is_drive(std::string_view key);
/// The drive's volume ("local-lvm:vm-100-disk-0"), "none", "cdrom" or a path.
std::string drive_volume(std::string_view value);
/// "local-lvm:4": PVE would make a volume of 4 GiB. Source: Drive.pm ($NEW_DISK_RE).
bool asks_for_allocation(std::string_view value);
/// The generated disk of cloud-init, which PVE frees instead of keeping.
bool is_cloudinit(std::string_view value);
/// A disk (no CD) whose volume is named for this VM: PVE keeps it as unusedN.
bool is_kept(std::string_view value, std::uint32_t vmid);

using KeyValues = std::map<std::string, std::string, std::less<>>;

/// Adds `volume` under the first free unusedN; returns that key, or "" if the volume stands there already or all are
/// taken.
std::string add_unused(KeyValues& values, const std::string& volume);

}  // namespace hostpci
