// From the lines of a VM's file to what PVE understands of them. Source: qemu-server QemuServer.pm (parse_vm_config).
#include "config/vm_sections.hpp"

#include <algorithm>

#include "config/vm_lists.hpp"
#include "config/vm_patterns.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The line as PVE sees it: without its line feed, but with a carriage return before it.
std::string_view raw(std::string_view text, const ConfigLine& line) {
  std::string_view whole = slice(text, line.full);
  if (whole.ends_with('\n')) whole.remove_suffix(1);
  return whole;
}

bool is_key(std::string_view key) {
  std::size_t at = 0;
  auto lower_case = [](char c) { return c >= 'a' && c <= 'z'; };
  if (key.empty() || !lower_case(key[0])) return false;
  while (at < key.size() && (lower_case(key[at]) || key[at] == '_' || key[at] == '-')) ++at;
  return std::all_of(key.begin() + std::ptrdiff_t(at), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "snapstate: prepare" or "delete" at the end of a line, wherever it begins.
std::string_view snapshot_state(std::string_view line) {
  std::size_t at = line.rfind("snapstate:");
  if (at == line.npos) return {};
  std::string_view state = trim(line.substr(at + 10));
  return state == "prepare" || state == "delete" ? state : std::string_view();
}

/// Fills one section line by line.
class SectionReader {
 public:
  SectionReader(std::string_view text, VmSection& section) : text_(text), section_(section) {}

  void line(std::size_t index, const ConfigLine& line) {
    std::string_view whole = raw(text_, line);
    if (trim(whole).empty()) return;
    if (whole[0] == '#') return describe(whole.substr(1), true);
    std::size_t colon = whole.find(':');
    std::string_view key = whole.substr(0, std::min(colon, whole.size()));
    std::string_view value = colon == whole.npos ? std::string_view() : trim(whole.substr(colon + 1));
    if (key == "description" && !value.empty()) return describe(value, false);
    if (std::string_view state = snapshot_state(whole); !state.empty())
      return put("snapstate", state.substr(0, 0), state, index);
    if (colon == whole.npos || colon + 1 == whole.size() || !is_key(key))
      return drop(index, {}, "not `key: value`", place(whole));
    // Of a value of white space only, PVE keeps the last character.
    if (value.empty()) value = whole.substr(whole.size() - 1);
    assign(index, key, value);
  }

  void finish() {
    std::size_t end = section_.description.find_last_not_of(" \t\r\n\v\f");
    section_.description.resize(end == std::string::npos ? 0 : end + 1);
    if (section_.kind == SectionKind::main) section_.values.erase("snapstate");
  }

 private:
  Span place(std::string_view part) const {
    auto begin = std::uint32_t(part.data() - text_.data());
    return {begin, begin + std::uint32_t(part.size())};
  }

  void describe(std::string_view text, bool whole_line) {
    section_.has_description = true;
    section_.description += decode_description(text);
    if (whole_line) section_.description += '\n';
  }

  void put(std::string_view name, std::string_view key, std::string_view value, std::size_t index) {
    section_.values[name] = {value, place(value), place(key), index};
  }

  void drop(std::size_t index, std::string_view key, std::string message, Span span) {
    section_.dropped.push_back({index, key, std::move(message), span});
  }

  void assign(std::size_t index, std::string_view key, std::string_view value) {
    std::string wrong = refusal(key, value);
    if (!wrong.empty()) return drop(index, key, std::move(wrong), place(value));
    put(key == "cdrom" && section_.name != "cloudinit" ? "ide2" : key, key, value, index);
  }

  std::string refusal(std::string_view key, std::string_view value) const {
    if (key == "args") return "";
    if (key == "delete") return section_.kind == SectionKind::pending ? "" : "`delete` is for [PENDING] only";
    if (section_.kind == SectionKind::special && section_.name == "cloudinit") return "";
    if (section_.kind != SectionKind::special) return check_loaded(key, value);
    if (key != "fleecing-images") return "unknown key `" + std::string(key) + "`";
    auto volumes = list_items(value);
    return std::all_of(volumes.begin(), volumes.end(), is_volume) ? "" : "not a list of volumes";
  }

  std::string_view text_;
  VmSection& section_;
};

bool is_special(std::string_view name) { return name == "cloudinit" || name == "fleecing"; }

/// PVE knows two special sections; "special:" may be written in any letter case, their names may not.
SectionKind kind_of(const ConfigSection& section) {
  if (section.kind == SectionKind::special)
    return is_special(section.name) ? SectionKind::special : SectionKind::unknown;
  constexpr std::string_view prefix = "special:";
  bool special = section.kind == SectionKind::unknown && lower(section.name.substr(0, prefix.size())) == prefix &&
                 is_special(section.name.substr(prefix.size()));
  return special ? SectionKind::special : section.kind;
}

std::string_view section_name(const ConfigSection& section) {
  if (section.kind == SectionKind::main || section.kind == SectionKind::pending) return {};
  return section.name.substr(section.name.find(':') + 1);
}

VmSection read_section(std::string_view text, const VmConfig& syntax, std::size_t index) {
  VmSection section;
  const ConfigSection& lines = syntax.sections[index];
  section.kind = kind_of(lines);
  section.name = section_name(lines);
  section.syntax = index;
  SectionReader reader(text, section);
  for (std::size_t i = lines.begin; i < lines.end; ++i) reader.line(i, syntax.lines[i]);
  reader.finish();
  return section;
}

}  // namespace

std::vector<VmSection> read_sections(std::string_view text, const VmConfig& syntax) {
  std::vector<VmSection> sections;
  std::map<std::pair<SectionKind, std::string_view>, std::size_t> places;  // of each name's section
  for (std::size_t i = 0; i < syntax.sections.size(); ++i) {
    const ConfigSection& lines = syntax.sections[i];
    if (kind_of(lines) == SectionKind::unknown) {
      const ConfigLine& header = syntax.lines[lines.header];
      sections.front().dropped.push_back({lines.header, {}, "unknown section, skipped whole", header.span});
      continue;
    }
    VmSection read = read_section(text, syntax, i);
    auto [place, is_new] = places.emplace(std::pair(read.kind, read.name), sections.size());
    if (is_new)
      sections.push_back(std::move(read));
    else
      sections[place->second] = std::move(read);
  }
  std::stable_sort(sections.begin(), sections.end(), [](const VmSection& a, const VmSection& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.name < b.name;
  });
  return sections;
}

}  // namespace hostpci
