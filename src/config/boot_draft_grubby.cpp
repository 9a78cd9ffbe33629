// Boot entries that only grubby may change: their options as one line, and the calls that make one line out of another.
#include <algorithm>
#include <map>

#include "config/boot_draft_cmdline.hpp"
#include "grammar/cmdline.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The arguments of a line by name, in their order.
std::map<std::string, std::vector<std::string>> by_name(const std::string& line) {
  std::map<std::string, std::vector<std::string>> result;
  for (const KernelArgument& a : parse_kernel_command_line(line)) result[std::string(a.name)].emplace_back(a.text);
  return result;
}

}  // namespace

std::string joined_entry_options(const std::map<std::string, std::string>& files) {
  std::vector<std::string> all;
  for (const auto& [path, text] : files) {
    if (path.rfind("/boot/loader/entries/", 0) != 0) continue;
    for (std::string_view line : split(text, '\n')) {
      if (line.substr(0, 8) != "options " && line.substr(0, 8) != "options\t") continue;
      for (const KernelArgument& a : parse_kernel_command_line(line.substr(8)))
        if (std::find(all.begin(), all.end(), a.text) == all.end()) all.emplace_back(a.text);
    }
  }
  return join(all, " ");
}

std::vector<CommandWords> grubby_commands(const std::string& before, const std::string& after) {
  auto old = by_name(before), now = by_name(after);
  std::vector<std::string> added, removed;
  for (const auto& [name, texts] : now)  // grubby puts all given values of a name in the place of all that it had
    if (!old.count(name) || old.at(name) != texts) added.insert(added.end(), texts.begin(), texts.end());
  for (const auto& [name, texts] : old)
    if (!now.count(name)) removed.push_back(name);
  if (added.empty() && removed.empty()) return {};
  CommandWords command{"grubby", "--update-kernel=ALL"};
  if (!added.empty()) command.push_back("--args=" + join(added, " "));
  if (!removed.empty()) command.push_back("--remove-args=" + join(removed, " "));
  return {command};
}

}  // namespace hostpci
