// Why a host has no IOMMU: firmware, command line, kernel, platform, or a hypervisor around it, and how sure that is.
#include <algorithm>

#include "rules/boot_homes.hpp"
#include "rules/readiness.hpp"
#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view tables = "/sys/firmware/acpi/tables";

bool begins(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

/// The argument that switches the IOMMU off for the running kernel, as it stands. iommu=off and amd_iommu=off stay, of
/// intel_iommu= the last of on and off counts. Source: linux arch/x86/kernel/pci-dma.c, drivers/iommu/amd/init.c,
/// drivers/iommu/intel/iommu.c.
std::string switched_off(const Facts& facts) {
  std::string stays, intel;
  for (const KernelArgument& a : running_arguments(facts)) {
    bool is_intel_switch = same_parameter(a.name, "intel_iommu") && !is_amd(facts);
    bool counts = same_parameter(a.name, "iommu") || (same_parameter(a.name, "amd_iommu") && !is_intel(facts));
    for (std::string_view word : split(a.value, ',')) {
      if (counts && begins(word, "off") && stays.empty()) stays = a.text;
      if (is_intel_switch && begins(word, "off")) intel = a.text;
      if (is_intel_switch && begins(word, "on")) intel.clear();
    }
  }
  return stays.empty() ? intel : stays;
}

/// The last of on and off in intel_iommu= is "on".
bool switched_on(const Facts& facts) {
  bool on = false;
  for (const KernelArgument& a : running_arguments(facts))
    if (same_parameter(a.name, "intel_iommu"))
      for (std::string_view word : split(a.value, ',')) on = begins(word, "on") || (on && !begins(word, "off"));
  return on;
}

/// The firmware's table that describes an IOMMU of this processor's vendor.
Fact<bool> has_table(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  if (is_intel(facts)) return kernel.dmar_table;
  if (is_amd(facts)) return kernel.ivrs_table;
  if (kernel.dmar_table == true || kernel.ivrs_table == true) return true;
  return kernel.dmar_table && kernel.ivrs_table ? Fact<bool>(false) : Fact<bool>();
}

std::string table_name(const Facts& facts) {
  if (is_intel(facts)) return "DMAR";
  return is_amd(facts) ? "IVRS" : "DMAR or IVRS";
}

Fact<bool> has_flag(const Facts& facts, std::initializer_list<std::string_view> names) {
  const auto& flags = facts.host->kernel.cpu_flags;
  if (!flags) return {};
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view n) { return std::binary_search(flags->begin(), flags->end(), n); });
}

/// Proxmox's kernels switch Intel's IOMMU on since 6.8; what other kernels do their names do not tell.
Fact<bool> on_by_default(const Facts& facts) {
  auto version = kernel_version(facts);
  if (is_amd(facts)) return true;
  if (!is_pve_kernel(facts) || !version) return {};
  return *version >= std::pair{6, 8};
}

std::vector<Evidence> what_was_read(const Facts& facts) {
  std::vector<Evidence> read{{"/sys/class/iommu", "empty"}};
  if (auto table = has_table(facts)) read.push_back({std::string(tables), (*table ? "" : "no ") + table_name(facts)});
  if (auto guest = has_flag(facts, {"hypervisor"}); guest == true) read.push_back({"/proc/cpuinfo", "flag hypervisor"});
  return read;
}

std::string vendor_word(const Facts& facts) {
  if (is_intel(facts)) return "VT-d";
  return is_amd(facts) ? "IOMMU (AMD-Vi)" : "VT-d or AMD-Vi";
}

std::vector<std::string> into_firmware(const Facts& facts) {
  return {facts.host->kernel.efi == true ? "systemctl reboot --firmware-setup" : "reboot"};
}

/// Where the argument is configured, or the boot loader's file.
std::string file_of(const Facts& facts, std::string_view argument) {
  for (const BootArgument& a : boot_arguments(facts))
    if (a.configured && a.argument.text == argument) return a.place.file();
  return facts.bootloader == Bootloader::unknown ? "the boot loader's configuration" : next_file(facts);
}

void blame_command_line(const Facts& facts, const std::string& argument, IommuCause& c) {
  c.cause = "command-line";
  c.certainty = has_table(facts) == true ? "certain" : "likely";
  c.message = "`" + argument + "` on the kernel command line switches it off";
  c.evidence.push_back({"/proc/cmdline", argument});
  c.mend = "take `" + argument + "` out of " + file_of(facts, argument) + ", " + refresh_help(facts);
  c.commands = refresh_commands(facts);
}

void blame_hypervisor(const Facts& facts, IommuCause& c) {
  c.cause = "guest";
  c.certainty = has_table(facts) == false ? "certain" : "likely";
  c.message = "this host is itself a virtual machine, and its hypervisor emulates none";
  c.mend = "give this machine an emulated IOMMU; on an outer Proxmox VE: `machine: q35,viommu=intel`";
}

void blame_firmware(const Facts& facts, const std::string& argument, IommuCause& c) {
  Fact<bool> virtualizes = has_flag(facts, {"vmx", "svm"});
  bool processor = virtualizes == false;
  c.cause = processor ? "platform" : "firmware";
  c.certainty = virtualizes ? "likely" : "possible";
  c.message = "the firmware describes none: " + vendor_word(facts) + " is switched off there, or the board has none";
  if (processor) {
    c.message =
        "the processor shows no virtualization (no vmx, no svm) and the firmware describes no IOMMU: both off, or not "
        "there";
    c.evidence.push_back({"/proc/cpuinfo", "no flag vmx, no flag svm"});
  }
  c.mend = "switch " + vendor_word(facts) + (processor ? " and virtualization" : "") + " on in the firmware's set-up";
  c.commands = into_firmware(facts);
  if (argument.empty()) return;
  c.evidence.push_back({"/proc/cmdline", argument});
  c.mend += ", and take `" + argument + "` out of " + file_of(facts, argument) + ": it switches it off besides";
}

void blame_default(const Facts& facts, bool known, IommuCause& c) {
  const Kernel& kernel = facts.host->kernel;
  c.cause = "kernel";
  c.certainty = known && kernel.command_line ? "certain" : "likely";
  c.message = "this kernel leaves Intel's IOMMU off unless `intel_iommu=on` is given";
  if (known) c.message += ": it is on by default since Proxmox's kernel 6.8";
  c.evidence.push_back({"/proc/sys/kernel/osrelease", kernel.release.value_or("unknown")});
  if (kernel.command_line) c.evidence.push_back({"/proc/cmdline", "no intel_iommu=on"});
  std::string file = facts.bootloader == Bootloader::unknown ? "the boot loader's configuration" : next_file(facts);
  c.mend = "add `intel_iommu=on` to " + file + ", " + refresh_help(facts);
  c.commands = refresh_commands(facts);
}

void blame_platform(const Facts& facts, bool table, IommuCause& c) {
  c.cause = "platform";
  c.certainty = "possible";
  c.message = table ? "the firmware describes one, but the kernel did not start it" : "nothing tells why";
  if (!table && !is_x86(facts)) c.message = "this platform has none, or the kernel has no driver for it";
  c.mend = "look what the kernel says of it";
  c.commands = {"journalctl -k -b --grep 'DMAR|AMD-Vi|IOMMU|SMMU'"};
}

}  // namespace

IommuCause find_iommu_cause(const Facts& facts) {
  IommuCause c{"unknown", "possible", "", what_was_read(facts), "", {}};
  Fact<bool> table = has_table(facts), default_on = on_by_default(facts);
  std::string off = switched_off(facts);
  bool guest = has_flag(facts, {"hypervisor"}) == true;
  if (!is_x86(facts) && (facts.host->architecture || facts.host->kernel.cpu_vendor))
    blame_platform(facts, false, c);
  else if (!off.empty() && table != false)
    blame_command_line(facts, off, c);
  else if (guest && table != true)
    blame_hypervisor(facts, c);
  else if (table == false)
    blame_firmware(facts, off, c);
  else if (table == true && is_intel(facts) && default_on != true && !switched_on(facts))
    blame_default(facts, default_on == false, c);
  else
    blame_platform(facts, table == true, c);
  if (!table && c.cause == "platform" && is_x86(facts)) {
    c.cause = "unknown";
    c.message = "whether the firmware describes one could not be read";
  }
  return c;
}

std::vector<std::string> refresh_commands(const Facts& facts) {
  std::vector<std::string> commands = command_line_refresh(facts);
  commands.push_back("reboot");
  return commands;
}

}  // namespace hostpci
