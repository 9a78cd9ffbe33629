// How Proxmox VE names the mediated devices that it makes for a VM's lines, and whose name a UUID is.
// Source: qemu-server PCI/Mdev.pm (generate_mdev_uuid).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostpci {

/// "00000001-0000-0000-0000-000000000100": of hostpci index and VMID, both decimal.
std::string mdev_uuid(std::uint32_t vmid, int index);

/// The line that an instance was made for.
struct MdevOwner {
  std::uint32_t vmid = 0;
  int index = 0;
  std::string str() const;  ///< "VM 100 hostpci1"
};

/// Nothing if Proxmox VE would not name one so.
std::optional<MdevOwner> mdev_owner(std::string_view uuid);

}  // namespace hostpci
