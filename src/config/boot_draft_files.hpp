// The texts of a draft: what they were, what they are, which lines of them are hostpci's own.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/boot_config.hpp"
#include "text/edit.hpp"

namespace hostpci {

/// Why a change was not made: the file, and the line that stopped it (0: the file as a whole).
struct DraftRefusal {
  std::string file;
  std::uint32_t line = 0;
  std::string message;
  bool operator==(const DraftRefusal&) const = default;
};

/// Nothing: the change is made, or things were so already. After a refusal no file has changed.
using Refused = std::optional<DraftRefusal>;

struct DraftFile {
  std::optional<std::string> text;  ///< nothing: the file is to be removed
  std::uint32_t mode = 0644;        ///< of a file that is made
  bool operator==(const DraftFile&) const = default;
};

/// Something that hostpci put into a file that is not its own, as the record keeps it: bytes as they stand there.
struct OwnEntry {
  std::string file;      ///< "/etc/kernel/cmdline"; with a kernel's image behind it for GRUB legacy's menu
  std::string text;      ///< "iommu=pt", "10de:1b80"
  std::string replaced;  ///< what stood in its place: "iommu=nopt"; else empty
  bool operator==(const OwnEntry&) const = default;
};

/// Files that are hostpci's as a whole.
namespace own {
constexpr const char* grub = "/etc/default/grub.d/zz-hostpci.cfg";
constexpr const char* modules = "/etc/modules-load.d/hostpci.conf";
constexpr const char* modprobe = "/etc/modprobe.d/hostpci.conf";
constexpr const char* udev = "/etc/udev/rules.d/70-hostpci.rules";
constexpr const char* initramfs_hook = "/etc/initramfs-tools/hooks/hostpci";
constexpr const char* dracut = "/etc/dracut.conf.d/hostpci.conf";
constexpr const char* mkinitcpio = "/etc/mkinitcpio.conf.d/hostpci.conf";
constexpr const char* record = "/etc/hostpci/added";
}  // namespace own

class DraftFiles {
 public:
  using Files = std::map<std::string, std::string>;

  DraftFiles(Files files, std::map<std::string, std::string> unreadable);

  const Files& texts() const { return files_; }
  const Files& first() const { return first_; }
  const std::map<std::string, std::string>& unreadable() const { return unreadable_; }
  /// As it stands after all changes so far.
  const BootConfig& config() const;
  /// What differs from the beginning; keys that are no files ("/usr/sbin/") are never among it.
  std::map<std::string, DraftFile> changed() const;

  /// All or nothing: takes the changes back if the work is refused.
  template <class Work>
  Refused attempt(Work work) {
    Files before = files_;
    Refused refused = work();
    if (refused) restore(std::move(before));
    return refused;
  }

  void write(const std::string& path, std::string text);
  /// Edits that come from spans of this very text.
  void edit(const std::string& path, std::vector<Edit> edits);
  void remove(const std::string& path);

  // Files of our own ------------------------------------------------------------------------------------------------------

  /// Our lines of one of them, headers, blank lines and comments left out.
  std::vector<std::string> own_lines(const std::string& path) const;
  bool has_own_line(const std::string& path, std::string_view line) const;
  /// Behind the others, in a new file where there is none yet. Refused if a file of that name is not ours.
  Refused add_own_line(const std::string& path, std::string_view line);
  /// With the last line the file goes. A line that is not there is no refusal.
  void remove_own_line(const std::string& path, std::string_view line);
  /// Removes one of them if only its header is left.
  void drop_if_bare(const std::string& path);

  // What stands in files of others ------------------------------------------------------------------------------------------

  std::vector<OwnEntry> entries() const;
  std::optional<OwnEntry> entry(std::string_view file, std::string_view text) const;
  /// Notes an entry, in the place of one of the same file and text; entries whose text has gone from their file are
  /// dropped. Refused if the record cannot be read or is not ours.
  Refused note(OwnEntry entry);
  void forget(std::string_view file, std::string_view text);

 private:
  void restore(Files files);

  Files first_, files_;
  std::map<std::string, std::string> unreadable_;
  mutable std::optional<BootConfig> config_;
};

}  // namespace hostpci
