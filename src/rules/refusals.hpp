// The preconditions that qemu-server checks of one hostpci line, each under the rule that tells of it.
// Source: qemu-server PCI.pm (parse_hostpci, parse_hostpci_devices), pve-guest-common Mapping/PCI.pm (assert_valid).
#pragma once
#include "rules/resolve.hpp"

namespace hostpci {

/// What a line's checks need to know of its VM.
struct LineContext {
  const Vm& vm;
  const Host& host;
  Machine machine;
  bool legacy_igd_seen = false;  ///< an earlier line has legacy-igd

  bool devices_known() const { return !host.devices.empty(); }
};

/// Adds a refusal to the line, pointing at that property (at the whole value if it is absent).
Refusal& refuse(ResolvedLine&, std::string_view rule, HostpciKey, std::string message);

/// One entry of a mapping against the host: path, id, iommugroup, mdev, subsystem-id, in PVE's order.
void check_mapping_entry(ResolvedLine&, const Mapping&, const MappingEntry&, const Host&);

/// pcie, then legacy-igd in PVE's order.
void check_machine(ResolvedLine&, LineContext&);

}  // namespace hostpci
