// The host's boot set-up as its files say it: kernel command line, module options, module lists. Read out of texts by path; nothing is run.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/cmdline.hpp"
#include "grammar/modprobe.hpp"
#include "grammar/modules.hpp"
#include "grammar/shell_assignments.hpp"
#include "grammar/sysfs_conf.hpp"
#include "text/source.hpp"

namespace hostpci {

/// A kernel argument where a file configures it. `argument`'s views point into `source` or `value`.
struct ConfiguredArgument {
  SourcePtr source;
  KernelArgument argument;  ///< spans are offsets in source where `exact`
  bool exact = true;        ///< false: the text stands in a quoted or joined piece; span is the whole value
};

/// Which boot loader decides the command line (semantics: proxmox-boot-tool's and GRUB's own rules).
enum class Bootloader : std::uint8_t { unknown, grub, systemd_boot };

struct ModprobeFileView {
  SourcePtr source;
  ModprobeFile file;
};

/// A directive with the file it stands in.
struct PlacedDirective {
  SourcePtr source;
  const ModprobeDirective* directive = nullptr;
};

struct ModuleEntry {
  SourcePtr source;
  ModuleLine line;
};

struct BootConfig {
  std::map<std::string, SourcePtr> sources;  ///< every file by path
  // Kernel command line
  std::vector<std::pair<SourcePtr, ShellFile>> grub;  ///< /etc/default/grub, then grub.d/*.cfg in the order they are sourced
  std::vector<ConfiguredArgument> grub_arguments;     ///< GRUB_CMDLINE_LINUX then …_DEFAULT as update-grub joins them
  bool grub_known = true;                             ///< false: some assignment cannot be evaluated
  std::vector<ConfiguredArgument> kernel_cmdline;     ///< /etc/kernel/cmdline
  bool has_kernel_cmdline = false;
  // Modules
  std::vector<ModprobeFileView> modprobe;             ///< effective files in kmod's order (same name: /etc wins)
  std::vector<ModuleEntry> boot_modules;              ///< /etc/modules, modules-load.d
  std::vector<ModuleEntry> initramfs_modules;         ///< /etc/initramfs-tools/modules
  std::vector<std::pair<SourcePtr, std::vector<SysfsLine>>> sysfs;

  SourcePtr source(const std::string& path) const;
  /// All directives of one kind about one module ('-' equals '_'), in kmod's order.
  std::vector<PlacedDirective> directives(DirectiveKind kind, std::string_view module) const;
  std::vector<PlacedDirective> directives(DirectiveKind kind) const;
  /// The vendor:device ids that `options vfio-pci ids=` gives vfio-pci: of the last such option, as the kernel keeps only the last.
  std::vector<std::string> vfio_ids() const;
};

BootConfig read_boot_config(const std::map<std::string, std::string>& files);

}  // namespace hostpci
