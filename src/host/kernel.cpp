// The running kernel: command line, processor, modules, IOMMU, interrupt remapping, firmware.
#include <algorithm>
#include <cerrno>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Names = Result<std::vector<std::string>>;

bool contains(const std::vector<std::string>& sorted, std::string_view name) {
  return std::binary_search(sorted.begin(), sorted.end(), name, std::less<>());
}

std::string underscores(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

std::vector<std::string> sorted_unique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// /proc/sys/kernel/osrelease, else the third word of /proc/version.
Fact<std::string> read_release(const FileSystem& system) {
  if (auto text = read_text(system, "/proc/sys/kernel/osrelease")) return std::string(trim(*text));
  auto version = read_text(system, "/proc/version");
  if (!version) return {};
  auto parts = words(*version);
  return parts.size() > 2 && parts[1] == "version" ? Fact<std::string>(parts[2]) : Fact<std::string>();
}

void read_cpu_line(std::string_view key, std::string_view value, Kernel& kernel) {
  if (key == "processor") kernel.cpus = kernel.cpus.value_or(0) + 1;
  if (key == "vendor_id" && !kernel.cpu_vendor) kernel.cpu_vendor = std::string(value);
  if (key == "flags" && !kernel.cpu_flags) {
    auto flags = words(value);
    kernel.cpu_flags = sorted_unique({flags.begin(), flags.end()});
  }
  if (key == "address sizes" && !kernel.phys_bits) {
    auto bits = number(value.substr(0, value.find(' ')));
    if (bits) kernel.phys_bits = std::uint32_t(*bits);
  }
}

void read_cpu(const FileSystem& system, Kernel& kernel) {
  auto text = read_text(system, "/proc/cpuinfo");
  if (!text) return;
  for (std::string_view line : split(*text, '\n')) {
    std::size_t colon = line.find(':');
    if (colon != std::string_view::npos)
      read_cpu_line(trim(line.substr(0, colon)), trim(line.substr(colon + 1)), kernel);
  }
}

Fact<std::uint64_t> read_memory(const FileSystem& system) {
  auto text = read_text(system, "/proc/meminfo");
  if (!text) return {};
  for (std::string_view line : split(*text, '\n')) {
    auto parts = words(line);
    if (parts.size() > 1 && parts[0] == "MemTotal:") return number(parts[1]);
  }
  return {};
}

Fact<std::vector<std::string>> read_modules(const FileSystem& system) {
  auto text = read_text(system, "/proc/modules");
  if (!text) return {};
  std::vector<std::string> names;
  for (std::string_view line : split(*text, '\n'))
    if (auto parts = words(line); !parts.empty()) names.push_back(underscores(parts[0]));
  return sorted_unique(std::move(names));
}

/// Lines such as "kernel/drivers/vfio/vfio.ko".
Fact<std::vector<std::string>> read_builtin(const FileSystem& system, const Fact<std::string>& release) {
  if (!release) return {};
  auto text = read_text(system, "/lib/modules/" + *release + "/modules.builtin");
  if (!text) return {};
  std::vector<std::string> names;
  for (std::string_view line : split(*text, '\n')) {
    std::string_view name = base_name(trim(line));
    if (!name.empty()) names.push_back(underscores(name.substr(0, name.find(".ko"))));
  }
  return sorted_unique(std::move(names));
}

Fact<bool> has_modules(const FileSystem& system, const Fact<std::string>& release) {
  if (!release) return {};
  auto names = system.list("/lib/modules/" + *release);
  if (names) return true;
  return names.error().code == ENOENT ? Fact<bool>(false) : Fact<bool>();
}

/// Those that rules ask for; a module that is not loaded has none.
Fact<std::map<std::string, std::string>> read_parameters(const FileSystem& system, const Names& loaded) {
  if (!loaded) return {};
  std::map<std::string, std::string> parameters;
  for (std::string_view name : {"i915.enable_guc", "i915.enable_gvt", "i915.max_vfs", "vfio_pci.disable_idle_d3",
                                "vfio_pci.disable_vga", "vfio_pci.ids"}) {
    std::size_t dot = name.find('.');
    if (!contains(*loaded, name.substr(0, dot))) continue;
    std::string path =
        "/sys/module/" + std::string(name.substr(0, dot)) + "/parameters/" + std::string(name.substr(dot + 1));
    if (system.stat(path)) parameters[std::string(name)] = trim(read_text(system, path).value_or(""));
  }
  return parameters;
}

/// The marks that systemd-detect-virt goes by, as far as every user may see them.
Fact<std::string> read_container(const FileSystem& system) {
  for (const char* mark : {"/run/systemd/container", "/run/host/container-manager", "/run/.containerenv", "/.dockerenv"})
    if (system.stat(mark)) return mark;
  return "";
}

/// In a container it is another system's.
Fact<std::string> read_command_line(const FileSystem& system, const Kernel& kernel) {
  if (!kernel.container->empty()) return {};
  auto line = read_text(system, "/proc/cmdline");
  while (line && !line->empty() && line->back() == '\n') line->pop_back();
  return line;
}

/// Interrupt controllers of x86, whose names say whether remapping is on ("IR-PCI-MSI").
bool is_x86_chip(std::string_view chip) {
  for (std::string_view prefix : {"IO-APIC", "PCI-MSI", "HPET-MSI"})
    if (chip.substr(0, prefix.size()) == prefix) return true;
  return false;
}

/// The chip of one line: the first word after the counts of the processors.
std::string_view chip_of(std::string_view line, std::size_t cpus) {
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !number(trim(line.substr(0, colon)))) return {};
  auto parts = words(line.substr(colon + 1));
  return parts.size() > cpus ? parts[cpus] : std::string_view();
}

void read_interrupts(const FileSystem& system, Kernel& kernel) {
  auto text = read_text(system, "/proc/interrupts");
  if (!text) return;
  auto lines = split(*text, '\n');
  if (lines.empty()) return;
  std::size_t cpus = words(lines[0]).size();
  std::string_view plain;
  for (std::string_view line : lines) {
    std::string_view chip = chip_of(line, cpus);
    if (chip.substr(0, 3) == "IR-" && is_x86_chip(chip.substr(3))) {
      kernel.interrupt_remapping = true;
      kernel.interrupt_chips = std::string(chip);
      return;
    }
    if (is_x86_chip(chip) && (plain.empty() || chip.substr(0, 7) == "PCI-MSI"))
      plain = plain.substr(0, 7) == "PCI-MSI" ? plain : chip;
  }
  if (plain.empty()) return;
  kernel.interrupt_remapping = false;
  kernel.interrupt_chips = std::string(plain);
}

void read_tables(const FileSystem& system, Kernel& kernel) {
  auto tables = system.list("/sys/firmware/acpi/tables");
  if (tables) {
    kernel.dmar_table = contains(*tables, "DMAR");
    kernel.ivrs_table = contains(*tables, "IVRS");
    return;
  }
  auto firmware = system.list("/sys/firmware");
  if (firmware && !firmware->empty() && !contains(*firmware, "acpi")) kernel.dmar_table = kernel.ivrs_table = false;
}

/// While the module is not loaded nothing allows them.
Fact<bool> read_unsafe_interrupts(const FileSystem& system, const Names& loaded) {
  if (loaded && !contains(*loaded, "vfio_iommu_type1")) return false;
  auto text = read_text(system, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
  if (text) return trim(*text) == "Y" || trim(*text) == "1";
  return {};
}

void read_firmware(const FileSystem& system, Kernel& kernel) {
  auto firmware = system.list("/sys/firmware");
  if (!firmware || firmware->empty()) return;  // empty: masked in a container
  kernel.efi = contains(*firmware, "efi");
  if (!*kernel.efi) {
    kernel.secure_boot = false;
    return;
  }
  // four bytes of attributes, then the value
  auto variable = read_text(system, "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
  if (variable && variable->size() == 5) kernel.secure_boot = variable->back() == 1;
}

bool is_framebuffer(std::string_view owner) {
  for (std::string_view name : {"BOOTFB", "simplefb", "simpledrm", "efifb", "vesafb"})
    if (owner == name) return true;
  return false;
}

/// Without CAP_SYS_ADMIN every range reads as zeros: then nothing is known.
void read_iomem(const FileSystem& system, Kernel& kernel) {
  auto text = read_text(system, "/proc/iomem");
  if (!text) return;
  std::map<std::string, std::string> ranges;
  std::string first;
  bool zeros = true;
  for (std::string_view line : split(*text, '\n')) {
    std::size_t separator = line.find(" : ");
    if (separator == std::string_view::npos) continue;
    std::string_view range = trim(line.substr(0, separator)), owner = trim(line.substr(separator + 3));
    if (range.find_first_not_of("0-") != std::string_view::npos) zeros = false;
    if (!is_framebuffer(owner)) continue;
    ranges.emplace(range, owner);
    if (first.empty()) first = trim(line);
  }
  if (zeros) return;
  kernel.bootfb = first;
  kernel.iomem = std::move(ranges);
}

}  // namespace

void scan_kernel(const FileSystem& system, Host& host) {
  Kernel& kernel = host.kernel;
  kernel.release = read_release(system);
  kernel.container = read_container(system);
  kernel.command_line = read_command_line(system, kernel);
  read_cpu(system, kernel);
  kernel.memory_kib = read_memory(system);
  kernel.modules = read_modules(system);
  kernel.builtin = read_builtin(system, kernel.release);
  kernel.modules_directory = has_modules(system, kernel.release);
  const Names loaded = system.list("/sys/module");
  kernel.parameters = read_parameters(system, loaded);
  if (auto iommus = system.list("/sys/class/iommu")) kernel.iommus = std::move(*iommus);
  read_interrupts(system, kernel);
  read_tables(system, kernel);
  kernel.unsafe_interrupts = read_unsafe_interrupts(system, loaded);
  read_firmware(system, kernel);
  read_iomem(system, kernel);
}

}  // namespace hostpci
