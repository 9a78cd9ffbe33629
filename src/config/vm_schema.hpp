// The keys of a VM's configuration and what each may hold. Source: qemu-server QemuServer.pm ($confdesc) and the
// modules it draws on.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hostpci {

/// What a property of a property string holds.
enum class FieldKind : std::uint8_t { boolean, integer, number, word, text, alias };

/// One property of a property string. `words`: the only texts allowed; `accepts`: a pattern (null: any text).
struct Field {
  std::string_view name;
  FieldKind kind = FieldKind::text;
  std::span<const std::string_view> words = {};
  bool (*accepts)(std::string_view) = nullptr;
  std::int64_t least = INT64_MIN, most = INT64_MAX;  ///< integer, number
  bool required = false;
  bool bare = false;              ///< its key may be left out
  std::string_view stands_for{};  ///< alias: the field's real name
  std::size_t longest = SIZE_MAX;
};

enum class ValueKind : std::uint8_t {
  boolean,
  integer,
  number,
  word,        ///< one of `words`; PVE looks only when it is set, not when the file is read
  plain,       ///< any text; PVE strips a pair of double quotes
  list,        ///< items between , ; white space, each accepted by `accepts`
  checked,     ///< accepted by `accepts`
  properties,  ///< a property string of `fields`
  hostpci,
};

/// A key, or a family of keys: count > 0 means name0 … name(count-1).
struct KeySchema {
  std::string_view name;
  bool set = false;  ///< `set` writes it
  ValueKind kind = ValueKind::plain;
  int count = 0;
  std::span<const std::string_view> words = {};
  std::span<const Field> fields = {};
  bool (*accepts)(std::string_view) = nullptr;
  std::int64_t least = 0, most = INT64_MAX;
  std::size_t longest = SIZE_MAX;
};

std::span<const KeySchema> key_schemas();
/// The row of a key as it stands in a file ("hostpci3", "net0"), or null.
const KeySchema* key_schema(std::string_view key);

/// PVE's parse and check of a property string against its fields: empty if it is accepted, else why not.
std::string check_properties(std::span<const Field> fields, std::string_view value);

}  // namespace hostpci
