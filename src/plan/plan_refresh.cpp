// The commands that make the changed files count, each once and in order: boot entries, initramfs, boot loader.
#include <algorithm>

#include "plan/boot_files.hpp"
#include "plan/parts.hpp"

namespace hostpci {
namespace {

std::string reason_of(const CommandWords& words) {
  std::string program = words.front().substr(words.front().rfind('/') + 1);
  if (program == "grubby") return "changes the arguments of the boot entries";
  if (program == "update-initramfs" || program == "dracut" || program == "mkinitcpio")
    return "the initramfs holds copies of module options, lists and rules";
  return "writes the kernel command line into the boot entries";
}

bool has(const std::vector<PlannedCommand>& list, const CommandWords& words) {
  return std::any_of(list.begin(), list.end(), [&](const PlannedCommand& c) { return c.words == words; });
}

void add_loader(Workspace& work, std::vector<PlannedCommand>& list) {
  for (const CommandWords& words : work.homes().refresh)
    if (!has(list, words)) list.push_back({words, reason_of(words)});
}

/// In front of the boot loader's, which may copy the images.
void add_initramfs(Workspace& work, std::vector<PlannedCommand>& list) {
  const CommandWords& words = work.initramfs().refresh;
  if (words.empty()) return work.note("the tool that makes this host's initramfs is not known: renew it by hand");
  if (has(list, words)) return;
  auto loader = std::find_if(list.begin(), list.end(), [&](const PlannedCommand& c) {
    const auto& all = work.homes().refresh;
    return std::find(all.begin(), all.end(), c.words) != all.end();
  });
  list.insert(loader, {words, reason_of(words)});
}

}  // namespace

void plan_commands(Workspace& work) {
  std::vector<PlannedCommand>& list = work.plan.refresh;
  if (!work.has_boot()) return;
  for (const CommandWords& words : work.boot().commands()) list.push_back({words, reason_of(words)});
  for (const CommandWords& words : work.boot().undo_commands())
    if (!has(list, words)) work.plan.undo.push_back({words, reason_of(words)});
}

void plan_refresh(Workspace& work) {
  std::vector<PlannedCommand>& list = work.plan.refresh;
  std::vector<std::string> changed = work.changed_files();
  bool copied = std::any_of(changed.begin(), changed.end(), is_of_initramfs);
  bool loader = std::any_of(changed.begin(), changed.end(),
                            [&](const std::string& path) { return is_of_loader(work.homes(), path); });
  plan_commands(work);
  if (!findings_of_rule(work, "setup-grub-cfg-stale").empty() || loader) add_loader(work, list);
  if (!findings_of_rule(work, "setup-initramfs-stale").empty() || copied) add_initramfs(work, list);
  if (loader && !work.homes().mixed.empty()) work.note(work.homes().mixed);
}

}  // namespace hostpci
