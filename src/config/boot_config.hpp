// The host's boot set-up as its files say it: kernel command line, module options, module lists. Read out of texts by
// path; nothing is run.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/bootloader.hpp"
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
  bool exact = true;        ///< false: the text stands in a quoted or joined piece; `whole` is its place
  Span whole;               ///< of the value that holds it
  std::shared_ptr<const std::string> value;  ///< keeps the text of an argument that is not exact

  /// Of the argument where exact, else of the value that holds it.
  Span span() const { return exact ? argument.span : whole; }
};

/// A place in a file where more arguments can be put.
struct ArgumentEnd {
  SourcePtr source;
  std::uint32_t offset = 0;
  bool blank = false;  ///< a blank is needed in front
};

struct ModprobeFileView {
  SourcePtr source;
  ModprobeFile file;
};

/// A directive with the file it stands in.
struct PlacedDirective {
  SourcePtr source;
  const ModprobeDirective* directive = nullptr;
};

/// A word of a directive; `text` is joined where a continuation runs through it.
struct PlacedText {
  SourcePtr source;
  std::string text;
  Span span;
  bool exact = true;  ///< text is the bytes of span
};

struct ModuleEntry {
  SourcePtr source;
  ModuleLine line;
};

struct BootConfig {
  std::map<std::string, SourcePtr> sources;  ///< every file by path
  // Kernel command line
  std::vector<std::pair<SourcePtr, ShellFile>>
      grub;  ///< /etc/default/grub, then grub.d/*.cfg in the order they are sourced
  std::vector<ConfiguredArgument> grub_arguments;  ///< GRUB_CMDLINE_LINUX then …_DEFAULT as update-grub joins them
  bool grub_known = true;                          ///< false: some assignment cannot be evaluated
  std::vector<ConfiguredArgument> kernel_cmdline;  ///< /etc/kernel/cmdline
  bool has_kernel_cmdline = false;
  // Modules
  std::vector<ModprobeFileView> modprobe;      ///< effective files in kmod's order (same name: /etc wins)
  bool modprobe_known = true;                  ///< false: a file or directory of modprobe.d could not be read
  std::vector<ModuleEntry> boot_modules;       ///< /etc/modules, modules-load.d
  std::vector<ModuleEntry> initramfs_modules;  ///< /etc/initramfs-tools/modules
  std::vector<std::pair<SourcePtr, std::vector<SysfsLine>>> sysfs;

  SourcePtr source(const std::string& path) const;
  /// All directives of one kind about one module ('-' equals '_'), in kmod's order.
  std::vector<PlacedDirective> directives(DirectiveKind kind, std::string_view module) const;
  std::vector<PlacedDirective> directives(DirectiveKind kind) const;
  /// Every "name=value" or lone word of `options MODULE`, in kmod's order.
  std::vector<PlacedText> options(std::string_view module) const;
  /// The last value of one option of a module, or nothing: what the kernel keeps of a plain parameter.
  std::optional<std::string> option(std::string_view module, std::string_view name) const;
  /// The vendor:device ids that `options vfio-pci ids=` gives vfio-pci: of the last such option, as the kernel keeps
  /// only the last.
  std::vector<std::string> vfio_ids() const;

  /// GRUB_ENABLE_BLSCFG=true: boot entries of their own decide, /etc/default/grub alone has no effect (Fedora, RHEL).
  bool grub_entries_elsewhere() const;
  /// Where an argument can be added to what GRUB reads: the end of the last plain GRUB_CMDLINE_LINUX_DEFAULT, else of
  /// GRUB_CMDLINE_LINUX.
  std::optional<ArgumentEnd> grub_end() const;
  /// The same in the first line of /etc/kernel/cmdline, before a lone "--".
  std::optional<ArgumentEnd> kernel_cmdline_end() const;
};

/// An assignment that still counts for a variable: the last that replaces, and those that append to it.
struct GrubPiece {
  SourcePtr source;
  const ShellAssignment* assignment = nullptr;
};
/// In the order in which update-grub takes them; sets `known` to false where one stands on a condition or needs the
/// shell.
std::vector<GrubPiece> grub_pieces(const BootConfig& config, std::string_view variable, bool& known);

/// `unreadable`: files that exist and could not be read; what depends on them is not known.
BootConfig read_boot_config(const std::map<std::string, std::string>& files,
                            const std::map<std::string, std::string>& unreadable = {});

/// Words of a directive after the module, joined where a continuation runs through them.
std::vector<PlacedText> joined_words(const PlacedDirective& directive);
/// Names of modules compare with '-' equal to '_'.
bool same_module(std::string_view a, std::string_view b);

// The parts of read_boot_config, a file each.
void read_command_lines(BootConfig& config, const std::map<std::string, std::string>& unreadable);
void read_modprobe(BootConfig& config, const std::map<std::string, std::string>& unreadable);
void read_module_lists(BootConfig& config, const std::map<std::string, std::string>& unreadable);
/// Effective files of a set of directories ("/etc/modprobe.d", "/run/modprobe.d" …): by name, the first directory that
/// has it wins.
std::vector<SourcePtr> merged_files(const BootConfig& config, const std::vector<std::string>& directories,
                                    std::string_view suffix, const std::map<std::string, std::string>& unreadable);

}  // namespace hostpci
