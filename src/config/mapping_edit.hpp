// Changes of pci.cfg: what is new is written as PVE writes it, everything else stays byte for byte.
// Source: pve-common SectionConfig.pm (write_config), pve-guest-common Mapping/PCI.pm.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/result.hpp"

namespace hostpci {

/// What is asked of one mapping, in the words of PVE's API.
struct MappingChange {
  std::string id;
  std::optional<std::vector<std::string>> maps;               ///< all `map` lines; those that stand are replaced
  std::string node;                                           ///< whose entries `node_maps` are
  std::vector<std::string> node_maps;                         ///< the node's `map` lines from now on; empty: they stay
  std::map<std::string, std::optional<std::string>> options;  ///< "mdev" -> "1"; nothing: the line is taken out
};

/// Values that PVE's API refuses, or that would break the file: one message each.
std::vector<std::string> check_mapping_change(const MappingChange&);

/// The text of pci.cfg with the change; all three refuse to make a file that PVE could not write again (a mapping whose last section has
/// no `map` that PVE accepts), and to touch a section that holds a line which PVE ignores.
Result<std::string> add_mapping(std::string_view text, const MappingChange&);
Result<std::string> set_mapping(std::string_view text, const MappingChange&);
/// With a node only its entries; the mapping goes with its last entry.
Result<std::string> delete_mapping(std::string_view text, const std::string& id, const std::string& node = {});

}  // namespace hostpci
