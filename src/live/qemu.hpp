// A VM's hostpci lines tried on a real QEMU: started stopped, asked what it made of them, ended.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/vm.hpp"
#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

struct QemuProperty {
  std::string name, wished;
  std::string found;  ///< as QEMU has it, spelled as the wish is where both mean the same; empty: QEMU does not tell
  bool differs() const { return !found.empty() && found != wished; }
};

/// A `-device` with its properties, the driver and the id aside.
struct QemuDevice {
  std::string driver, id;
  std::vector<QemuProperty> properties;
};

/// The devices among QEMU's arguments. Source: QEMU's option syntax without doubled commas, which PVE's lines never
/// have.
std::vector<QemuDevice> qemu_devices(const std::vector<std::string>& arguments);

/// What is started.
struct QemuTrial {
  std::string program;
  std::vector<std::string> arguments;  ///< all of them, `-qmp stdio` too
  std::vector<QemuDevice> devices;     ///< to be asked for
  int milliseconds = 60000;
};

/// The least machine that the lines need around the arguments of `showcmd`: machine type, memory, the buses that PVE
/// has. `memory`: MiB. The guest is an x86 one.
QemuTrial qemu_trial(const FileSystem&, const Vm& next, const std::vector<std::string>& showcmd, std::uint64_t memory);
/// Where PVE's QEMU is, else Debian's; empty: neither is installed.
std::string qemu_program(const FileSystem&);

struct QemuReport {
  std::string failure;         ///< empty: it made every device and answered
  std::string version, state;  ///< "7.2.22", "prelaunch"
  std::vector<QemuDevice> devices;
  std::vector<std::string> said;  ///< lines on standard error
};

/// Leaves no QEMU behind but one that was killed and that the kernel does not end: the report says so.
QemuReport try_qemu(const QemuTrial&);

}  // namespace hostpci
