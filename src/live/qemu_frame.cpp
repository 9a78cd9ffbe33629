// The machine around the arguments of `showcmd`, as PVE builds it and no more of it than the lines need.
// Source: qemu-server QemuServer.pm (config_to_command), PCI.pm (get_pci_addr_map), pve-q35-4.0.cfg.
#include <unistd.h>

#include <algorithm>

#include "config/machine.hpp"
#include "live/qemu.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* pve_q35 = "/usr/share/qemu-server/pve-q35-4.0.cfg";

/// A bus that PVE has and QEMU does not, and the one that it hangs on.
struct Bus {
  std::string_view name, parent, device;
};

constexpr Bus q35_buses[] = {
    {"ich9-pcie-port-1", "",
     "pcie-root-port,id=ich9-pcie-port-1,x-speed=16,x-width=32,multifunction=on,bus=pcie.0,addr=1c.0,port=1,chassis=1"},
    {"ich9-pcie-port-2", "",
     "pcie-root-port,id=ich9-pcie-port-2,x-speed=16,x-width=32,multifunction=on,bus=pcie.0,addr=1c.1,port=2,chassis=2"},
    {"ich9-pcie-port-3", "",
     "pcie-root-port,id=ich9-pcie-port-3,x-speed=16,x-width=32,multifunction=on,bus=pcie.0,addr=1c.2,port=3,chassis=3"},
    {"ich9-pcie-port-4", "",
     "pcie-root-port,id=ich9-pcie-port-4,x-speed=16,x-width=32,multifunction=on,bus=pcie.0,addr=1c.3,port=4,chassis=4"},
    {"pcidmi", "", "i82801b11-bridge,id=pcidmi,bus=pcie.0,addr=1e.0"},
    {"pci.0", "pcidmi", "pci-bridge,id=pci.0,bus=pcidmi,addr=1.0,chassis_nr=1,shpc=off"},
    {"pci.1", "pcidmi", "pci-bridge,id=pci.1,bus=pcidmi,addr=2.0,chassis_nr=2,shpc=off"},
    {"pci.2", "pcidmi", "pci-bridge,id=pci.2,bus=pcidmi,addr=3.0,chassis_nr=3,shpc=off"},
};
constexpr Bus i440fx_buses[] = {
    {"pci.1", "", "pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e"},
    {"pci.2", "", "pci-bridge,id=pci.2,chassis_nr=2,bus=pci.0,addr=0x1f"},
};
/// With legacy-igd the ISA bridge that the driver needs stands at 1f.
constexpr Bus igd_buses[] = {
    {"pci.1", "", "pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e"},
    {"pci.2", "pci.1", "pci-bridge,id=pci.2,chassis_nr=2,bus=pci.1,addr=0x1e"},
};

bool has_legacy_igd(const Vm& vm) {
  std::vector<HostpciLine> lines = vm.hostpci();
  return std::any_of(lines.begin(), lines.end(),
                     [](const HostpciLine& l) { return l.parsed.flag(HostpciKey::legacy_igd); });
}

template <std::size_t size>
void add_bus(const Bus (&buses)[size], std::string_view name, std::vector<std::string>& devices) {
  for (const Bus& bus : buses) {
    if (bus.name != name || std::find(devices.begin(), devices.end(), bus.device) != devices.end()) continue;
    if (!bus.parent.empty()) add_bus(buses, bus.parent, devices);
    devices.emplace_back(bus.device);
  }
}

/// Buses that the devices name and that no argument makes.
std::vector<std::string> missing_buses(const Vm& vm, const std::vector<QemuDevice>& devices) {
  std::vector<std::string> buses;
  bool q35 = machine(vm).q35, igd = has_legacy_igd(vm);
  for (const QemuDevice& device : devices)
    for (const QemuProperty& property : device.properties) {
      if (property.name != "bus") continue;
      if (q35)
        add_bus(q35_buses, property.wished, buses);
      else if (igd)
        add_bus(igd_buses, property.wished, buses);
      else
        add_bus(i440fx_buses, property.wished, buses);
    }
  return buses;
}

/// "pc-q35-8.1+pve0" -> "pc-q35-8.1": PVE's suffix changes no bus.
std::string machine_type(const Vm& vm) {
  std::string_view type = machine(vm).type;
  return type.empty() ? "pc" : std::string(type.substr(0, type.find('+')));
}

}  // namespace

std::vector<QemuDevice> qemu_devices(const std::vector<std::string>& arguments) {
  std::vector<QemuDevice> devices;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != "-device") continue;
    QemuDevice& device = devices.emplace_back();
    for (std::string_view part : split(arguments[++i], ',')) {
      std::size_t equals = part.find('=');
      std::string name(part.substr(0, equals));
      if (equals == part.npos)
        device.driver = name;
      else if (name == "id")
        device.id = part.substr(equals + 1);
      else
        device.properties.push_back({name, std::string(part.substr(equals + 1)), ""});
    }
  }
  return devices;
}

std::string qemu_program(const FileSystem& system) {
  for (const char* path : {"/usr/bin/kvm", "/usr/bin/qemu-system-x86_64"})
    if (auto found = system.stat(path); found && found->kind == FileKind::regular) return path;
  return {};
}

QemuTrial qemu_trial(const FileSystem& system, const Vm& next, const std::vector<std::string>& showcmd,
                     std::uint64_t memory) {
  QemuTrial trial;
  trial.program = qemu_program(system);
  trial.devices = qemu_devices(showcmd);
  trial.arguments = {"-no-user-config",     "-nodefaults", "-display", "none", "-S", "-qmp", "stdio", "-m",
                     std::to_string(memory)};
  auto add = [&](std::string option, std::string value) {
    trial.arguments.push_back(std::move(option));
    trial.arguments.push_back(std::move(value));
  };
  add("-machine", machine_type(next));
  if (::access("/dev/kvm", R_OK | W_OK) == 0) add("-accel", "kvm");
  add("-accel", "tcg");
  if (machine(next).q35 && system.stat(pve_q35))
    add("-readconfig", pve_q35);
  else
    for (std::string& bus : missing_buses(next, trial.devices)) add("-device", std::move(bus));
  trial.arguments.insert(trial.arguments.end(), showcmd.begin(), showcmd.end());
  return trial;
}

}  // namespace hostpci
