// pci.cfg as PVE reads it: which maps and sections it takes, and which it skips and why.
// Source: pve-guest-common Mapping/PCI.pm, pve-common SectionConfig.pm.
#include "config/mapping.hpp"

#include <algorithm>

#include "config/vm_patterns.hpp"
#include "config/vm_schema.hpp"
#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool hex_digits(std::string_view text, bool upper) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (upper && c >= 'A' && c <= 'F');
  });
}

/// "10de:2684"
bool is_id(std::string_view text) {
  return text.size() == 9 && text[4] == ':' && hex_digits(text.substr(0, 4), true) && hex_digits(text.substr(5), true);
}

/// "0000:41:00", "0000:41:00.0"; PVE's pattern takes any character for the dot.
bool is_path_element(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == text.npos || colon < 4 || !hex_digits(text.substr(0, colon), false)) return false;
  std::string_view rest = text.substr(colon + 1);
  if (rest.size() != 5 && rest.size() != 7) return false;
  bool slot = rest[2] == ':' && hex_digits(rest.substr(0, 2), false) && hex_digits(rest.substr(3, 2), false);
  return slot && (rest.size() == 5 || hex_digits(rest.substr(6), false));
}

bool is_path(std::string_view text) {
  auto elements = split(text, ';');
  return !elements.empty() && !text.ends_with(';') && std::all_of(elements.begin(), elements.end(), is_path_element);
}

bool is_node(std::string_view text) { return text.find('.') == text.npos && is_dns_name(text); }

constexpr Field map_fields[] = {
    {.name = "node", .accepts = is_node, .required = true}, {.name = "id", .accepts = is_id, .required = true},
    {.name = "path", .accepts = is_path, .required = true}, {.name = "subsystem-id", .accepts = is_id},
    {.name = "iommugroup", .kind = FieldKind::integer},     {.name = "description", .longest = 4096},
};

/// 0, 1, or nothing at all for 1.
std::optional<bool> flag(std::string_view value) {
  if (value.empty() || value == "1") return true;
  return value == "0" ? std::optional<bool>(false) : std::nullopt;
}

MappingEntry read_entry(const MappingLine& line) {
  MappingEntry entry;
  entry.span = line.value_span;
  PropertyString parsed = parse_property_string(line.value, line.value_span.begin);
  auto take = [&](std::string_view key, std::string_view& value, Span* span) {
    const Property* property = parsed.find(key);
    if (!property) return;
    value = property->value;
    if (span) *span = property->value_span;
  };
  take("node", entry.node, &entry.node_span);
  take("path", entry.path, &entry.path_span);
  take("id", entry.id, &entry.id_span);
  take("subsystem-id", entry.subsystem_id, &entry.subsystem_span);
  take("iommugroup", entry.iommugroup, &entry.group_span);
  take("description", entry.description, nullptr);
  entry.paths = split(entry.path, ';');
  return entry;
}

/// Reads sections into `out` and tells what PVE would skip.
class Reader {
 public:
  explicit Reader(Mappings& out) : out_(out) {}

  void section(const MappingSection& section) {
    if (!is_mapping_id(section.id))
      return skip(section.id_span,
                  "`" + std::string(section.id) +
                      "` is no name of a mapping (two or more of a-z 0-9 _ -, a letter first): PVE skips all below it");
    Mapping mapping{section.id};
    mapping.id_span = section.id_span;
    for (const MappingLine& item : section.lines) line(mapping, item);
    if (mapping.entries.empty())
      return skip(section.id_span,
                  "mapping `" + std::string(section.id) +
                      "` has no `map` line that PVE accepts: PVE skips it, and refuses to write the file");
    out_.by_id.insert_or_assign(mapping.id, std::move(mapping));
  }

  void skip(Span span, std::string message) {
    Diagnostic finding;
    finding.rule = "cluster-mapping-not-found";
    finding.severity = Severity::warning;
    finding.message = std::move(message);
    finding.place = {out_.source, span};
    out_.findings.push_back(std::move(finding));
  }

 private:
  void line(Mapping& mapping, const MappingLine& line) {
    if (line.key == "map") return map(mapping, line);
    if (line.key == "mdev") return boolean(line, mapping.mdev, mapping.mdev_span);
    if (line.key == "live-migration-capable") return boolean(line, mapping.live_migration, mapping.live_span);
    if (line.key == "description") {
      if (mapping.description.empty()) mapping.description = line.value;
      return;
    }
    skip(line.key_span, "unknown key `" + std::string(line.key) + "` in mapping `" + std::string(mapping.id) +
                            "`: PVE skips the line");
  }

  void map(Mapping& mapping, const MappingLine& line) {
    std::string wrong = check_map(line.value);
    if (wrong.empty()) return mapping.entries.push_back(read_entry(line));
    skip(line.value_span, "PVE skips this `map` of mapping `" + std::string(mapping.id) + "`: " + wrong);
  }

  void boolean(const MappingLine& line, bool& value, std::optional<Span>& span) {
    if (span) return;  // PVE keeps the first
    auto parsed = flag(line.value);
    if (!parsed) return skip(line.value_span, "`" + std::string(line.key) + "` is 0 or 1: PVE skips the line");
    value = *parsed;
    span = line.span;
  }

  Mappings& out_;
};

}  // namespace

const Mapping* Mappings::find(std::string_view id) const {
  auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : &found->second;
}

bool is_mapping_id(std::string_view id) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return id.size() >= 2 && letter(id[0]) && std::all_of(id.begin(), id.end(), inner);
}

std::string check_map(std::string_view value) { return check_properties(map_fields, value); }

Mappings read_mappings(SourcePtr source) {
  Mappings out;
  out.source = source;
  if (!source) return out;
  MappingFile file = parse_mapping(source->text);
  Reader reader(out);
  for (const MappingSection& section : file.sections) reader.section(section);
  for (Span bad : file.bad) reader.skip(bad, "PVE ignores this line");
  return out;
}

}  // namespace hostpci
