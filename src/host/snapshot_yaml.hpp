// The YAML below a snapshot: a tree with places, and the spelling of texts so that any bytes come back as they were.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// One node. In a map, `items` holds keys and values in turn; keys are always scalars.
struct Yaml {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  bool plain = true;         ///< a scalar without quotes
  int line = 0, column = 0;  ///< from 0, in bytes
  std::string text;          ///< of a scalar; bytes if it was tagged !bytes
  std::string tag;           ///< an explicit one other than !bytes, which is undone here
  std::vector<Yaml> items;

  bool is(Kind k) const { return kind == k; }
  std::size_t size() const { return kind == Kind::map ? items.size() / 2 : items.size(); }
};

/// What is refused beside bad YAML: aliases, more than one document, keys that are no scalars or stand twice, nesting
/// deeper than 64, scalars of more than 8 MiB, documents of more than 16 MiB or a million nodes, control characters and
/// bytes that are no UTF-8.
std::optional<Yaml> parse_yaml(const SourcePtr& source, Sink& sink);

/// A finding of rule "snapshot" at a node of `source`.
Diagnostic yaml_problem(const SourcePtr& source, int line, int column, std::string message);

/// A text as one scalar on one line: plain if no reader could take it for anything else, else in double quotes with
/// every unusual character escaped, as `!bytes "…"` (\xHH for each byte that is not printable ASCII) if it is no UTF-8.
std::string yaml_scalar(std::string_view text);
/// May the text stand as a literal block (several lines, nothing unusual)?
bool fits_block(std::string_view text);
/// The literal block below a key: "|" with chomping as needed, then the lines with `indent` blanks before each. Ends
/// with a line feed.
std::string yaml_block(std::string_view text, int indent);
/// "key:" or "? key\n:" where the key is too long for the short form. Nothing after the colon.
std::string yaml_key(std::string_view key, int indent);
/// "key: " or "? key : " inside braces.
std::string yaml_flow_key(std::string_view key);
/// A node on one line, in flow style: equal nodes have equal texts.
std::string yaml_flow(const Yaml& node);

}  // namespace hostpci
