// Reading who holds what out of the command lines of running VMs and the file of reservations.
#include "rules/holders.hpp"

#include <algorithm>

#include "text/words.hpp"

namespace hostpci {
namespace {

/// Calls f(value) for every `key=value` of a running QEMU's vfio-pci devices.
template <class F>
void each_vfio_value(const RunningVm& vm, std::string_view key, F f) {
  for (const std::string& argument : vm.arguments) {
    if (!argument.starts_with("vfio-pci,")) continue;
    for (std::string_view part : split(argument, ','))
      if (part.starts_with(key)) f(part.substr(key.size()));
  }
}

std::string command_line_of(const RunningVm& vm) { return "/proc/" + std::to_string(vm.pid) + "/cmdline"; }

void read_reservations(const Host& host, Holders& held) {
  const std::string path = "/run/qemu-server/pci-id-reservations";
  const std::string* text = host.file(path);
  if (!text) return;
  for (std::string_view line : split(*text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.size() != 3 || !parts[2].starts_with("pid:")) continue;
    auto address = parse_pci_address(parts[0]);
    auto vmid = number(parts[1]), pid = number(parts[2].substr(4));
    auto runs = [&](const RunningVm& vm) { return vmid && pid && vm.vmid == *vmid && vm.pid == *pid; };
    if (address && std::any_of(host.running->begin(), host.running->end(), runs))
      held[*address] = {std::uint32_t(*vmid), path};
  }
}

}  // namespace

Holders device_holders(const Host& host) {
  Holders held;
  if (!host.running) return held;
  read_reservations(host, held);
  for (const RunningVm& vm : *host.running)
    each_vfio_value(vm, "host=", [&](std::string_view name) {
      if (auto address = parse_pci_address(name)) held[*address] = {vm.vmid, command_line_of(vm)};
    });
  return held;
}

std::map<std::string, Holder> mdev_holders(const Host& host) {
  std::map<std::string, Holder> held;
  if (!host.running) return held;
  for (const RunningVm& vm : *host.running)
    each_vfio_value(vm, "sysfsdev=", [&](std::string_view path) {
      held[std::string(path.substr(path.rfind('/') + 1))] = {vm.vmid, command_line_of(vm)};
    });
  return held;
}

}  // namespace hostpci
