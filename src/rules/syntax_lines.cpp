// Finds the lines of a VM's file that are meant to be hostpci lines; the rules about their keys and their place.
#include <algorithm>
#include <set>

#include "rules/syntax.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view word = "hostpci";

bool blank(char c) { return c == ' ' || c == '\t'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int> index_of(std::string_view key) {
  std::string_view digits = key.substr(word.size());
  if (key.substr(0, word.size()) != word || digits.empty() || (digits.size() > 1 && digits[0] == '0')) return {};
  auto index = number(digits);
  return index && *index < 16 ? std::optional<int>(int(*index)) : std::nullopt;
}

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// "hostpci 0: x", "hostpci0 : x": the blanks, and digits behind them, before a colon.
void find_gap(std::string_view text, Span line, HostpciText& found) {
  std::uint32_t at = found.key.end;
  while (at < line.end && blank(text[at])) ++at;
  Span gap{found.key.end, at};
  while (!found.numbered && at < line.end && digit(text[at])) ++at;
  if (gap.size() > 0 && at < line.end && text[at] == ':' && (found.numbered || at > gap.end)) found.gap = gap;
}

/// The line cut into key and value as people mean it; nothing if it does not begin with the word.
std::optional<HostpciText> cut(std::string_view text, Span line) {
  HostpciText found;
  std::uint32_t at = line.begin;
  found.marked = slice(text, line).substr(0, byte_order_mark.size()) == byte_order_mark;
  if (found.marked) at += std::uint32_t(byte_order_mark.size());
  while (at < line.end && blank(text[at])) ++at;
  found.indented = at > line.begin;
  if (lower(text.substr(at, word.size())) != word || at + word.size() > line.end) return {};
  found.key.begin = at;
  for (at += std::uint32_t(word.size()); at < line.end && digit(text[at]); ++at) found.numbered = true;
  found.key.end = at;
  found.index = index_of(slice(text, found.key));
  found.colon = at < line.end && text[at] == ':';
  if (!found.colon) find_gap(text, line, found);
  if (!found.colon) return found;
  found.value = {at + 1, line.end};
  while (found.value.size() > 0 && trim(text.substr(found.value.begin, 1)).empty()) ++found.value.begin;
  while (found.value.size() > 0 && trim(text.substr(found.value.end - 1, 1)).empty()) --found.value.end;
  return found;
}

bool counts(const VmSection& section) {
  return section.kind == SectionKind::main || section.kind == SectionKind::pending;
}

std::set<int> used_indexes(const Vm& vm) {
  std::set<int> used;
  for (const HostpciText& text : hostpci_texts(vm))
    if (text.accepted()) used.insert(*text.index);
  return used;
}

/// The number that is written, if it is free and PVE would take it, else the lowest free one.
std::optional<int> free_index(std::string_view key, const std::set<int>& used) {
  auto written = number(key.substr(word.size()));
  if (written && *written < 16 && !used.count(int(*written))) return int(*written);
  for (int i = 0; i < 16; ++i)
    if (!used.count(i)) return i;
  return {};
}

std::string index_fault(std::string_view key) {
  if (key.substr(0, word.size()) != word) return "keys are lower case";
  std::string_view digits = key.substr(word.size());
  return digits.size() > 1 && digits[0] == '0' ? "the index has no leading zero" : "the index is 0 to 15";
}

/// "hostpci0: value" in a comment, '#'s and blanks before it.
bool is_commented_line(std::string_view comment) {
  while (!comment.empty() && (comment.front() == '#' || blank(comment.front()))) comment.remove_prefix(1);
  if (comment.substr(0, word.size()) != word) return false;
  comment.remove_prefix(word.size());
  std::size_t digits = std::min(comment.find_first_not_of("0123456789"), comment.size());
  if (digits == 0) return false;
  comment.remove_prefix(digits);
  for (std::string_view colon : {":", "%3A", "%3a"})
    if (comment.substr(0, colon.size()) == colon) return !trim(comment.substr(colon.size())).empty();
  return false;
}

/// Keys whose change does not reach a guest that runs.
bool waits_for_start(std::string_view key) {
  static constexpr std::string_view keys[] = {"machine", "bios", "vga", "cpu", "args", "efidisk0"};
  return key.substr(0, word.size()) == word || std::find(std::begin(keys), std::end(keys), key) != std::end(keys);
}

bool deletes_hostpci(std::string_view list) { return list.find(word) != list.npos; }

}  // namespace

std::vector<HostpciText> hostpci_texts(const Vm& vm) {
  std::vector<HostpciText> found;
  for (const VmSection& section : vm.sections) {
    if (!counts(section) || section.syntax >= vm.syntax.sections.size()) continue;
    const ConfigSection& lines = vm.syntax.sections[section.syntax];
    for (std::size_t i = lines.begin; i < lines.end; ++i) {
      const ConfigLine& line = vm.syntax.lines[i];
      if (line.kind != LineKind::assignment && line.kind != LineKind::bad) continue;
      auto text = cut(vm.source->text, line.span);
      if (!text) continue;
      text->line = i;
      found.push_back(*text);
    }
  }
  return found;
}

void check_index_range(const Facts&, const VmFacts& vm, Findings& out) {
  std::set<int> used = used_indexes(*vm.vm);
  for (const HostpciText& line : hostpci_texts(*vm.vm)) {
    if (line.index || !line.numbered || !line.colon || line.indented) continue;
    std::string_view key = slice(vm.vm->source->text, line.key);
    Diagnostic& d = out.add(Place(vm.vm->source, line.key),
                            "`" + std::string(key) + "` is no key that Proxmox VE knows: " + index_fault(key));
    d.key = key;
    d.notes.push_back("the line is dropped, and the VM starts without the device");
    auto index = free_index(key, used);
    if (!index || line.value.size() == 0 || !parse_hostpci(slice(vm.vm->source->text, line.value)).ok()) continue;
    used.insert(*index);
    std::string free = "hostpci" + std::to_string(*index);
    d.fix = Fix{"write `" + free + "`", Safety::safe, {{vm.vm->source->path, line.key, free}}};
  }
}

void check_commented_line(const Facts&, const VmFacts& vm, Findings& out) {
  if (vm.vm->syntax.sections.empty()) return;
  const ConfigSection& lines = vm.vm->syntax.sections.front();
  for (std::size_t i = lines.begin; i < lines.end; ++i) {
    const ConfigLine& line = vm.vm->syntax.lines[i];
    if (line.kind != LineKind::comment || !is_commented_line(line.value)) continue;
    Diagnostic& d = out.add(Place(vm.vm->source, line.span), "a commented-out hostpci line is part of the VM's notes");
    d.notes.push_back(
        "in a VM's file `#` begins no comment: Proxmox VE keeps such lines as the description, and moves them to the "
        "top");
    d.help.push_back("delete the line, or keep the old value somewhere else");
  }
}

void check_pending_change(const Facts&, const VmFacts& vm, Findings& out) {
  const VmSection* pending = vm.vm->pending();
  if (!pending) return;
  for (const auto& [key, value] : pending->values) {
    bool deletes = key == "delete";
    if (deletes ? !deletes_hostpci(value.value) : !waits_for_start(key)) continue;
    std::string what =
        deletes ? "the deletion of `" + std::string(value.value) + "`" : "the change of `" + std::string(key) + "`";
    Diagnostic& d = out.add(Place(vm.vm->source, value.span), what + " is still pending");
    d.key = deletes ? "" : std::string(key);
    d.notes.push_back("passed-through devices are never hot-plugged: it counts from the next full start");
    d.help.push_back("shut the VM down and start it, or `qm reboot " + vm_word(*vm.vm) +
                     "`; a reboot inside the guest does not do it");
  }
}

}  // namespace hostpci
