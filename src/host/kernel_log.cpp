// The kernel's log, as far as rules ask for it, and the limits of its IOMMUs and huge pages.
#include <algorithm>
#include <map>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Parts of lines that rules look for. Source: kernel drivers/pci (rom.c, pci.c, pcie/aer.c, setup-res.c),
/// drivers/iommu (intel, amd, iommu.c).
constexpr std::string_view wanted[] = {
    "Invalid PCI ROM header signature",
    "platform RMRR requirement",
    "requested this device have a 1:1 IOMMU mapping",
    "DMAR: [DMA ",
    "AMD-Vi: Event logged [IO_PAGE_FAULT",
    "AMD-Vi: Event logged [IOTLB_INV_TIMEOUT",
    "DMAR: IOMMU enabled",
    "; giving up",
    "can't reserve [",
    "AER: Uncorrect",
    "device inaccessible",
};
/// Of one kind and device so many lines: more tell nothing new.
constexpr std::size_t most = 16;

/// "<6>[    1.234567] text", "6,339,1234567,-;text", or syslog's "Nov 21 12:00:00 pve1 kernel: [    1.234567] text".
std::string_view without_prefix(std::string_view line) {
  constexpr std::string_view tag = " kernel: ";
  if (std::size_t at = line.find(tag); at != line.npos && at < 100) line.remove_prefix(at + tag.size());
  std::size_t semicolon = line.find(';');
  if (!line.empty() && line[0] >= '0' && line[0] <= '9' && semicolon != line.npos) return line.substr(semicolon + 1);
  if (std::size_t level = line.find('>'); !line.empty() && line[0] == '<' && level < 4) line.remove_prefix(level + 1);
  std::size_t end = line.find("] ");
  return !line.empty() && line[0] == '[' && end != line.npos ? line.substr(end + 2) : line;
}

/// The first PCI address that a line names, with a domain or without: what tells devices apart.
std::string_view address_in(std::string_view line) {
  for (std::size_t dot = line.find('.'); dot != line.npos; dot = line.find('.', dot + 1)) {
    std::size_t begin = line.find_last_not_of("0123456789abcdef:", dot - (dot > 0));
    begin = begin == line.npos ? 0 : begin + 1;
    if (parse_pci_address(line.substr(begin, dot + 2 - begin))) return line.substr(begin, dot + 2 - begin);
  }
  return {};
}

constexpr std::string_view first_message = "Linux version ";
constexpr const char* log_file = "/var/log/kern.log";
constexpr std::uint64_t largest = 4 << 20;

/// The part of syslog's file that the running kernel wrote: all behind its first message. Where that is missing, the
/// file was begun anew since, and all of it is the running kernel's.
Fact<std::string> read_log_file(const FileSystem& system) {
  auto status = system.stat(log_file);
  if (!status || status->size > largest) return {};
  auto text = read_text(system, log_file);
  std::size_t begin = text ? text->rfind(first_message) : std::string::npos;
  if (begin != std::string::npos) text->erase(0, text->rfind('\n', begin) + 1);
  return text;
}

/// The kernel's buffer forgets its oldest lines, and may be refused.
Fact<std::string> read_log(const FileSystem& system, Kernel& kernel) {
  auto buffer = system.kernel_log();
  if (buffer && buffer->find(first_message) != std::string::npos) return std::move(*buffer);
  Fact<std::string> file = kernel.container.value_or("").empty() ? read_log_file(system) : std::nullopt;
  bool whole = file && file->find(first_message) != std::string::npos;
  if (buffer && !whole) return std::move(*buffer);
  if (file) kernel.log_file = log_file;
  return file;
}

}  // namespace

void scan_kernel_log(const FileSystem& system, Kernel& kernel) {
  auto text = read_log(system, kernel);
  if (!text) return;
  kernel.log.emplace();
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> seen;
  for (std::string_view line : split(*text, '\n')) {
    auto holds = [&](std::string_view part) { return line.find(part) != line.npos; };
    auto kind = std::find_if(std::begin(wanted), std::end(wanted), holds);
    if (kind == std::end(wanted)) continue;
    line = without_prefix(line);
    if (seen[{*kind, address_in(line)}]++ < most) kernel.log->emplace_back(trim(line));
  }
}

void scan_kernel_limits(const FileSystem& system, Kernel& kernel) {
  if (auto text = read_text(system, "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"))
    if (auto free = number(trim(*text)); free && *free <= 0xffffffff) kernel.free_gib_pages = std::uint32_t(*free);
  for (const std::string& name : kernel.iommus.value_or(std::vector<std::string>())) {
    auto text = read_text(system, "/sys/class/iommu/" + name + "/intel-iommu/cap");
    auto capability = text ? number(trim(*text), 16) : std::nullopt;
    if (!capability) continue;
    std::uint32_t bits = std::uint32_t(*capability >> 16 & 0x3f) + 1;  // MGAW
    kernel.iommu_bits = std::min(kernel.iommu_bits.value_or(bits), bits);
  }
}

}  // namespace hostpci
