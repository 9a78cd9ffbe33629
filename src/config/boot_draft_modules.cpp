// Edits the lists of modules: systemd's through a file of our own, the initramfs' as its tool takes them.
#include "config/boot_draft_modules.hpp"

#include <algorithm>

#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* initramfs_list = "/etc/initramfs-tools/modules";
constexpr std::string_view block_begin = "# hostpci: begin\n", block_end = "# hostpci: end";

bool lists(const std::vector<ModuleEntry>& entries, std::string_view module) {
  return std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return same_module(e.line.name, module); });
}

// /etc/initramfs-tools/modules has no directory for pieces: our lines stand between two comments ------------------------------

/// From the first comment to the end of the second, without its line feed; nothing if there is none.
std::optional<Span> find_block(std::string_view text) {
  std::size_t begin = text.find(block_begin), end = text.find(block_end, std::min(begin, text.size()));
  bool starts_line = begin != text.npos && (begin == 0 || text[begin - 1] == '\n');
  if (!starts_line || end == text.npos) return {};
  return Span{std::uint32_t(begin), std::uint32_t(end + block_end.size())};
}

/// At the end of the file, which keeps its missing line feed.
std::string with_block(std::string text, std::string_view module) {
  if (auto block = find_block(text))
    return text.insert(block->end - block_end.size(), std::string(module) + "\n");
  bool whole = text.empty() || text.back() == '\n';
  if (!whole) text += '\n';
  text.append(block_begin).append(module).append("\n").append(block_end);
  return whole ? text + "\n" : text;
}

/// Takes the line out of the block, and the block if it has no other.
std::string without_block_line(std::string text, std::string_view module) {
  auto block = find_block(text);
  if (!block) return text;
  std::string inside;
  auto begin = block->begin + block_begin.size(), end = block->end - block_end.size();
  for (std::string_view line : split(std::string_view(text).substr(begin, end - begin), '\n'))
    if (!line.empty() && !same_module(line, module)) inside.append(line) += '\n';
  if (!inside.empty()) return text.replace(begin, end - begin, inside);
  std::size_t from = block->begin, to = block->end;
  if (to < text.size())
    ++to;
  else if (from > 0)
    --from;
  return text.erase(from, to - from);
}

std::string dracut_line(std::string_view module) { return "force_drivers+=\" " + std::string(module) + " \""; }
std::string mkinitcpio_line(std::string_view module) { return "MODULES+=(" + std::string(module) + ")"; }

Refused add_to_block(DraftFiles& files, std::string_view module) {
  if (auto bad = files.unreadable().find(initramfs_list); bad != files.unreadable().end())
    return DraftRefusal{bad->first, 0, bad->second};
  if (lists(files.config().initramfs_modules, module)) return {};
  auto at = files.texts().find(initramfs_list);
  files.write(initramfs_list, with_block(at == files.texts().end() ? std::string() : at->second, module));
  return {};
}

void remove_from_block(DraftFiles& files, std::string_view module) {
  auto at = files.texts().find(initramfs_list);
  if (at == files.texts().end()) return;
  std::string text = without_block_line(at->second, module);
  if (text.empty() && !files.first().count(initramfs_list))
    files.remove(initramfs_list);
  else if (text != at->second)
    files.write(initramfs_list, std::move(text));
}

void drop_line(DraftFiles& files, const ModuleEntry& entry) {
  const std::string& text = entry.source->text;
  std::string_view line = slice(text, entry.source->line_at(entry.line.span.begin));
  if (entry.source->path == own::modules) return files.remove_own_line(own::modules, line);
  Span span = entry.source->line_at(entry.line.span.begin);
  if (span.end < text.size()) ++span.end;
  files.edit(entry.source->path, {{span, ""}});
}

}  // namespace

Refused add_boot_module_line(DraftFiles& files, std::string_view module) {
  if (lists(files.config().boot_modules, module)) return {};
  return files.add_own_line(own::modules, module);
}

void remove_boot_module_line(DraftFiles& files, std::string_view module) {
  for (const std::string& line : files.own_lines(own::modules))
    if (same_module(trim(line), module)) files.remove_own_line(own::modules, line);
}

Refused add_initramfs_module_line(DraftFiles& files, InitramfsTool tool, std::string_view module) {
  switch (tool) {
    case InitramfsTool::initramfs_tools: return add_to_block(files, module);
    case InitramfsTool::dracut: return files.add_own_line(own::dracut, dracut_line(module));
    case InitramfsTool::mkinitcpio: return files.add_own_line(own::mkinitcpio, mkinitcpio_line(module));
    case InitramfsTool::unknown: break;
  }
  return DraftRefusal{"", 0, "which tool makes the initramfs is not known"};
}

void remove_initramfs_module_line(DraftFiles& files, InitramfsTool tool, std::string_view module) {
  if (tool == InitramfsTool::initramfs_tools) remove_from_block(files, module);
  files.remove_own_line(own::dracut, dracut_line(module));
  files.remove_own_line(own::mkinitcpio, mkinitcpio_line(module));
}

void drop_module_lines(DraftFiles& files, std::string_view module) {
  remove_from_block(files, module);
  for (bool found = true; found;) {
    found = false;
    const BootConfig& config = files.config();
    for (const auto* list : {&config.boot_modules, &config.initramfs_modules})
      for (const ModuleEntry& entry : *list) {
        if (found || !same_module(entry.line.name, module) || entry.source->path.rfind("/etc/", 0) != 0) continue;
        drop_line(files, ModuleEntry(entry));
        found = true;
        break;
      }
  }
}

}  // namespace hostpci
