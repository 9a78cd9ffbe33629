// Resource mappings of the cluster (/etc/pve/mapping/pci.cfg) as PVE reads them.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"
#include "grammar/mapping.hpp"
#include "text/source.hpp"

namespace hostpci {

/// One `map` line. Texts are as typed: PVE compares text.
struct MappingEntry {
  std::string_view node, path, id, subsystem_id, iommugroup, description;
  std::vector<std::string_view> paths;  ///< path cut at ';': functions of one multifunction device
  Span span;                            ///< the line's value
  Span node_span, path_span, id_span, subsystem_span, group_span;
};

struct Mapping {
  std::string_view id;
  std::vector<MappingEntry> entries;
  bool mdev = false, live_migration = false;
  std::string_view description;
  Span id_span;
  std::optional<Span> mdev_span, live_span;
};

struct Mappings {
  SourcePtr source;  ///< null: no pci.cfg
  std::map<std::string_view, Mapping> by_id;
  std::vector<Diagnostic> findings;  ///< sections PVE skips (rule cluster-mapping-not-found explains; message says why)
  const Mapping* find(std::string_view id) const;
};

Mappings read_mappings(SourcePtr source);

/// Two or more of a-z 0-9 _ - in any letter case, a letter first (pve-configid).
bool is_mapping_id(std::string_view id);
/// PVE's check of one `map` value: empty if it is accepted, else why not.
std::string check_map(std::string_view value);

}  // namespace hostpci
