// Reads /run/qemu-server/pci-id-reservations.
#include "live/reservations.hpp"

#include <algorithm>
#include <cerrno>

#include "rules/rule.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* reservations = "/run/qemu-server/pci-id-reservations";

/// The process is an emulator that was given the VM's pid file; so it is too where that cannot be read. The number of a VM that has
/// ended may be another process's by now.
bool is_emulator_of(const FileSystem& system, std::uint64_t pid, std::string_view vmid) {
  const std::string process = "/proc/" + std::to_string(pid), pid_file = "/run/qemu-server/" + std::string(vmid) + ".pid";
  if (!system.stat(process)) return false;
  auto command = system.read(process + "/cmdline");
  if (!command) return command.error().code != ENOENT && command.error().code != ESRCH;
  std::vector<std::string_view> arguments = split(*command, '\0');
  for (std::size_t i = 1; i < arguments.size(); ++i)
    if (arguments[i - 1].ends_with("-pidfile") && arguments[i].ends_with(pid_file)) return true;
  return false;
}

/// "runs with it", "is being started with it", or "" if the reservation no longer counts.
std::string standing(const FileSystem& system, std::string_view vmid, std::string_view holder, std::int64_t now) {
  auto value = number(holder.substr(std::min(holder.find(':') + 1, holder.size())));
  if (!value) return {};
  if (holder.starts_with("pid:")) return is_emulator_of(system, *value, vmid) ? "runs with it" : "";
  return holder.starts_with("time:") && std::int64_t(*value) >= now ? "is being started with it" : "";
}

}  // namespace

void object_to_reservation(const FileSystem& system, const Device& device, std::int64_t now, Sink& out) {
  auto text = system.read(reservations);
  if (!text) return;
  for (std::string_view line : split(*text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.size() != 3 || parse_pci_address(parts[0]) != device.address) continue;
    std::string how = standing(system, parts[1], parts[2], now);
    if (how.empty()) continue;
    Diagnostic& d = out.add({});
    d.rule = "conflict-in-use";
    d.message = "`" + describe(device) + "` is reserved: VM " + std::string(parts[1]) + " " + how;
    d.place = Place(reservations);
  }
}

}  // namespace hostpci
