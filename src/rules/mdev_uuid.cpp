// Proxmox VE's UUIDs of mediated devices, made and read.
#include "rules/mdev_uuid.hpp"

#include <cstdio>

#include "text/words.hpp"

namespace hostpci {

std::string mdev_uuid(std::uint32_t vmid, int index) {
  char uuid[64];
  std::snprintf(uuid, sizeof uuid, "%08d-0000-0000-0000-%012u", index, unsigned(vmid));
  return uuid;
}

std::string MdevOwner::str() const { return "VM " + std::to_string(vmid) + " hostpci" + std::to_string(index); }

std::optional<MdevOwner> mdev_owner(std::string_view uuid) {
  std::vector<std::string_view> parts = split(uuid, '-');
  if (parts.size() != 5) return {};
  auto index = number(parts[0]), vmid = number(parts[4]);
  if (!index || !vmid || *index > 15 || *vmid < 100 || *vmid > 999999999) return {};
  MdevOwner owner{std::uint32_t(*vmid), int(*index)};
  return mdev_uuid(owner.vmid, owner.index) == uuid ? std::optional(owner) : std::nullopt;
}

}  // namespace hostpci
