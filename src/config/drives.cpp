// What becomes of the volume of a drive that leaves the configuration.
#include "config/drives.hpp"

#include <algorithm>

#include "config/vm.hpp"
#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr int unused_keys = 256;

std::string_view part(std::string_view value, std::string_view key) {
  PropertyString parsed = parse_property_string(value);
  const Property* found = parsed.find(key);
  return found ? found->value : std::string_view();
}

}  // namespace

bool is_drive(std::string_view key) {
  constexpr std::string_view buses[] = {"ide", "sata", "scsi", "virtio", "efidisk", "tpmstate"};
  std::size_t digits = key.find_first_of("0123456789");
  return digits != key.npos && is_vm_key(key) &&
         std::find(std::begin(buses), std::end(buses), key.substr(0, digits)) != std::end(buses);
}

std::string drive_volume(std::string_view value) {
  PropertyString parsed = parse_property_string(value);
  for (std::string_view key : {"file", "volume"})
    if (const Property* found = parsed.find(key, key)) return std::string(found->value);
  return "";
}

bool asks_for_allocation(std::string_view value) {
  std::string volume = drive_volume(value);
  std::string_view size = volume;
  if (std::size_t colon = volume.find(':'); colon != volume.npos) size.remove_prefix(colon + 1);
  auto parts = split(size, '.');
  bool numbers = std::all_of(parts.begin(), parts.end(), [](std::string_view p) { return number(p).has_value(); });
  return !parts.empty() && parts.size() <= 2 && numbers;
}

bool is_cloudinit(std::string_view value) {
  std::string volume = drive_volume(value);
  std::size_t at = volume.rfind("cloudinit");
  return at != volume.npos && at > 0 && (volume.size() == at + 9 || volume[at + 9] == '.');
}

bool is_kept(std::string_view value, std::uint32_t vmid) {
  if (part(value, "media") == "cdrom") return false;
  std::string volume = drive_volume(value), id = std::to_string(vmid);
  if (volume.find(':') == volume.npos) return false;
  return volume.find("vm-" + id + "-") != volume.npos || volume.find("base-" + id + "-") != volume.npos;
}

std::string add_unused(KeyValues& values, const std::string& volume) {
  std::string key;
  for (int i = unused_keys; i-- > 0;) {
    std::string candidate = "unused" + std::to_string(i);
    auto taken = values.find(candidate);
    if (taken == values.end())
      key = candidate;
    else if (taken->second == volume)
      return "";
  }
  if (!key.empty()) values[key] = volume;
  return key;
}

}  // namespace hostpci
