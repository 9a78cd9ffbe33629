// The VM configuration file: every line with its place, in sections. What PVE makes of a key is src/config's matter.
// Source: qemu-server QemuServer.pm parse_vm_config.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

enum class LineKind : std::uint8_t {
  blank,
  comment,    ///< "#text": a line of the description
  assignment, ///< "key: value"
  section,    ///< "[name]"
  bad,        ///< anything else: PVE warns and drops it
};

/// `span` is the line without its end; `full` includes the line end (LF, CRLF) as far as there is one.
struct ConfigLine {
  LineKind kind = LineKind::bad;
  Span span, full;
  std::string_view key, value;  ///< assignment; a section's name is in key; a comment's text (after '#') in value
  Span key_span, value_span;    ///< value without white space at both ends, as PVE takes it
};

enum class SectionKind : std::uint8_t { main, pending, special, snapshot, unknown };

struct ConfigSection {
  SectionKind kind = SectionKind::main;
  std::string_view name;          ///< as in the header, of a special one without "special:"; empty for main
  std::size_t header = npos;      ///< line index of "[name]"
  std::size_t begin = 0, end = 0; ///< lines [begin, end), without the header
  static constexpr std::size_t npos = std::size_t(-1);
};

struct VmConfig {
  std::vector<ConfigLine> lines;
  std::vector<ConfigSection> sections;  ///< the first is main, even if empty
};

/// Any bytes (NUL, invalid UTF-8, lines of a megabyte, no last line feed); the views point into `text`.
VmConfig parse_vm_config(std::string_view text);

}  // namespace hostpci
