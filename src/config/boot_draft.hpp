// The host's boot set-up being changed: every operation is an edit of a file's text, nothing is written or run.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/boot_config.hpp"
#include "config/boot_draft_files.hpp"
#include "config/command_line_home.hpp"

namespace hostpci {

/// Edits of the texts that read_boot_config() takes, re-read after each.
///
/// Whose is what: files with "hostpci" in their name and its header in the first line are ours as a whole:
/// /etc/default/grub.d/zz-hostpci.cfg, /etc/modules-load.d/hostpci.conf, /etc/modprobe.d/hostpci.conf,
/// /etc/udev/rules.d/70-hostpci.rules, /etc/initramfs-tools/hooks/hostpci, /etc/dracut.conf.d/hostpci.conf,
/// /etc/mkinitcpio.conf.d/hostpci.conf. They disappear with their last line. What has to go into a file of someone else
/// is noted in /etc/hostpci/added (a line each: file, text, what it replaced, separated by tabs). One record for all,
/// because /etc/kernel/cmdline has no comments and the other formats have three different kinds. It is changed with the
/// files, so an undo of the transaction restores both. An entry counts only while its text still stands in the file:
/// where another tool has taken it out or changed it, there is nothing to take back, and the next change forgets the
/// entry. What stood there before we came has no entry and stays.
///
/// Every remove_… is the inverse of its add_…: afterwards the files have their old bytes. A file that cannot be parsed
/// is never edited.
class BootDraft {
 public:
  using Files = std::map<std::string, std::string>;

  BootDraft(Files files, std::map<std::string, std::string> unreadable, CommandLineHomes homes,
            InitramfsTool initramfs);

  /// As it stands after all changes so far.
  const BootConfig& config() const { return files_.config(); }
  const CommandLineHomes& homes() const { return homes_; }
  const Files& files() const { return files_.texts(); }
  /// What differs from the beginning, by path.
  std::map<std::string, DraftFile> changed() const { return files_.changed(); }
  /// What has to run for the changes to count, in order; each may run twice: grubby with the arguments, the initramfs'
  /// tool, the boot loader's.
  std::vector<CommandWords> commands() const;
  /// The same for taking all of it back, where a command itself carries the change (grubby); run after the files stand
  /// as they were.
  std::vector<CommandWords> undo_commands() const;

  // Kernel command line: in every home, or in none ----------------------------------------------------------------------

  /// "intel_iommu=on". Nothing happens where the kernel would read it so already. Takes the place of an older value where
  /// the kernel keeps the last one only; joins lists of which the kernel keeps the last (vfio-pci.ids=,
  /// module_blacklist=); stands beside others where values add up (intel_iommu=, video=, initcall_blacklist= …).
  /// Refused: control bytes, a line of more than 2047 bytes (the kernel cuts the rest off without a word), and what GRUB
  /// cannot hand over (backslashes, quotes inside a value).
  Refused add_argument(std::string_view argument);
  /// Takes out every occurrence of exactly this argument ('-' equals '_' in its name), whoever wrote it; of lists
  /// that commas join, its words. One of ours that replaced another gives that one back.
  Refused remove_argument(std::string_view argument);
  /// As remove_argument(), but only where it was hostpci that added it.
  Refused take_back_argument(std::string_view argument);
  /// Would the kernel read it so, in every home?
  bool has_argument(std::string_view argument) const;
  /// Arguments that are ours, of all homes, without duplicates.
  std::vector<std::string> own_arguments() const;

  // Modules --------------------------------------------------------------------------------------------------------------

  /// Loaded at boot by systemd; nothing happens where any list names it.
  Refused add_boot_module(std::string_view module);
  Refused remove_boot_module(std::string_view module);
  /// Loaded in the initramfs, by the tool that this host has.
  Refused add_initramfs_module(std::string_view module);
  Refused remove_initramfs_module(std::string_view module);
  /// Takes a module that the kernel no longer has (vfio_virqfd) out of every list below /etc, ours or not.
  Refused drop_module(std::string_view module);

  // modprobe.d -----------------------------------------------------------------------------------------------------------

  /// "10de:1b80": into the one `ids=` of vfio-pci that counts (that on the command line wins over files), behind the ids
  /// of others; a line of ours where there is none.
  Refused add_vfio_id(std::string_view id);
  /// Only ids of ours.
  Refused remove_vfio_id(std::string_view id);
  /// Makes one line of several `options vfio-pci ids=`, of which the kernel keeps the last only: all ids in their order go
  /// to the last one. Has no inverse.
  Refused merge_vfio_ids();
  /// `softdep DRIVER pre: vfio-pci`: vfio-pci takes its devices before the driver comes.
  Refused add_softdep(std::string_view driver);
  Refused remove_softdep(std::string_view driver);
  Refused add_blacklist(std::string_view module);
  Refused remove_blacklist(std::string_view module);
  /// A plain option, of which the last counts: "vfio_iommu_type1", "allow_unsafe_interrupts", "1".
  Refused add_option(std::string_view module, std::string_view name, std::string_view value);
  Refused remove_option(std::string_view module, std::string_view name);

  // udev rules, by address ("0000:01:00.0") ------------------------------------------------------------------------------

  /// The device is kept for a driver before others can bind it, in the initramfs too. The driver's module has to be
  /// loaded at boot besides (add_boot_module, add_initramfs_module).
  Refused add_driver_override(std::string_view address, std::string_view driver = "vfio-pci");
  Refused remove_driver_override(std::string_view address);
  /// The physical function gets that many virtual functions as soon as its driver is bound; without `probe` none
  /// but vfio-pci takes them.
  Refused add_virtual_functions(std::string_view address, unsigned count, bool probe = true);
  Refused remove_virtual_functions(std::string_view address);
  /// Takes the line out of sysfs.conf or sysfs.d that writes this attribute ("bus/pci/devices/0000:03:00.0/sriov_numvfs",
  /// without /sys/).
  Refused drop_sysfs_value(std::string_view path);

 private:
  /// In all of these homes, or in none.
  template <class Work>
  Refused in_homes(const std::vector<CommandLineHome>& homes, std::string_view argument, Work work);
  /// Some home gives the parameter a value, which comes after all of modprobe.d.
  bool has_parameter(std::string_view name) const;

  DraftFiles files_;
  CommandLineHomes homes_;
  InitramfsTool initramfs_;
};

}  // namespace hostpci
