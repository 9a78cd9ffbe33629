// Changes of pci.cfg by spans; the result is read again and held against the old one before anyone may write it.
#include "config/mapping_edit.hpp"

#include <algorithm>

#include "config/mapping.hpp"
#include "text/edit.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Lines = std::vector<const MappingLine*>;

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string check_option(const std::string& key, const std::string& value) {
  if (key == "description") {
    if (trim(value).empty()) return "`description` is empty; `--delete description` takes it out";
    if (has_control(value)) return "`description` is one line without control characters";
    return value.size() > 4096 ? "`description` has " + count(value.size(), "byte") + "; 4096 are allowed" : "";
  }
  if (value != "0" && value != "1") return quoted(key) + " is 0 or 1, not " + quoted(value);
  return {};
}

bool is_map(const MappingLine& line) { return line.key == "map"; }

bool is_sound_map(const MappingLine& line) { return is_map(line) && check_map(line.value).empty(); }

bool is_sound(const MappingSection& section) { return std::any_of(section.lines.begin(), section.lines.end(), is_sound_map); }

Lines lines_of(const MappingSection& section, std::string_view key) {
  Lines found;
  for (const MappingLine& line : section.lines)
    if (line.key == key) found.push_back(&line);
  return found;
}

/// The last one counts.
const MappingSection* section_of(const MappingFile& file, std::string_view id) {
  auto found = std::find_if(file.sections.rbegin(), file.sections.rend(), [&](const MappingSection& s) { return s.id == id; });
  return found == file.sections.rend() ? nullptr : &*found;
}

/// Everything that PVE reads of a mapping, as one text.
std::map<std::string, std::string> meanings(std::string_view text) {
  std::map<std::string, std::string> all;
  Mappings mappings = read_mappings(make_source("pci.cfg", std::string(text)));
  for (const auto& [id, mapping] : mappings.by_id) {
    std::string& meaning = all[std::string(id)];
    for (const MappingEntry& entry : mapping.entries) meaning += std::string(slice(mappings.source->text, entry.span)) + "\n";
    meaning += std::string(mapping.description) + "\n" + std::to_string(mapping.mdev) + std::to_string(mapping.live_migration);
  }
  return all;
}

/// A mapping that PVE reads as nothing at all: from then on it cannot write the file.
const MappingSection* first_unsound(const MappingFile& file) {
  for (const MappingSection& section : file.sections)
    if (is_mapping_id(section.id) && section_of(file, section.id) == &section && !is_sound(section)) return &section;
  return nullptr;
}

/// Nothing but this mapping may mean something else than before, and PVE must be able to go on with the file.
Result<std::string> checked(std::string_view before, std::string after, std::string_view id) {
  auto old_meanings = meanings(before), new_meanings = meanings(after);
  old_meanings.erase(std::string(id)), new_meanings.erase(std::string(id));
  if (old_meanings != new_meanings)
    return Failure{"the change of mapping " + quoted(id) + " would change another mapping too: an empty line is missing in pci.cfg"};
  MappingFile file = parse_mapping(after);
  if (const MappingSection* unsound = first_unsound(file))
    return Failure{"mapping " + quoted(unsound->id) + " has no `map` line that PVE accepts: PVE could not write the file any more"};
  return after;
}

Result<std::string> edited(std::string_view text, std::vector<Edit> edits, std::string_view id) {
  Result<std::string> after = apply(text, std::move(edits));
  return after ? checked(text, std::move(*after), id) : after;
}

/// A line that PVE ignores would get another meaning, or be lost.
Status clear_of_bad_lines(std::string_view text, const MappingFile& file, const MappingSection& section) {
  for (Span bad : file.bad) {
    if (bad.begin < section.span.begin || bad.begin > section.span.end) continue;
    std::size_t line = 1 + std::size_t(std::count(text.begin(), text.begin() + bad.begin, '\n'));
    return Failure{"line " + std::to_string(line) + " of pci.cfg, in mapping " + quoted(section.id) +
                   ", is one that PVE ignores (an empty line may be missing above it): mend it first"};
  }
  return Done{};
}

/// The line with its line feed, or with the one before where the text ends without.
Edit removal(std::string_view text, Span line) {
  if (line.end < text.size()) return {{line.begin, line.end + 1}, ""};
  return {{line.begin > 0 ? line.begin - 1 : 0, line.end}, ""};
}

Edit line_after(Span line, std::string_view key, std::string_view value) {
  return {{line.end, line.end}, "\n\t" + std::string(key) + " " + std::string(value)};
}

Edit new_value(const MappingLine& line, const std::string& value) {
  if (line.value.empty()) return {{line.key_span.end, line.key_span.end}, " " + value};
  return {line.value_span, value};
}

/// Edits of one section.
class SectionEditor {
 public:
  SectionEditor(std::string_view text, const MappingSection& section) : text_(text), section_(section) {}

  /// `standing` become `wanted`, in their places as far as there are as many.
  void replace(const Lines& standing, const std::vector<std::string>& wanted) {
    for (std::size_t i = 0; i < standing.size(); ++i) {
      if (i >= wanted.size())
        remove(*standing[i]);
      else if (standing[i]->value != wanted[i])
        edits_.push_back(new_value(*standing[i], wanted[i]));
    }
    Span above = standing.empty() ? last_map() : standing.back()->span;
    for (std::size_t i = standing.size(); i < wanted.size(); ++i) edits_.push_back(line_after(above, "map", wanted[i]));
  }

  void option(const std::string& key, const std::optional<std::string>& value) {
    Lines standing = lines_of(section_, key);
    if (!value) {
      for (const MappingLine* line : standing) remove(*line);
      return;
    }
    auto counts = std::find_if(standing.begin(), standing.end(), [&](const MappingLine* line) { return effective(*line).has_value(); });
    const MappingLine* line = counts != standing.end() ? *counts : standing.empty() ? nullptr : standing.front();
    if (!line)
      insert(key, *value);
    else if (effective(*line) != *value)
      edits_.push_back(new_value(*line, *value));
  }

  std::vector<Edit> take() { return std::move(edits_); }

 private:
  /// What PVE makes of the line: nothing where it skips it.
  static std::optional<std::string> effective(const MappingLine& line) {
    if (line.key == "description") return std::string(line.value);
    if (line.value.empty() || line.value == "1") return "1";
    return line.value == "0" ? std::optional<std::string>("0") : std::nullopt;
  }

  Span last_map() const {
    Lines maps = lines_of(section_, "map");
    return maps.empty() ? header_line() : maps.back()->span;
  }

  Span header_line() const {
    std::size_t end = text_.find('\n', section_.id_span.end);
    return {section_.span.begin, std::uint32_t(std::min(end, text_.size()))};
  }

  /// Options stand sorted below the maps.
  void insert(const std::string& key, const std::string& value) {
    Span above = header_line();
    for (const MappingLine& line : section_.lines)
      if (stays(line) && (is_map(line) || (line.span.begin > last_map().begin && line.key < key))) above = line.span;
    edits_.push_back(line_after(above, key, value));
  }

  void remove(const MappingLine& line) {
    edits_.push_back(removal(text_, line.span));
    removed_.push_back(&line);
  }

  bool stays(const MappingLine& line) const { return std::find(removed_.begin(), removed_.end(), &line) == removed_.end(); }

  std::string_view text_;
  const MappingSection& section_;
  Lines removed_;
  std::vector<Edit> edits_;
};

/// Does a header now stand too close to what was there before?
bool ends_in_section(std::string_view text) {
  bool open = false;
  for (std::string_view line : split(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, '\n'))
    if (!trim(line).starts_with('#')) open = !line.empty();
  return open;
}

Lines of_node(const MappingSection& section, std::string_view text, const std::string& node) {
  Lines found;
  Mappings all = read_mappings(make_source("pci.cfg", std::string(text)));
  const Mapping* mapping = all.find(section.id);
  for (const MappingLine& line : section.lines)
    for (const MappingEntry& entry : mapping ? mapping->entries : std::vector<MappingEntry>())
      if (entry.span.begin == line.value_span.begin && entry.node == node) found.push_back(&line);
  return found;
}

Result<std::string> without_section(std::string_view text, const MappingFile& file, const std::string& id) {
  std::vector<Edit> edits;
  for (const MappingSection& section : file.sections) {
    if (section.id != id) continue;
    if (Status clear = clear_of_bad_lines(text, file, section); !clear) return clear.error();
    Edit edit = removal(text, section.span);
    if (edit.span.end < text.size() && text[edit.span.end] == '\n') ++edit.span.end;
    edits.push_back(std::move(edit));
  }
  return edited(text, std::move(edits), id);
}

Failure no_such(std::string_view id) { return Failure{"there is no mapping " + quoted(id)}; }

}  // namespace

std::vector<std::string> check_mapping_change(const MappingChange& change) {
  std::vector<std::string> wrong;
  if (!is_mapping_id(change.id))
    wrong.push_back(quoted(change.id) + " is no name of a mapping: two or more of a-z 0-9 _ -, a letter first");
  std::vector<std::string> maps = change.maps.value_or(std::vector<std::string>());
  maps.insert(maps.end(), change.node_maps.begin(), change.node_maps.end());
  for (const std::string& map : maps) {
    std::string why = has_control(map) ? "it holds a control character" : check_map(map);
    if (!why.empty()) wrong.push_back("`map` " + quoted(map) + ": " + why);
  }
  if (change.maps && maps.empty()) wrong.push_back("a mapping needs a `map`");
  for (const auto& [key, value] : change.options) {
    std::string why = value ? check_option(key, *value) : "";
    if (!why.empty()) wrong.push_back(std::move(why));
  }
  return wrong;
}

Result<std::string> add_mapping(std::string_view text, const MappingChange& change) {
  MappingFile file = parse_mapping(text);
  if (section_of(file, change.id)) return Failure{"mapping " + quoted(change.id) + " is already defined"};
  std::string after(text);
  if (!text.empty() && !text.ends_with('\n')) after += '\n';
  if (ends_in_section(text)) after += '\n';
  after += change.id + "\n";
  for (const std::string& map : change.maps.value_or(std::vector<std::string>())) after += "\tmap " + map + "\n";
  for (const std::string& map : change.node_maps) after += "\tmap " + map + "\n";
  for (const auto& [key, value] : change.options)
    if (value) after += "\t" + key + " " + *value + "\n";
  return checked(text, after + "\n", change.id);
}

Result<std::string> set_mapping(std::string_view text, const MappingChange& change) {
  MappingFile file = parse_mapping(text);
  const MappingSection* section = section_of(file, change.id);
  if (!section) return no_such(change.id);
  if (Status clear = clear_of_bad_lines(text, file, *section); !clear) return clear.error();
  SectionEditor editor(text, *section);
  std::vector<std::string> maps = change.maps.value_or(std::vector<std::string>());
  maps.insert(maps.end(), change.node_maps.begin(), change.node_maps.end());
  if (change.maps)
    editor.replace(lines_of(*section, "map"), maps);
  else if (!change.node_maps.empty())
    editor.replace(of_node(*section, text, change.node), change.node_maps);
  for (const auto& [key, value] : change.options) editor.option(key, value);
  return edited(text, editor.take(), change.id);
}

Result<std::string> delete_mapping(std::string_view text, const std::string& id, const std::string& node) {
  MappingFile file = parse_mapping(text);
  const MappingSection* section = section_of(file, id);
  if (!section) return no_such(id);
  if (node.empty()) return without_section(text, file, id);
  if (Status clear = clear_of_bad_lines(text, file, *section); !clear) return clear.error();
  Lines gone = of_node(*section, text, node);
  if (gone.empty()) return Failure{"mapping " + quoted(id) + " has no entry for node " + quoted(node)};
  std::size_t sound = std::size_t(std::count_if(section->lines.begin(), section->lines.end(), is_sound_map));
  if (gone.size() == sound) return without_section(text, file, id);
  SectionEditor editor(text, *section);
  editor.replace(gone, {});
  return edited(text, editor.take(), id);
}

}  // namespace hostpci
