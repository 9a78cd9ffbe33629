// An example of the rule catalogue: what its text changes of a host and of VM 100.
#pragma once
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/host.hpp"
#include "text/words.hpp"

namespace hostpci::test {

/// The text of VM 100, or sections that a line "# /path" begins: files of the host, VM 100's own file, and those
/// attributes of /proc and /sys that the host's model holds as facts.
struct Example {
  Host host;
  std::string vm = "machine: q35\nhostpci0: 0000:01:00,pcie=1\n";
};

inline std::vector<std::string> word_list(std::string_view text) {
  std::vector<std::string> list;
  for (std::string_view word : words(text)) list.emplace_back(word);
  return list;
}

inline std::vector<std::string> line_list(std::string_view text) {
  std::vector<std::string> list;
  for (std::string_view line : split(text, '\n'))
    if (!line.empty()) list.emplace_back(line);
  return list;
}

/// Lines "vendor_id : GenuineIntel", "flags : fpu hypervisor".
inline void put_cpu(Kernel& kernel, std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    std::string_view key = trim(line.substr(0, colon)), value = trim(line.substr(colon + 1));
    if (key == "vendor_id") kernel.cpu_vendor = std::string(value);
    if (key == "flags") kernel.cpu_flags = word_list(value);
  }
}

/// Names of a module's parameters; their values are not told.
inline void put_parameters(Kernel& kernel, const std::string& module, std::string_view text) {
  kernel.parameters.emplace();
  for (std::string_view word : words(text)) (*kernel.parameters)[module + std::string(word)] = "";
}

inline bool put_kernel_fact(Kernel& kernel, std::string_view path, std::string_view text) {
  if (path == "/proc/cmdline")
    kernel.command_line = std::string(trim(text));
  else if (path == "/proc/modules")
    kernel.modules = word_list(text);
  else if (path == "/sys/module/i915/parameters")
    put_parameters(kernel, "i915.", text);
  else if (path == "/lib/modules/" + kernel.release.value_or(""))
    kernel.modules_directory = !text.empty();
  else if (path == "/proc/cpuinfo")
    put_cpu(kernel, text);
  else if (path == "/proc/sys/kernel/osrelease")
    kernel.release = std::string(trim(text));
  else if (path == "/sys/class/iommu")
    kernel.iommus = word_list(text);
  else if (path == "/sys/firmware/acpi/tables")
    kernel.dmar_table = text.find("DMAR") != text.npos, kernel.ivrs_table = text.find("IVRS") != text.npos;
  else if (path == "/dev/kmsg")
    kernel.log = line_list(text);
  else if (path == "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages")
    kernel.free_gib_pages = std::uint32_t(number(trim(text)).value_or(0));
  else if (path == "/proc/interrupts")
    kernel.interrupt_chips = std::string(trim(text)), kernel.interrupt_remapping = text.substr(0, 3) == "IR-";
  else if (path == "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts")
    kernel.unsafe_interrupts = trim(text) == "Y";
  else
    return false;
  return true;
}

/// "0x0-0xfff 0x40200".
inline Bar make_bar(const std::string& text) {
  Bar bar;
  char* end = nullptr;
  bar.start = std::strtoull(text.c_str(), &end, 16);
  bar.end = std::strtoull(end + 1, &end, 16);
  bar.flags = std::strtoull(end, nullptr, 16);
  return bar;
}

inline bool put_device_fact(Host& host, std::string_view path, std::string_view text) {
  constexpr std::string_view devices = "/sys/bus/pci/devices/";
  if (path.substr(0, devices.size()) != devices) return false;
  path.remove_prefix(devices.size());
  std::size_t slash = path.find('/');
  Device& device = host.devices.at(*parse_pci_address(path.substr(0, slash)));
  if (path.substr(slash) == "/driver") device.driver = std::string(trim(text));
  if (path.substr(slash) == "/resource") device.bars = {make_bar(std::string(trim(text)))};
  return true;
}

inline void put_section(Example& example, const std::string& path, const std::string& text) {
  if (path == "/etc/pve/qemu-server/100.conf")
    example.vm = text;
  else if (!put_kernel_fact(example.host.kernel, path, text) && !put_device_fact(example.host, path, text))
    example.host.files[path] = text;
}

inline bool begins_section(std::string_view line) {
  return line.substr(0, 3) == "# /" && line.find(' ', 2) == line.npos;
}

inline Example make_example(const Host& host, std::string_view text) {
  Example example{host};
  if (!begins_section(text.substr(0, text.find('\n')))) {
    example.vm = std::string(text) + "\n";
    return example;
  }
  std::string path, content;
  for (std::string_view line : split(text, '\n')) {
    if (!begins_section(line)) {
      content += std::string(line) + "\n";
      continue;
    }
    if (!path.empty()) put_section(example, path, content);
    path = line.substr(2);
    content.clear();
  }
  put_section(example, path, content);
  return example;
}

}  // namespace hostpci::test
