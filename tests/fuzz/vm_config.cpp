// Any bytes as a VM configuration: the lines give the text back, sections cover them, values are pieces of it.
#include "grammar/vm_config.hpp"

#include "holds.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const VmConfig config = parse_vm_config(text);
  std::uint32_t at = 0;
  for (const ConfigLine& line : config.lines) {
    HOLDS(line.full.begin == at && inside(text, line.full) && line.full.size() > 0);
    HOLDS(line.span.begin == at && line.span.end <= line.full.end);
    at = line.full.end;
    HOLDS(slice(text, line.full).find('\n') >= line.full.size() - 1);
    const bool has_key = line.kind == LineKind::assignment || line.kind == LineKind::section;
    const bool has_value = line.kind == LineKind::assignment || line.kind == LineKind::comment;
    HOLDS(has_key ? is_slice(text, line.key_span, line.key) : line.key.empty());
    HOLDS(has_value ? is_slice(text, line.value_span, line.value) : line.value.empty());
    HOLDS(line.kind != LineKind::assignment || (!line.key.empty() && !line.value.empty()));
  }
  HOLDS(at == text.size());
  HOLDS(!config.sections.empty() && config.sections[0].kind == SectionKind::main);
  std::size_t next = 0;
  for (const ConfigSection& s : config.sections) {
    const bool main = s.header == ConfigSection::npos;
    HOLDS(main == (s.kind == SectionKind::main) && s.begin == next + !main && s.begin <= s.end);
    if (!main) HOLDS(s.header == next && config.lines[s.header].kind == LineKind::section);
    if (!main) HOLDS(config.lines[s.header].key.ends_with(s.name));
    for (std::size_t i = s.begin; i < s.end; ++i) HOLDS(config.lines[i].kind != LineKind::section);
    next = s.end;
  }
  HOLDS(next == config.lines.size());
  return 0;
}
