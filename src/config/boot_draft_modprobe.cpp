// Edits modprobe.d: in our own file where that counts, else in the very line that counts.
#include "config/boot_draft_modprobe.hpp"

#include <algorithm>

#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_below_etc(const SourcePtr& source) { return source->path.rfind("/etc/", 0) == 0; }

DraftRefusal refusal(const SourcePtr& source, Span span, std::string message) {
  return {source->path, std::uint32_t(source->position(span.begin).line), std::move(message)};
}

/// A file that could not be read may hold the line that counts.
Refused unread(const DraftFiles& files) {
  for (const auto& [path, why] : files.unreadable())
    if (path.find("/modprobe.d") != path.npos) return DraftRefusal{path, 0, why};
  return {};
}

// Options ----------------------------------------------------------------------------------------------------------------

/// One word "name=value" of an options line.
struct Option {
  PlacedDirective directive;
  PlacedText word;
  bool alone = false;  ///< the line has no other
};

std::vector<Option> options(const BootConfig& config, std::string_view module, std::string_view name) {
  std::vector<Option> result;
  for (const PlacedDirective& directive : config.directives(DirectiveKind::options, module)) {
    std::vector<PlacedText> all = joined_words(directive);
    for (const PlacedText& word : all)
      if (same_parameter(std::string_view(word.text).substr(0, word.text.find('=')), name))
        result.push_back({directive, word, all.size() == 1});
  }
  return result;
}

std::string value_of(const PlacedText& word) {
  std::size_t equals = word.text.find('=');
  return equals == std::string::npos ? std::string() : word.text.substr(equals + 1);
}

/// Takes the word out with the blank before it; the whole line if it has no other.
void erase(DraftFiles& files, const Option& option) {
  const std::string& text = option.word.source->text;
  Span span = option.alone ? option.directive.directive->span : option.word.span;
  if (option.alone && span.end < text.size()) ++span.end;
  if (!option.alone)
    while (span.begin > 0 && (text[span.begin - 1] == ' ' || text[span.begin - 1] == '\t')) --span.begin;
  files.edit(option.word.source->path, {{span, ""}});
}

std::string own_line(std::string_view module, std::string_view name, std::string_view value) {
  return std::string("options ").append(module).append(" ").append(name).append("=").append(value);
}

// ids= -------------------------------------------------------------------------------------------------------------------

std::vector<Option> id_lists(const DraftFiles& files) { return options(files.config(), "vfio-pci", "ids"); }

std::vector<std::string> ids_of(const Option& list) {
  std::string value = value_of(list.word);
  auto dropped = [](char c) { return c == '"' || c == '\r'; };  // the kernel takes a CR for a blank
  value.erase(std::remove_if(value.begin(), value.end(), dropped), value.end());
  std::vector<std::string> ids;
  for (std::string_view id : split(value, ','))
    if (!id.empty()) ids.emplace_back(id);
  return ids;
}

bool holds(const std::vector<std::string>& ids, std::string_view id) {
  return std::any_of(ids.begin(), ids.end(), [&](const std::string& i) { return lower(i) == lower(id); });
}

/// Where the next id of a list goes: before a closing quote or the CR of a line end, if there is one.
std::uint32_t end_of_ids(const Option& list) {
  std::string_view text = list.word.text;
  while (!text.empty() && (text.back() == '"' || text.back() == '\r')) text.remove_suffix(1);
  return list.word.span.end - std::uint32_t(list.word.text.size() - text.size());
}

/// The id where it stands in the bytes of the list, or an empty span.
Span find_id(const Option& list, std::string_view id) {
  const std::string& text = list.word.source->text;
  Span word = list.word.span;
  for (std::uint32_t at = word.begin; at + id.size() <= word.end; ++at) {
    auto boundary = [&](std::uint32_t i, std::uint32_t edge) {
      return i == edge || std::string_view(",=\"\\\r\n").find(text[i]) != std::string_view::npos;
    };
    auto end = at + std::uint32_t(id.size());
    bool whole = (at == word.begin || boundary(at - 1, word.end)) && boundary(end, word.end);
    if (whole && lower(text.substr(at, id.size())) == lower(id)) return {at, end};
  }
  return {};
}

void rewrite_own(DraftFiles& files, const Option& list, const std::vector<std::string>& ids) {
  if (ids.empty()) return erase(files, list), files.drop_if_bare(own::modprobe);
  files.edit(own::modprobe, {{list.word.span, "ids=" + join(ids, ",")}});
}

}  // namespace

bool is_vfio_id(std::string_view id) {
  auto parts = split(id, ':');
  if (parts.size() < 2 || parts.size() > 6 || parts[0].size() != 4 || parts[1].size() != 4) return false;
  return std::all_of(parts.begin(), parts.end(), [](auto part) { return part.size() <= 8 && number(part, 16); });
}

Refused add_modprobe_id(DraftFiles& files, std::string_view id) {
  if (Refused refused = unread(files)) return refused;
  std::vector<Option> lists = id_lists(files);
  if (lists.empty()) return files.add_own_line(own::modprobe, own_line("vfio-pci", "ids", id));
  const Option& list = lists.back();
  if (holds(ids_of(list), id)) return {};
  if (!is_below_etc(list.word.source))
    return refusal(list.word.source, list.word.span, "this list of ids counts, and it belongs to a package");
  if (list.word.source->path != own::modprobe)
    if (Refused refused = files.note({list.word.source->path, std::string(id), ""})) return refused;
  std::uint32_t end = end_of_ids(list);
  files.edit(list.word.source->path, {{{end, end}, (ids_of(list).empty() ? "" : ",") + std::string(id)}});
  return {};
}

/// From the last list on: new ids went to the one that counts.
void remove_modprobe_id(DraftFiles& files, std::string_view id) {
  std::vector<Option> lists = id_lists(files);
  std::reverse(lists.begin(), lists.end());
  for (const Option& list : lists) {
    const std::string& path = list.word.source->path;
    std::vector<std::string> ids = ids_of(list);
    if (!holds(ids, id)) continue;
    if (path == own::modprobe) {
      ids.erase(std::remove_if(ids.begin(), ids.end(), [&](auto& i) { return lower(i) == lower(id); }), ids.end());
      return rewrite_own(files, list, ids);
    }
    auto entry = files.entry(path, id);
    Span span = entry ? find_id(list, id) : Span{};
    if (span.begin == span.end) continue;
    const std::string& text = list.word.source->text;
    bool after = text[span.begin - 1] != ',' && span.end < list.word.span.end && text[span.end] == ',';
    if (text[span.begin - 1] == ',') --span.begin;
    if (after) ++span.end;
    files.forget(path, id);
    return files.edit(path, {{span, ""}});
  }
}

Refused merge_modprobe_ids(DraftFiles& files) {
  if (Refused refused = unread(files)) return refused;
  std::vector<Option> lists = id_lists(files);
  if (lists.size() < 2) return {};
  std::vector<std::string> all;
  for (const Option& list : lists) {
    if (!is_below_etc(list.word.source))
      return refusal(list.word.source, list.word.span, "this list of ids belongs to a package");
    for (const std::string& id : ids_of(list))
      if (!holds(all, id)) all.push_back(id);
  }
  files.edit(lists.back().word.source->path, {{lists.back().word.span, "ids=" + join(all, ",")}});
  while ((lists = id_lists(files)).size() > 1) {
    erase(files, lists.front());
    files.drop_if_bare(own::modprobe);
  }
  return {};
}

Refused add_softdep_line(DraftFiles& files, std::string_view driver) {
  for (const PlacedDirective& directive : files.config().directives(DirectiveKind::softdep, driver)) {
    bool before = false;
    for (const PlacedText& word : joined_words(directive)) {
      if (word.text == "pre:" || word.text == "post:") before = word.text == "pre:";
      if (before && same_module(word.text, "vfio-pci")) return {};
    }
  }
  return files.add_own_line(own::modprobe, "softdep " + std::string(driver) + " pre: vfio-pci");
}

Refused add_blacklist_line(DraftFiles& files, std::string_view module) {
  if (!files.config().directives(DirectiveKind::blacklist, module).empty()) return {};
  return files.add_own_line(own::modprobe, "blacklist " + std::string(module));
}

void remove_modprobe_lines(DraftFiles& files, DirectiveKind kind, std::string_view module, std::string_view option) {
  for (const std::string& line : files.own_lines(own::modprobe)) {
    ModprobeFile file = parse_modprobe(line);
    if (file.directives.size() != 1) continue;
    const ModprobeDirective& d = file.directives.front();
    if (d.kind != kind || !same_module(d.module.text, module)) continue;
    std::string_view word = d.words.empty() ? std::string_view() : d.words.front().text;
    if (option.empty() || same_parameter(word.substr(0, word.find('=')), option))
      files.remove_own_line(own::modprobe, line);
  }
}

Refused add_module_option(DraftFiles& files, std::string_view module, std::string_view name, std::string_view value) {
  if (Refused refused = unread(files)) return refused;
  std::vector<Option> all = options(files.config(), module, name);
  if (!all.empty() && value_of(all.back().word) == value) return {};
  const std::string ours = std::string(own::modprobe).substr(std::string("/etc/modprobe.d/").size());
  auto base = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  if (all.empty() || base(all.back().word.source->path) <= ours) {  // ours comes later, and counts
    remove_modprobe_lines(files, DirectiveKind::options, module, name);
    return files.add_own_line(own::modprobe, own_line(module, name, value));
  }
  const Option& last = all.back();
  if (!is_below_etc(last.word.source))
    return refusal(last.word.source, last.word.span, "this option counts, and it belongs to a package");
  std::string text = std::string(name).append("=").append(value), old(slice(last.word.source->text, last.word.span));
  if (!last.word.exact) return refusal(last.word.source, last.word.span, "a continued line runs through this option");
  auto entry = files.entry(last.word.source->path, old);
  files.forget(last.word.source->path, old);
  if (Refused refused = files.note({last.word.source->path, text, entry ? entry->replaced : old})) return refused;
  files.edit(last.word.source->path, {{last.word.span, text}});
  return {};
}

void remove_module_option(DraftFiles& files, std::string_view module, std::string_view name) {
  remove_modprobe_lines(files, DirectiveKind::options, module, name);
  for (const Option& option : options(files.config(), module, name)) {
    const std::string& path = option.word.source->path;
    auto entry = files.entry(path, slice(option.word.source->text, option.word.span));
    if (!entry || entry->replaced.empty()) continue;
    files.forget(path, entry->text);
    return files.edit(path, {{option.word.span, entry->replaced}});
  }
}

}  // namespace hostpci
