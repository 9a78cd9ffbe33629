// /etc/pve/mapping/pci.cfg: sections of Proxmox's section-config format with their places.
// Source: pve-guest-common PVE/Mapping/PCI.pm, pve-common SectionConfig.pm.
#pragma once
#include <string_view>
#include <vector>

#include "text/span.hpp"

namespace hostpci {

/// One line of a section: "\tmap node=pve1,path=0000:01:00.0,…".
struct MappingLine {
  std::string_view key, value;
  Span span, key_span, value_span;
};

/// "gpu" alone on its line at column 1 (the type is implied), then its lines.
struct MappingSection {
  std::string_view id;
  Span span, id_span;  ///< span: from the header to the end of its last line
  std::vector<MappingLine> lines;
};

struct MappingFile {
  std::vector<MappingSection> sections;
  /// Lines PVE ignores: outside of sections; inside one, those that are no property (a header without an empty line
  /// above it).
  std::vector<Span> bad;
};

MappingFile parse_mapping(std::string_view text);

}  // namespace hostpci
