// The QEMU arguments that a VM's hostpci lines become, exactly as PVE makes them.
#include "export/qemu_args.hpp"

#include <cstdio>

#include "config/machine.hpp"

namespace hostpci {
namespace {

std::string hex(int value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", unsigned(value));
  return text;
}

/// Slot of hostpciN on the conventional buses: 0-3 on pci.0, the others on pci.2.
std::string conventional_slot(int index, bool virt) {
  constexpr int on_first_bus[] = {0x10, 0x11, 0x1b, 0x1c};
  if (index > 3) return ",bus=pci.2,addr=" + hex(0xd + index - 4);
  return std::string(",bus=") + (virt ? "pcie.0" : "pci.0") + ",addr=" + hex(on_first_bus[index]);
}

/// Windows 7 wants PCIe devices on the root bus itself.
std::string root_bus_slot(int index) {
  int slot = index < 4 ? 0x10 + index : index < 11 ? 0x9 + index - 4 : 0x15 + index - 11;
  return ",bus=pcie.0,addr=" + hex(slot);
}

/// Ports 1-4 are part of PVE's q35 set-up; the others are made on demand.
std::string root_port(int index) {
  std::string port = std::to_string(index + 1);
  char address[32];
  std::snprintf(address, sizeof address, "%x.%d", unsigned(index < 12 ? 0x10 : 0x11),
                index < 12 ? index - 4 : index - 12);
  return "pcie-root-port,id=ich9-pcie-port-" + port + ",addr=" + address +
         ",x-speed=16,x-width=32,multifunction=on,bus=pcie.0,port=" + port + ",chassis=" + port;
}

std::string mdev_path(std::uint32_t vmid, int index) {
  char uuid[64];
  std::snprintf(uuid, sizeof uuid, "%08d-0000-0000-0000-%012u", index, unsigned(vmid));
  return std::string("/sys/bus/mdev/devices/") + uuid;
}

/// What belongs to the VM as a whole.
struct Guest {
  std::uint32_t vmid;
  bool ovmf, windows7, virt;
  std::vector<std::string_view> boot_order;
};

Guest guest(const Vm& vm, const Host& host) {
  bool arm = vm.text("arch").empty() ? host.architecture == "arm64" : architecture(vm) == "aarch64";
  std::string_view type = machine(vm).type;
  return {vm.vmid, is_ovmf(vm), vm.text("ostype") == "win7", arm && (type.empty() || type.substr(0, 4) == "virt"),
          boot_order(vm)};
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
  for (std::size_t i = guest.boot_order.size(); i-- > 0;)
    if (guest.boot_order[i] == line.line.key()) {
      out += ",bootindex=" + std::to_string(100 + i);
      break;
    }
  for (HostpciKey key :
       {HostpciKey::vendor_id, HostpciKey::device_id, HostpciKey::sub_vendor_id, HostpciKey::sub_device_id})
    if (parsed.has(key)) out += ",x-pci-" + std::string(name(key)) + "=" + std::string(parsed.text(key));
  return out;
}

std::string slot(const ResolvedLine& line, const Guest& guest) {
  int index = line.line.index;
  if (line.line.parsed.flag(HostpciKey::pcie))
    return guest.windows7 ? root_bus_slot(index) : ",bus=ich9-pcie-port-" + std::to_string(index + 1) + ",addr=0x0";
  if (line.line.parsed.flag(HostpciKey::legacy_igd))
    return std::string(",bus=") + (guest.virt ? "pcie.0" : "pci.0") + ",addr=0x2";
  return conventional_slot(index, guest.virt);
}

std::string device(const ResolvedLine& line, std::size_t function, const Guest& guest) {
  std::string out = "vfio-pci,";
  out += line.mdev ? "sysfsdev=" + mdev_path(guest.vmid, line.line.index) : "host=" + line.functions[function].str();
  if (line.mapping && line.mapping->live_migration) out += ",enable-migration=on";
  std::string suffix = line.multifunction() && !line.mdev ? "." + std::to_string(function) : "";
  out += ",id=" + line.line.key() + suffix + slot(line, guest) + suffix;
  return function == 0 ? out + first_function_options(line, guest) : out;
}

void add_line(std::vector<std::string>& arguments, const ResolvedLine& line, const Guest& guest) {
  auto add = [&](std::string value) {
    arguments.push_back("-device");
    arguments.push_back(std::move(value));
  };
  bool pcie = line.line.parsed.flag(HostpciKey::pcie);
  if (pcie && !guest.windows7 && line.line.index > 3) add(root_port(line.line.index));
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
