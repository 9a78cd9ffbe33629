// What a value of a VM's configuration may be, when it is read and when it is set, and what PVE makes of it.
#include <algorithm>

#include "config/vm.hpp"
#include "config/vm_lists.hpp"
#include "config/vm_schema.hpp"
#include "grammar/property_string.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::size_t characters(std::string_view text) {
  std::size_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(character_size(text));
  return n;
}

/// Digits, with a fraction if `fraction`.
bool is_number(std::string_view text, bool fraction) {
  std::size_t dot = fraction ? text.find('.') : text.npos;
  if (dot == text.npos) return digits(text);
  return digits(text.substr(0, dot)) && digits(text.substr(dot + 1));
}

std::string one_of(std::span<const std::string_view> words) {
  std::string out;
  for (std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
  return out;
}

std::string check_word(std::string_view value, std::span<const std::string_view> words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return "";
  std::string message = quoted(value) + " is none of " + one_of(words);
  if (auto near = closest(value, words)) message += "; did you mean " + quoted(*near) + "?";
  return message;
}

std::string check_range(std::string_view value, std::int64_t least, std::int64_t most) {
  bool negative = value.starts_with('-');
  std::string_view whole = value.substr(0, value.find('.'));
  auto magnitude = number(whole.substr(whole.starts_with('-') || whole.starts_with('+')));
  bool huge = !magnitude || *magnitude > std::uint64_t(INT64_MAX);
  std::int64_t n = huge ? INT64_MAX : std::int64_t(*magnitude);
  if (negative) n = -n;
  bool above = n > most || (n == most && whole.size() < value.size() &&
                            value.find_first_not_of("0", whole.size() + 1) != value.npos);
  if (n >= least && !above) return "";
  if (n < least) return quoted(value) + " is less than " + std::to_string(least);
  return quoted(value) + " is more than " + std::to_string(most);
}

std::string check_number(std::string_view value, const Field& field) {
  std::string_view unsigned_part = value.substr(value.starts_with('-') || value.starts_with('+'));
  bool whole = field.kind == FieldKind::integer;
  if (!is_number(unsigned_part, !whole)) return quoted(value) + (whole ? " is no whole number" : " is no number");
  return check_range(value, field.least, field.most);
}

std::string check_field(const Field& field, std::string_view value) {
  if (value.size() > field.longest) return "more than " + count(field.longest, "character");
  switch (field.kind) {
    case FieldKind::boolean:
      return parse_boolean(value) ? "" : quoted(value) + " is no boolean (1, 0, on, off, yes, no, true, false)";
    case FieldKind::integer:
    case FieldKind::number:
      return check_number(value, field);
    case FieldKind::word:
      return check_word(value, field.words);
    default:
      return !field.accepts || field.accepts(value) ? "" : quoted(value) + " is not what it may hold";
  }
}

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
  if (found == fields.end()) return nullptr;
  return found->kind == FieldKind::alias ? find_field(fields, found->stands_for) : &*found;
}

const Field* bare_field(std::span<const Field> fields) {
  auto found = std::find_if(fields.begin(), fields.end(), [](const Field& f) { return f.bare; });
  return found == fields.end() ? nullptr : &*found;
}

std::string unknown_property(std::span<const Field> fields, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Field& field : fields) names.push_back(field.name);
  std::string message = "unknown property " + quoted(name);
  if (auto near = closest(name, names)) message += "; did you mean " + quoted(*near) + "?";
  return message;
}

/// The field that a property means; a bare one means the default field.
const Field* field_of(std::span<const Field> fields, const Property& property) {
  return property.key.empty() ? bare_field(fields) : find_field(fields, property.key);
}

std::string check_list(const KeySchema& row, std::string_view value) {
  for (std::string_view item : list_items(value))
    if (!row.accepts(item)) return quoted(item) + " is not what the list may hold";
  return "";
}

std::string check_hostpci(std::string_view value) {
  Hostpci parsed = parse_hostpci(value);
  return parsed.ok() ? "" : parsed.errors.front().message;
}

/// The check of a line that is read, by the key's row.
std::string check_kind(const KeySchema& row, std::string_view value) {
  switch (row.kind) {
    case ValueKind::boolean:
      return parse_boolean(value) ? "" : quoted(value) + " is no boolean (1, 0, on, off, yes, no, true, false)";
    case ValueKind::integer:
      return is_number(value, false) ? "" : quoted(value) + " is no whole number";
    case ValueKind::number:
      return is_number(value, true) ? "" : quoted(value) + " is no number";
    case ValueKind::list:
      return check_list(row, value);
    case ValueKind::checked:
      return row.accepts(value) ? "" : quoted(value) + " is not what " + std::string(row.name) + " may hold";
    case ValueKind::properties:
      return check_properties(row.fields, value);
    case ValueKind::hostpci:
      return check_hostpci(value);
    default:
      return "";
  }
}

std::string without_quotes(std::string_view value) {
  bool paired = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return std::string(paired ? value.substr(1, value.size() - 2) : value);
}

std::string without_zeros(std::string_view value) {
  std::size_t first = std::min(value.find_first_not_of('0'), value.size() - 1);
  return std::string(value.substr(first));
}

void put_boolean(std::string& out, Span span, std::string_view value) {
  if (auto flag = parse_boolean(value)) out.replace(span.begin, span.size(), *flag ? "1" : "0");
}

std::string with_plain_booleans(const KeySchema& row, std::string_view value) {
  std::string out(value);
  PropertyString parsed = parse_property_string(value);
  for (auto property = parsed.properties.rbegin(); property != parsed.properties.rend(); ++property) {
    const Field* field = field_of(row.fields, *property);
    if (field && field->kind == FieldKind::boolean) put_boolean(out, property->value_span, property->value);
  }
  return out;
}

std::string hostpci_with_plain_booleans(std::string_view value) {
  std::string out(value);
  Hostpci parsed = parse_hostpci(value);
  for (auto property = parsed.properties.rbegin(); property != parsed.properties.rend(); ++property)
    if (type(property->key) == HostpciType::boolean) put_boolean(out, property->value_span, property->value);
  return out;
}

}  // namespace

// As PVE::JSONSchema::parse_property_string and its check against the schema.
std::string check_properties(std::span<const Field> fields, std::string_view value) {
  PropertyString parsed = parse_property_string(value);
  std::vector<const Field*> seen;
  std::string first;
  for (const Property& property : parsed.properties) {
    const Field* field = field_of(fields, property);
    if (!field) return property.key.empty() ? "a value without a property" : unknown_property(fields, property.key);
    if (std::find(seen.begin(), seen.end(), field) != seen.end()) return quoted(field->name) + " stands twice";
    seen.push_back(field);
    std::string wrong = check_field(*field, property.value);
    if (first.empty() && !wrong.empty()) first = std::string(field->name) + ": " + wrong;
  }
  if (parsed.broken) return "a property without a name or a value";
  for (const Field& field : fields)
    if (first.empty() && field.required && std::find(seen.begin(), seen.end(), &field) == seen.end())
      first = quoted(field.name) + " is missing";
  return first;
}

std::string check_loaded(std::string_view key, std::string_view value) {
  const KeySchema* row = key_schema(key);
  if (!row) return "unknown key " + quoted(key);
  if (value.find_first_of("\r\n") != value.npos) return "a line feed or carriage return inside";
  return row->set ? check_kind(*row, value) : "";
}

std::string check_value(std::string_view key, std::string_view value) {
  const KeySchema* row = key_schema(key);
  if (!row || !row->set) return "unknown key " + quoted(key);
  bool too_long = value.size() > row->longest && characters(value) > row->longest;
  if (too_long) return "more than " + count(row->longest, "character");
  if (row->name == "description") return "";
  if (row->kind == ValueKind::word) return check_word(value, row->words);
  std::string wrong = check_loaded(key, value);
  if (wrong.empty() && row->kind == ValueKind::integer) wrong = check_range(value, row->least, row->most);
  return wrong;
}

std::string loaded_value(std::string_view key, std::string_view value) {
  const KeySchema* row = key_schema(key);
  if (!row || !row->set) return std::string(value);
  switch (row->kind) {
    case ValueKind::boolean:
      return parse_boolean(value).value_or(false) ? "1" : "0";
    case ValueKind::integer:
      return value.empty() ? "" : without_zeros(value);
    case ValueKind::word:
    case ValueKind::plain:
      return without_quotes(value);
    default:
      return std::string(value);
  }
}

std::string written_value(std::string_view key, std::string_view value) {
  const KeySchema* row = key_schema(key);
  if (!row) return std::string(value);
  switch (row->kind) {
    case ValueKind::boolean:
      return parse_boolean(value).value_or(false) ? "1" : "0";
    case ValueKind::properties:
      return with_plain_booleans(*row, value);
    case ValueKind::hostpci:
      return hostpci_with_plain_booleans(value);
    default:
      return std::string(value);
  }
}

bool is_vm_key(std::string_view key) { return key_schema(key) != nullptr; }

bool is_set_key(std::string_view key) {
  const KeySchema* row = key_schema(key);
  return row && row->set;
}

}  // namespace hostpci
