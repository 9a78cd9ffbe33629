// The hostpci line to write for a device on this host, in one VM or in any: each property with its reason, and what
// lint says of the line.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"
#include "rules/facts.hpp"

namespace hostpci {

struct SuggestedProperty {
  HostpciKey key = HostpciKey::host;
  std::string value;
  std::string reason;
};

/// A property that is not written, and why, or when one would write it.
struct LeftOut {
  std::string what;  ///< "x-vga=1"
  std::string reason;
};

struct Suggestion {
  std::string refusal;                        ///< why no line is proposed; then all below is empty but `functions`
  std::vector<const Device*> functions;       ///< that the line takes, in address order
  std::vector<SuggestedProperty> properties;  ///< mapping or host first
  std::vector<LeftOut> left_out;
  std::vector<MdevType> types;  ///< mediated types to choose from
  std::string mapping_command;  ///< makes a mapping of the device; empty if one is used or the node's name is not known
  std::optional<int> index;     ///< the VM's lowest free N; nothing without a VM or if all are taken
  std::vector<std::string> notes;  ///< about the VM as a whole

  std::string value() const;  ///< the property string; host without its key, as Proxmox VE writes it
  std::string key() const;    ///< "hostpci2", "hostpci0" without a VM
};

/// Devices that a typed address means; empty: none on this host.
std::vector<const Device*> meant_devices(const Host&, const AddressPattern&);

/// `pattern` must mean a device of the host. `vm`: null if no VM is named.
Suggestion suggest_line(const Facts&, const AddressPattern& pattern, const Vm* vm);

/// What lint finds in the line itself, warnings and errors, if it stood in the VM (in a q35 VM with OVMF if none is
/// named). `vms`: all of the node's, `vm` among them.
std::vector<Diagnostic> findings_of(const Suggestion&, const Facts&, const std::vector<Vm>& vms, const Vm* vm);

}  // namespace hostpci
