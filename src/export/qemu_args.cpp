// The QEMU arguments that a VM's hostpci lines become, exactly as PVE makes them.
#include "export/qemu_args.hpp"

#include <cstdio>

#include "config/machine.hpp"
#include "export/guest_slot.hpp"
#include "rules/mdev_uuid.hpp"

namespace hostpci {
namespace {

std::string hex(int value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", unsigned(value));
  return text;
}

std::string port_argument(const RootPort& at) {
  std::string port = std::to_string(at.number);
  char address[32];
  std::snprintf(address, sizeof address, "%x.%d", unsigned(at.slot), at.function);
  return "pcie-root-port,id=ich9-pcie-port-" + port + ",addr=" + address +
         ",x-speed=16,x-width=32,multifunction=on,bus=pcie.0,port=" + port + ",chassis=" + port;
}

/// Properties that only the first function gets.
std::string first_function_options(const ResolvedLine& line, const Guest& guest) {
  const Hostpci& parsed = line.line.parsed;
  std::string out;
  if (!parsed.flag(HostpciKey::rombar, true)) out += ",rombar=0";
  if (parsed.flag(HostpciKey::x_vga) && !guest.ovmf) out += ",x-vga=on";
  if (line.multifunction() && !line.mdev) out += ",multifunction=on";
  std::string_view rom = parsed.text(HostpciKey::romfile);
  if (!rom.empty() && rom != "0") out += ",romfile=/usr/share/kvm/" + std::string(rom);
  int place = boot_place(guest, line.line.key());
  if (place >= 0) out += ",bootindex=" + std::to_string(100 + place);
  for (HostpciKey key :
       {HostpciKey::vendor_id, HostpciKey::device_id, HostpciKey::sub_vendor_id, HostpciKey::sub_device_id})
    if (parsed.has(key)) out += ",x-pci-" + std::string(name(key)) + "=" + std::string(parsed.text(key));
  return out;
}

std::string device(const ResolvedLine& line, std::size_t function, const Guest& guest) {
  std::string out = "vfio-pci,";
  out += line.mdev ? "sysfsdev=/sys/bus/mdev/devices/" + mdev_uuid(guest.vmid, line.line.index)
                   : "host=" + line.functions[function].str();
  if (line.mapping && line.mapping->live_migration) out += ",enable-migration=on";
  std::string suffix = line.multifunction() && !line.mdev ? "." + std::to_string(function) : "";
  GuestSlot at = guest_slot(line.line, guest);
  out += ",id=" + line.line.key() + suffix + ",bus=" + at.bus + ",addr=" + hex(at.slot) + suffix;
  return function == 0 ? out + first_function_options(line, guest) : out;
}

void add_line(std::vector<std::string>& arguments, const ResolvedLine& line, const Guest& guest) {
  auto add = [&](std::string value) {
    arguments.push_back("-device");
    arguments.push_back(std::move(value));
  };
  bool pcie = line.line.parsed.flag(HostpciKey::pcie);
  RootPort port = root_port(line.line.index);
  if (pcie && !guest.windows7 && port.on_demand()) add(port_argument(port));
  for (std::size_t i = 0; i < line.functions.size(); ++i) add(device(line, i, guest));
}

}  // namespace

QemuArgs qemu_args(const Vm& vm, const Host& host, const Mappings& mappings) {
  if (is_template(vm)) return {};
  QemuArgs result;
  Resolution resolution = resolve(vm, vm.hostpci(), host, mappings);
  result.refusals = std::move(resolution.refusals);
  if (!result.refusals.empty()) return result;
  Guest of = guest(vm, host);
  for (const ResolvedLine& line : resolution.lines) add_line(result.arguments, line, of);
  return result;
}

}  // namespace hostpci
