// One kernel argument put into a home of the command line, or taken out of it.
#pragma once
#include <string>
#include <vector>

#include "config/boot_draft_files.hpp"
#include "config/command_line_home.hpp"
#include "config/command_line_text.hpp"

namespace hostpci {

class ArgumentDraft {
 public:
  ArgumentDraft(DraftFiles& files, const CommandLineHome& home) : files_(files), home_(home) {}

  Refused add(const KernelWord& wanted);
  Refused remove(const KernelWord& taken, bool only_ours);

 private:
  HomeText read() const { return read_home(files_.config(), files_.unreadable(), home_); }
  DraftRefusal refusal(const HomeWord& word, std::string message) const;
  DraftRefusal no_place(const KernelWord& wanted) const;
  bool too_long(const HomeText& text) const;

  Refused take(const HomeLine& line, const ArgumentStep& step);
  Refused append(const HomeLine& line, const KernelWord& word);
  Refused append_drop_in(const KernelWord& word);
  Refused replace(const HomeLine& line, const HomeWord& old, const KernelWord& word);

  Refused remove_word(const HomeLine& line, const HomeWord& word, const KernelWord& taken, const std::string& rest);
  Refused keep_rest(const HomeLine& line, const HomeWord& word, const KernelWord& taken, const std::string& rest);
  void erase(const HomeWord& word);

  DraftFiles& files_;
  const CommandLineHome& home_;
};

/// Would the kernel read it so?
bool has_argument(const DraftFiles& files, const CommandLineHome& home, const KernelWord& wanted);
/// Arguments that hostpci added, as the kernel gets them.
std::vector<std::string> own_arguments(const DraftFiles& files, const CommandLineHome& home);

/// The homes in which something of ours may stand: those given, and those that the record and our drop-in tell of.
std::vector<CommandLineHome> homes_with_ours(const DraftFiles& files, const CommandLineHomes& homes);

/// The options of all boot entries as one line: what grubby changes in all of them.
std::string joined_entry_options(const std::map<std::string, std::string>& files);
/// What makes the second out of the first; no command if they are equal.
std::vector<CommandWords> grubby_commands(const std::string& before, const std::string& after);

}  // namespace hostpci
