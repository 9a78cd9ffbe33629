// Proxmox's section files other than pci.cfg (ha/resources.cfg, ha/groups.cfg, ha/rules.cfg): "TYPE: ID", then lines of
// properties. Source: pve-common SectionConfig.pm.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/source.hpp"

namespace hostpci {

struct SectionValue {
  std::string_view value;  ///< empty for a lone word
  Span span;               ///< of the value; of the key for a lone word
};

struct Section {
  std::string_view type, id;
  Span span;  ///< of the header line
  std::map<std::string_view, SectionValue> values;

  std::string_view text(std::string_view key) const;  ///< empty if absent
  bool flag(std::string_view key) const;              ///< "1", or a lone word
};

/// The sections in order; what is no section is passed over. Views point into the source.
std::vector<Section> read_sections_of(const SourcePtr& source);

}  // namespace hostpci
