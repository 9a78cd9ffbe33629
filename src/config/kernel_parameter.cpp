// A table of the parameters that matter for passthrough, and the three ways in which their repetitions add up.
#include "config/kernel_parameter.hpp"

#include <algorithm>
#include <array>

#include "grammar/cmdline.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

struct Parameter {
  std::string_view name;
  Repeats repeats;
};
constexpr std::array<Parameter, 21> table{{
    {"acpi_osi", Repeats::all},
    {"amd_iommu", Repeats::list},
    {"console", Repeats::all},
    {"dyndbg", Repeats::all},
    {"earlycon", Repeats::all},
    {"hugepages", Repeats::all},
    {"hugepagesz", Repeats::all},
    {"initcall_blacklist", Repeats::list},
    {"initrd", Repeats::all},
    {"intel_iommu", Repeats::list},
    {"iommu", Repeats::list},
    {"memmap", Repeats::all},
    {"modprobe.blacklist", Repeats::list},
    {"module_blacklist", Repeats::joined},
    {"pci", Repeats::list},
    {"pcie_acs_override", Repeats::list},
    {"rd.driver.blacklist", Repeats::list},
    {"rd.driver.pre", Repeats::list},
    {"vfio-pci.ids", Repeats::joined},
    {"video", Repeats::all},
    {"ivrs_ioapic", Repeats::all},
}};

using Words = std::vector<std::string_view>;

bool holds(const Words& list, std::string_view word) { return std::find(list.begin(), list.end(), word) != list.end(); }

/// The word that takes back what this one says, of the switches of an IOMMU.
std::string_view opposite(std::string_view name, std::string_view word) {
  if (same_parameter(name, "intel_iommu")) return word == "on" ? "off" : word == "off" ? "on" : "";
  if (same_parameter(name, "iommu")) return word == "pt" ? "nopt" : word == "nopt" ? "pt" : "";
  return {};
}

std::string spelled(std::string_view name, const Words& list) {
  std::string text(name);
  for (std::size_t i = 0; i < list.size(); ++i) text.append(i ? "," : "=").append(list[i]);
  return text;
}

/// Those of `wanted` that are in none of the values.
Words missing(const Words& wanted, const std::vector<const KernelWord*>& given) {
  Words result;
  for (std::string_view word : wanted) {
    auto has = [&](const KernelWord* a) { return holds(split(a->value, ','), word); };
    if (std::none_of(given.begin(), given.end(), has)) result.push_back(word);
  }
  return result;
}

/// The list with words that contradict the wanted ones replaced by these; empty if none does.
Words reconciled(std::string_view name, const Words& list, const Words& wanted) {
  Words result;
  bool changed = false;
  for (std::string_view word : list) {
    std::string_view other = opposite(name, word);
    bool contradicts = !other.empty() && holds(wanted, other);
    changed = changed || contradicts;
    std::string_view now = contradicts ? other : word;
    if (!holds(result, now)) result.push_back(now);
  }
  return changed ? result : Words{};
}

ArgumentStep list_step(const std::vector<KernelWord>& words, const KernelWord& wanted) {
  const Words values = split(wanted.value, ',');
  std::vector<const KernelWord*> given;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].for_init || !same_parameter(words[i].name, wanted.name)) continue;
    given.push_back(&words[i]);
    Words now = reconciled(wanted.name, split(words[i].value, ','), values);
    if (!now.empty()) return {ArgumentStep::Kind::replace, i, spelled(words[i].name, now)};
  }
  Words rest = missing(values, given);
  if (rest.empty()) return {};
  return {ArgumentStep::Kind::append, 0, rest.size() == values.size() ? wanted.text : spelled(wanted.name, rest)};
}

/// Of a parameter of which the last occurrence counts.
ArgumentStep last_step(const std::vector<KernelWord>& words, const KernelWord& wanted, bool join) {
  std::size_t at = words.size();
  for (std::size_t i = 0; i < words.size(); ++i)
    if (!words[i].for_init && same_parameter(words[i].name, wanted.name)) at = i;
  if (at == words.size()) return {ArgumentStep::Kind::append, 0, wanted.text};
  const KernelWord& old = words[at];
  if (same_argument(old, wanted)) return {};
  if (!join || !old.has_value) return {ArgumentStep::Kind::replace, at, wanted.text};
  Words rest = missing(split(wanted.value, ','), {&old}), all = split(old.value, ',');
  if (rest.empty()) return {};
  all.insert(all.end(), rest.begin(), rest.end());
  return {ArgumentStep::Kind::replace, at, spelled(old.name, all)};
}

ArgumentStep whole_step(const std::vector<KernelWord>& words, const KernelWord& wanted) {
  auto same = [&](const KernelWord& a) { return !a.for_init && same_argument(a, wanted); };
  if (std::any_of(words.begin(), words.end(), same)) return {};
  return {ArgumentStep::Kind::append, 0, wanted.text};
}

bool is_list(const KernelWord& word) {
  Repeats repeats = repeats_of(word.name);
  return word.has_value && (repeats == Repeats::list || repeats == Repeats::joined);
}

}  // namespace

Repeats repeats_of(std::string_view name) {
  auto at = std::find_if(table.begin(), table.end(), [&](const Parameter& p) { return same_parameter(p.name, name); });
  return at == table.end() ? Repeats::last : at->repeats;
}

std::optional<KernelWord> read_argument(std::string_view text) {
  auto parsed = parse_kernel_command_line(text);
  if (parsed.size() != 1 || parsed[0].text != text || std::count(text.begin(), text.end(), '"') % 2) return {};
  const KernelArgument& a = parsed[0];
  return KernelWord{std::string(a.text), std::string(a.name), std::string(a.value), a.has_value, false};
}

bool same_argument(const KernelWord& a, const KernelWord& b) {
  return a.has_value == b.has_value && a.value == b.value && same_parameter(a.name, b.name);
}

ArgumentStep next_step(const std::vector<KernelWord>& words, const KernelWord& wanted) {
  if (!wanted.has_value) return whole_step(words, wanted);
  switch (repeats_of(wanted.name)) {
    case Repeats::all: return whole_step(words, wanted);
    case Repeats::list: return list_step(words, wanted);
    case Repeats::joined: return last_step(words, wanted, true);
    case Repeats::last: break;
  }
  return last_step(words, wanted, false);
}

std::optional<std::string> without(const KernelWord& word, const KernelWord& taken) {
  if (same_argument(word, taken)) return "";
  if (!is_list(word) || !is_list(taken) || !same_parameter(word.name, taken.name)) return {};
  Words kept, gone = split(taken.value, ','), all = split(word.value, ',');
  for (std::string_view w : all)
    if (!holds(gone, w)) kept.push_back(w);
  if (kept.size() == all.size()) return {};
  return kept.empty() ? std::string() : spelled(word.name, kept);
}

bool is_within(const KernelWord& part, const KernelWord& whole) {
  if (!same_parameter(part.name, whole.name)) return false;
  Words all = split(whole.value, ',');
  for (std::string_view word : split(part.value, ','))
    if (!holds(all, word)) return false;
  return true;
}

}  // namespace hostpci
