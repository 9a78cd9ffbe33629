// Proxmox's section files other than pci.cfg.
#include "config/section_config.hpp"

#include "text/words.hpp"

namespace hostpci {
namespace {

Span span_of(const std::string& text, std::string_view part) {
  auto begin = std::uint32_t(part.data() - text.data());
  return {begin, begin + std::uint32_t(part.size())};
}

/// "vm: 100": the type is one word that ends with a colon.
bool is_header(std::string_view line, const std::vector<std::string_view>& parts) {
  return parts.size() == 2 && parts[0].size() > 1 && parts[0].back() == ':' && line[0] != ' ' && line[0] != '\t';
}

}  // namespace

std::string_view Section::text(std::string_view key) const {
  auto at = values.find(key);
  return at == values.end() ? std::string_view() : at->second.value;
}

bool Section::flag(std::string_view key) const {
  auto at = values.find(key);
  return at != values.end() && (at->second.value.empty() || at->second.value == "1");
}

std::vector<Section> read_sections_of(const SourcePtr& source) {
  std::vector<Section> sections;
  bool open = false;
  for (std::string_view line : split(source->text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (parts.empty()) open = false;
    if (parts.empty() || parts[0][0] == '#') continue;
    if (!open) {
      open = is_header(line, parts);
      if (open)
        sections.push_back({parts[0].substr(0, parts[0].size() - 1), parts[1], span_of(source->text, trim(line)), {}});
      continue;
    }
    std::string_view rest = trim(trim(line).substr(parts[0].size()));
    sections.back().values[parts[0]] = {rest, span_of(source->text, rest.empty() ? parts[0] : rest)};
  }
  return sections;
}

}  // namespace hostpci
