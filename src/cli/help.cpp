// Help texts: made from the command table, so they cannot disagree with it.
#include "cli/help.hpp"

#include <algorithm>

namespace hostpci {
namespace {

std::string option_line(const OptionSpec& spec) {
  std::string left = "  ";
  left += spec.letter ? std::string("-") + spec.letter + ", --" : "    --";
  left += spec.name;
  if (!spec.argument.empty()) left += " " + std::string(spec.argument);
  left.resize(std::max<std::size_t>(left.size() + 2, 28), ' ');
  return left + std::string(spec.help) + "\n";
}

std::string options_block(std::string_view title, std::span<const OptionSpec> options) {
  if (options.empty()) return "";
  std::string text = "\n" + std::string(title) + "\n";
  for (const OptionSpec& spec : options) text += option_line(spec);
  return text;
}

}  // namespace

std::string general_help() {
  std::string text =
      "hostpci: PCI(e) passthrough for Proxmox VE, read, checked and set\n\n"
      "usage: hostpci [OPTION…] COMMAND [ARGUMENT…]\n\n";
  for (const Command& command : commands()) {
    std::string left = "  " + std::string(command.name);
    left.resize(15, ' ');
    text += left + std::string(command.summary) + "\n";
  }
  text += options_block("options of every command:", global_options());
  text +=
      "\nA VM is named by its VMID or by the path of a configuration file. `hostpci help COMMAND` tells more.\n"
      "exit status: 0 done, 1 findings, 2 wrong usage, 3 refused (nothing was changed)\n";
  return text;
}

std::string command_help(const Command& command) {
  std::string text = "usage: hostpci " + std::string(command.name);
  if (!command.usage.empty()) text += " " + std::string(command.usage);
  text += "\n\n" + std::string(command.summary) + "\n";
  if (!command.text.empty()) text += "\n" + std::string(command.text) + "\n";
  text += options_block("options:", command.options);
  text += options_block("options of every command:", global_options());
  if (!command.formats.empty()) {
    std::string formats(command.formats);
    for (std::size_t at = 0; (at = formats.find(' ', at)) != formats.npos; at += 2) formats.replace(at, 1, ", ");
    text += "\nformats: " + formats + "\n";
  }
  return text;
}

}  // namespace hostpci
