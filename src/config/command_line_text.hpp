// The kernel command lines that a home's texts hold, word by word with the bytes of each, and how a word is spelled there.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/boot_config.hpp"
#include "config/command_line_home.hpp"
#include "config/kernel_parameter.hpp"

namespace hostpci {

/// How a piece of text is quoted.
struct WordStyle {
  bool grub = false;  ///< goes through a shell's quotes and GRUB's script parser
  char quote = 0;     ///< of the shell: '"' or '\''
};

struct HomeWord {
  KernelWord word;  ///< as the kernel gets it
  std::string file;
  Span span;               ///< its bytes; of the value that holds it where it is not editable
  bool editable = true;    ///< the bytes of span are this word's alone
  Span piece;              ///< of the text between the same quotes
  WordStyle style;
};

/// Where a word can be added.
struct HomeEnd {
  std::string file;
  std::uint32_t offset = 0;
  bool blank_before = false, blank_after = false;
  WordStyle style;
};

/// One kernel command line. GRUB legacy has one for each kernel, the other homes have one.
struct HomeLine {
  std::string key;  ///< stands for this line in the record: "/etc/default/grub", "/boot/grub/menu.lst /vmlinuz-2.6.32"
  std::vector<HomeWord> words;
  std::optional<HomeEnd> end;  ///< nothing: no place that may be edited
  std::vector<KernelWord> arguments() const;
};

/// What stops every edit of a home.
struct HomeFault {
  std::string file;
  std::uint32_t line = 0;
  std::string message;
};

struct HomeText {
  std::vector<HomeLine> lines;
  std::optional<HomeFault> fault;
};

HomeText read_home(const BootConfig& config, const std::map<std::string, std::string>& unreadable,
                   const CommandLineHome& home);

/// The bytes that make the kernel see this argument; nothing if GRUB cannot hand it over.
std::optional<std::string> spell(const KernelWord& word, WordStyle style);

// Parts of read_home, a file each.
HomeText read_grub_home(const BootConfig& config, const std::map<std::string, std::string>& unreadable);
HomeText read_legacy_home(const BootConfig& config, const std::string& path);

}  // namespace hostpci
