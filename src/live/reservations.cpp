// Reads /run/qemu-server/pci-id-reservations.
#include "live/reservations.hpp"

#include <algorithm>

#include "rules/rule.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* reservations = "/run/qemu-server/pci-id-reservations";

/// "runs with it", "is being started with it", or "" if the reservation no longer counts.
std::string standing(const FileSystem& system, std::string_view holder, std::int64_t now) {
  auto value = number(holder.substr(std::min(holder.find(':') + 1, holder.size())));
  if (!value) return {};
  if (holder.starts_with("pid:")) return system.stat("/proc/" + std::to_string(*value)) ? "runs with it" : "";
  return holder.starts_with("time:") && std::int64_t(*value) >= now ? "is being started with it" : "";
}

}  // namespace

void object_to_reservation(const FileSystem& system, const Device& device, std::int64_t now, Sink& out) {
  auto text = system.read(reservations);
  if (!text) return;
  for (std::string_view line : split(*text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.size() != 3 || parse_pci_address(parts[0]) != device.address) continue;
    std::string how = standing(system, parts[2], now);
    if (how.empty()) continue;
    Diagnostic& d = out.add({});
    d.rule = "conflict-in-use";
    d.message = "`" + describe(device) + "` is reserved: VM " + std::string(parts[1]) + " " + how;
    d.place = Place(reservations);
  }
}

}  // namespace hostpci
