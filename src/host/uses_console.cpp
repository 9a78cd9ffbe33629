// Consoles: the firmware's framebuffer, serial lines on PCI devices, and which device has the host's only console.
#include <algorithm>

#include "host/uses_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_taken(const Device& device) {
  return device.driver && (device.driver->substr(0, 4) == "vfio" || *device.driver == "pci-stub");
}

/// The graphics card that the firmware chose.
const Device* firmware_card(const Host& host) {
  const Device* found = nullptr;
  for (const auto& [address, device] : host.devices) {
    if (device.boot_vga != true) continue;
    if (found) return nullptr;
    found = &device;
  }
  return found;
}

/// "fb0" of "platform/efi-framebuffer.0": a framebuffer that the firmware set up and no graphics driver took over. Its
/// path does not say which card it is on.
bool is_firmware_framebuffer(const ClassEntry& entry) {
  return entry.name.substr(0, 2) == "fb" && number(std::string_view(entry.name).substr(2)) &&
         entry.target.find("-framebuffer") != std::string::npos && !last_address(entry.target);
}

/// True if one of them is on no card that is known here. What a card that VFIO has left behind is no console.
bool add_firmware_framebuffers(const Host& host, const std::vector<ClassEntry>& graphics, UseTable& table) {
  const Device* card = firmware_card(host);
  if (card && is_taken(*card)) return false;
  bool elsewhere = false;
  for (const ClassEntry& entry : graphics) {
    if (!is_firmware_framebuffer(entry)) continue;
    elsewhere = elsewhere || !card;
    if (card) table.uses[card->address].push_back({UseKind::console, entry.name, "firmware framebuffer", false});
  }
  return elsewhere;
}

bool is_virtual_terminal(std::string_view name) {
  return name.substr(0, 3) == "tty" && (name.size() == 3 || (name[3] >= '0' && name[3] <= '9'));
}

/// Consoles other than the virtual terminals: those that the kernel writes to, else those that its command line asks
/// for.
std::set<std::string> serial_consoles(const FileSystem& system) {
  std::set<std::string> result;
  if (auto active = system.read("/sys/class/tty/console/active")) {
    for (std::string_view name : words(*active))
      if (!is_virtual_terminal(name) && name != "ttynull") result.emplace(name);
    return result;
  }
  auto line = system.read("/proc/cmdline");
  for (std::string_view word : line ? words(*line) : std::vector<std::string_view>()) {
    if (word.substr(0, 11) != "console=tty") continue;
    std::string_view name = word.substr(8, word.find(',') - 8);
    if (!is_virtual_terminal(name)) result.emplace(name);
  }
  return result;
}

/// True if one of them stays whatever device goes: a serial line that is on no PCI device.
bool add_serial_consoles(const FileSystem& system, UseTable& table) {
  bool stays = false;
  for (const std::string& name : serial_consoles(system)) {
    auto target = system.read_link("/sys/class/tty/" + name);
    std::set<PciAddress> devices = target ? carriers(table, *target) : std::set<PciAddress>();
    stays = stays || devices.empty();
    for (const PciAddress& device : devices) table.uses[device].push_back({UseKind::console, name, "", false});
  }
  return stays;
}

std::set<std::string> consoles_of(const std::vector<Use>& uses) {
  std::set<std::string> names;
  for (const Use& use : uses)
    if (use.kind == UseKind::console) names.insert(use.name);
  return names;
}

/// A device with all the consoles there are carries the only console.
void mark_only_console(UseTable& table) {
  std::set<std::string> all;
  for (const auto& [address, uses] : table.uses) all.merge(consoles_of(uses));
  for (auto& [address, uses] : table.uses)
    if (consoles_of(uses) == all)
      for (Use& use : uses) use.critical = use.critical || use.kind == UseKind::console;
}

}  // namespace

void find_console_uses(const FileSystem& system, const Host& host, const std::vector<ClassEntry>& graphics,
                       UseTable& table) {
  bool framebuffer = add_firmware_framebuffers(host, graphics, table), serial = add_serial_consoles(system, table);
  if (!framebuffer && !serial) mark_only_console(table);
}

}  // namespace hostpci
