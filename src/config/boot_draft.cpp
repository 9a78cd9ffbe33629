// Carries each operation of a draft to its part, whole or not at all, and tells which commands make the changes count.
#include "config/boot_draft.hpp"

#include <algorithm>

#include "config/boot_draft_cmdline.hpp"
#include "config/boot_draft_modprobe.hpp"
#include "config/boot_draft_modules.hpp"

namespace hostpci {
namespace {

constexpr const char* entries_line = "/boot/loader/entries";

bool has_kind(const CommandLineHomes& homes, HomeKind kind) {
  return std::any_of(homes.homes.begin(), homes.homes.end(), [&](const auto& home) { return home.kind == kind; });
}

BootDraft::Files with_entries(BootDraft::Files files, const CommandLineHomes& homes) {
  if (has_kind(homes, HomeKind::boot_entries)) files[entries_line] = joined_entry_options(files);
  return files;
}

bool begins(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

/// Does the initramfs hold (what was made of) this file?
bool is_in_initramfs(const std::string& path, InitramfsTool tool, bool rules) {
  for (std::string_view start : {"/etc/modprobe.d/", "/etc/initramfs-tools/", "/etc/dracut.conf.d/",
                                 "/etc/mkinitcpio.conf.d/"})
    if (begins(path, start)) return true;
  if (begins(path, "/etc/modules-load.d/")) return tool == InitramfsTool::dracut;
  return path == own::udev && rules;
}

CommandWords initramfs_command(InitramfsTool tool) {
  switch (tool) {
    case InitramfsTool::initramfs_tools: return {"update-initramfs", "-u", "-k", "all"};
    case InitramfsTool::dracut: return {"dracut", "-f", "--regenerate-all"};
    case InitramfsTool::mkinitcpio: return {"mkinitcpio", "-P"};
    case InitramfsTool::unknown: break;
  }
  return {};
}

bool is_home(const std::string& path) { return begins(path, "/etc/default/grub") || path == "/etc/kernel/cmdline"; }

void add_once(std::vector<CommandWords>& commands, const CommandWords& command) {
  if (!command.empty() && std::find(commands.begin(), commands.end(), command) == commands.end())
    commands.push_back(command);
}

std::string text_or_none(const BootDraft::Files& files, const std::string& path) {
  auto at = files.find(path);
  return at == files.end() ? std::string() : at->second;
}

/// Names of modules, drivers and options: one word that starts no comment and ends no line.
Refused check_word(std::string_view word) {
  bool plain = !word.empty() && word.find_first_of(" \t\r\n\\#;\"'=") == word.npos;
  if (plain) return {};
  return DraftRefusal{"", 0, "`" + std::string(word) + "` is no name"};
}

}  // namespace

BootDraft::BootDraft(Files files, std::map<std::string, std::string> unreadable, CommandLineHomes homes,
                     InitramfsTool initramfs)
    : files_(with_entries(std::move(files), homes), std::move(unreadable)),
      homes_(std::move(homes)),
      initramfs_(initramfs) {}

std::vector<CommandWords> BootDraft::commands() const {
  std::vector<CommandWords> result =
      grubby_commands(text_or_none(files_.first(), entries_line), text_or_none(files_.texts(), entries_line));
  const auto files = changed();
  bool rules = has_override_rule(files_) || files.count(own::initramfs_hook) || files.count(own::dracut);
  for (const auto& [path, file] : files)
    if (is_in_initramfs(path, initramfs_, rules)) add_once(result, initramfs_command(initramfs_));
  bool home = std::any_of(files.begin(), files.end(), [](const auto& file) { return is_home(file.first); });
  if (home)
    for (const CommandWords& command : homes_.refresh) add_once(result, command);
  return result;
}

std::vector<CommandWords> BootDraft::undo_commands() const {
  return grubby_commands(text_or_none(files_.texts(), entries_line), text_or_none(files_.first(), entries_line));
}

// Kernel command line ----------------------------------------------------------------------------------------------------

template <class Work>
Refused BootDraft::in_homes(const std::vector<CommandLineHome>& homes, std::string_view argument, Work work) {
  bool control = std::any_of(argument.begin(), argument.end(), [](char c) { return (unsigned char)c < ' ' || c == 127; });
  auto word = control ? std::nullopt : read_argument(argument);
  if (!word) return DraftRefusal{"", 0, "`" + std::string(argument) + "` is no single kernel argument"};
  return files_.attempt([&]() -> Refused {
    for (const CommandLineHome& home : homes)
      if (Refused refused = work(ArgumentDraft(files_, home), *word)) return refused;
    return {};
  });
}

Refused BootDraft::add_argument(std::string_view argument) {
  if (homes_.homes.empty())
    return DraftRefusal{"", 0, homes_.mixed.empty() ? "where the kernel command line lives is not known" : homes_.mixed};
  return in_homes(homes_.homes, argument, [](ArgumentDraft draft, const KernelWord& word) { return draft.add(word); });
}

Refused BootDraft::remove_argument(std::string_view argument) {
  return in_homes(homes_with_ours(files_, homes_), argument,
                  [](ArgumentDraft draft, const KernelWord& word) { return draft.remove(word, false); });
}

Refused BootDraft::take_back_argument(std::string_view argument) {
  return in_homes(homes_with_ours(files_, homes_), argument,
                  [](ArgumentDraft draft, const KernelWord& word) { return draft.remove(word, true); });
}

bool BootDraft::has_argument(std::string_view argument) const {
  auto word = read_argument(argument);
  if (!word || homes_.homes.empty()) return false;
  return std::all_of(homes_.homes.begin(), homes_.homes.end(),
                     [&](const CommandLineHome& home) { return hostpci::has_argument(files_, home, *word); });
}

std::vector<std::string> BootDraft::own_arguments() const {
  std::vector<std::string> result;
  for (const CommandLineHome& home : homes_with_ours(files_, homes_))
    for (std::string& text : hostpci::own_arguments(files_, home))
      if (std::find(result.begin(), result.end(), text) == result.end()) result.push_back(std::move(text));
  return result;
}

// Modules ------------------------------------------------------------------------------------------------------------------

Refused BootDraft::add_boot_module(std::string_view module) {
  if (Refused refused = check_word(module)) return refused;
  return files_.attempt([&] { return add_boot_module_line(files_, module); });
}

Refused BootDraft::remove_boot_module(std::string_view module) {
  return remove_boot_module_line(files_, module), Refused();
}

Refused BootDraft::add_initramfs_module(std::string_view module) {
  if (Refused refused = check_word(module)) return refused;
  return files_.attempt([&] { return add_initramfs_module_line(files_, initramfs_, module); });
}

Refused BootDraft::remove_initramfs_module(std::string_view module) {
  return remove_initramfs_module_line(files_, initramfs_, module), Refused();
}

Refused BootDraft::drop_module(std::string_view module) { return drop_module_lines(files_, module), Refused(); }

// modprobe.d ---------------------------------------------------------------------------------------------------------------

Refused BootDraft::add_vfio_id(std::string_view id) {
  if (!is_vfio_id(id)) return DraftRefusal{"", 0, "`" + std::string(id) + "` is no id of the form vendor:device"};
  if (has_parameter("vfio-pci.ids")) return add_argument("vfio-pci.ids=" + std::string(id));
  return files_.attempt([&] { return add_modprobe_id(files_, id); });
}

Refused BootDraft::remove_vfio_id(std::string_view id) {
  return files_.attempt([&] {
    remove_modprobe_id(files_, id);
    return take_back_argument("vfio-pci.ids=" + std::string(id));
  });
}

Refused BootDraft::merge_vfio_ids() {
  return files_.attempt([&] { return merge_modprobe_ids(files_); });
}

Refused BootDraft::add_softdep(std::string_view driver) {
  if (Refused refused = check_word(driver)) return refused;
  return files_.attempt([&] { return add_softdep_line(files_, driver); });
}

Refused BootDraft::remove_softdep(std::string_view driver) {
  return remove_modprobe_lines(files_, DirectiveKind::softdep, driver), Refused();
}

Refused BootDraft::add_blacklist(std::string_view module) {
  if (Refused refused = check_word(module)) return refused;
  return files_.attempt([&] { return add_blacklist_line(files_, module); });
}

Refused BootDraft::remove_blacklist(std::string_view module) {
  return remove_modprobe_lines(files_, DirectiveKind::blacklist, module), Refused();
}

Refused BootDraft::add_option(std::string_view module, std::string_view name, std::string_view value) {
  for (std::string_view word : {module, name, value})
    if (Refused refused = check_word(word)) return refused;
  std::string parameter = std::string(module) + '.' + std::string(name);
  if (has_parameter(parameter)) return add_argument(parameter + '=' + std::string(value));
  return files_.attempt([&] { return add_module_option(files_, module, name, value); });
}

Refused BootDraft::remove_option(std::string_view module, std::string_view name) {
  return remove_module_option(files_, module, name), Refused();
}

bool BootDraft::has_parameter(std::string_view name) const {
  for (const CommandLineHome& home : homes_.homes)
    for (const HomeLine& line : read_home(config(), files_.unreadable(), home).lines)
      for (const HomeWord& word : line.words)
        if (!word.word.for_init && same_parameter(word.word.name, name)) return true;
  return false;
}

// udev and sysfs -----------------------------------------------------------------------------------------------------------

Refused BootDraft::add_driver_override(std::string_view address, std::string_view driver) {
  return files_.attempt([&] { return set_override_rule(files_, initramfs_, address, driver); });
}

Refused BootDraft::remove_driver_override(std::string_view address) {
  return remove_override_rule(files_, initramfs_, address), Refused();
}

Refused BootDraft::add_virtual_functions(std::string_view address, unsigned count, bool probe) {
  return files_.attempt([&] { return set_functions_rule(files_, address, count, probe); });
}

Refused BootDraft::remove_virtual_functions(std::string_view address) {
  return remove_functions_rule(files_, address), Refused();
}

Refused BootDraft::drop_sysfs_value(std::string_view path) {
  return files_.attempt([&] { return drop_sysfs_line(files_, path); });
}

}  // namespace hostpci
