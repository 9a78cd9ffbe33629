// What checks of the boot set-up share: arguments with their places, edits of boot files, the commands that make them
// count.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

/// A kernel argument of the next boot, or one that only the running kernel has.
struct BootArgument {
  KernelArgument argument;
  Place place;
  const ConfiguredArgument* configured = nullptr;  ///< null: it stands in /proc/cmdline only
};

/// Some VM of this node has a hostpci line.
bool uses_passthrough(const Facts& facts);

/// The arguments in the file that the boot loader reads; null if the loader or the file is not known.
const std::vector<ConfiguredArgument>* next_arguments(const Facts& facts);
/// The file for messages: "/etc/default/grub" or "/etc/kernel/cmdline".
std::string next_file(const Facts& facts);
/// Arguments of /proc/cmdline that are the kernel's; empty if it could not be read.
std::vector<KernelArgument> running_arguments(const Facts& facts);
Place running_place(const Facts& facts, Span span);
/// next_arguments, then those of the running kernel that are not among them; nothing after "--".
std::vector<BootArgument> boot_arguments(const Facts& facts);
/// Those of that name.
std::vector<BootArgument> boot_arguments(const Facts& facts, std::string_view name);

bool same_argument(const KernelArgument& a, const KernelArgument& b);
bool contains(const std::vector<KernelArgument>& arguments, const KernelArgument& argument);
/// Parameters that people set for passthrough: IOMMU, ACS, vfio, framebuffers, blacklists, graphics drivers.
bool is_passthrough_parameter(std::string_view name);
/// Parameters of the IOMMU itself: they take no device from the host.
bool is_iommu_switch(std::string_view name);
bool is_x86(const Facts& facts);

struct ModuleParameter {
  std::string value;
  Place place;
};
/// The last value of a module's parameter: of modprobe.d's options and of the command line, which kmod reads last (the
/// running one, or that of the next boot where it is known).
std::optional<ModuleParameter> module_parameter(const Facts& facts, std::string_view module, std::string_view name,
                                                bool running);
/// Truth as the kernel reads it for a bool or int parameter; a lone name is true.
bool is_true(const std::optional<ModuleParameter>& parameter);

/// Takes an argument and one blank beside it out of its file; nothing if its bytes do not stand there as they are.
std::vector<FileEdit> remove_argument(const ConfiguredArgument& argument);
/// Puts arguments at the end of what the boot loader reads; nothing if there is no safe place.
std::vector<FileEdit> add_arguments(const Facts& facts, std::string_view text);
/// Shows the line that the boot loader reads and that add_arguments would change.
void label_end(Diagnostic& diagnostic, const Facts& facts, std::string message);
/// Takes the lines of a span out, line end included.
FileEdit remove_lines(const SourcePtr& source, Span span);
/// Puts a line at the end of a file.
FileEdit append_line(const SourcePtr& source, std::string_view line);
/// The edits as a fix with that title; only its title as help if there are none.
void mend(Diagnostic& diagnostic, std::string title, Safety safety, std::vector<FileEdit> edits);
/// The fix that takes an argument out, where its bytes are known; else help.
void offer_removal(Diagnostic& diagnostic, const BootArgument& argument, const Facts& facts,
                   Safety safety = Safety::safe);

/// "run `update-grub`, then reboot", or whatever this host's boot loader needs.
std::string refresh_help(const Facts& facts);
/// "run `update-initramfs -u -k all`, then reboot", or dracut's form.
std::string initramfs_help(const Facts& facts);
/// 6.8 of "6.8.12-4-pve".
std::optional<std::pair<int, int>> kernel_version(const Facts& facts);
/// The release names Proxmox's own kernel.
bool is_pve_kernel(const Facts& facts);
/// Kernels that carry the ACS override patch, as far as the name tells: Debian's own do not.
bool may_carry_acs_patch(const Facts& facts);
/// Why the patch does not understand a word of pcie_acs_override=; empty if it does.
std::string acs_fault(std::string_view word);
/// By the active IOMMU (dmar0), else by the processor's vendor.
bool is_intel(const Facts& facts);
bool is_amd(const Facts& facts);
/// The module that registers a driver: "xhci_hcd" -> "xhci_pci"; most are called the same.
std::string module_of_driver(std::string_view driver);
/// One of the words that commas separate.
bool lists(std::string_view value, std::string_view word);
/// By modprobe.d, or by module_blacklist= or modprobe.blacklist= of the kernel.
bool is_blacklisted(const Facts& facts, std::string_view module);
/// A list that is loaded at boot names the module.
bool is_listed(const std::vector<ModuleEntry>& entries, std::string_view module);
/// Listed and true; an unknown list holds nothing.
bool is_builtin(const Facts& facts, std::string_view module);
bool is_loaded(const Facts& facts, std::string_view module);
/// Some VM's line may take this function (any entry of a mapping counts).
bool is_passed(const Facts& facts, const PciAddress& address);
/// "eno1 for vmbr0 192.0.2.10/24".
std::string text_of(const Use& use);
/// The host's own uses that must not go: "nvme0n1p3 for /"; empty if there is none or they are not known.
std::string critical_use(const Device& device);

}  // namespace hostpci
