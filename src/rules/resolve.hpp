// What PVE makes of a VM's hostpci lines on this host: which functions, in which order, or why it refuses.
// The resolution and the refusals of qemu-server's PCI.pm (parse_hostpci_devices, choose_hostpci_devices), shared by
// showcmd, lint and set.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/machine.hpp"
#include "config/mapping.hpp"
#include "config/vm.hpp"
#include "host/host.hpp"

namespace hostpci {

/// PVE would not start the VM: with the rule that says why.
struct Refusal {
  std::string rule;                     ///< "device-device-missing", "vm-pcie-needs-q35", "cluster-mapping-id" …
  std::string message;                  ///< whole, in our words
  int index = -1;                       ///< hostpciN, or -1 for the VM
  HostpciKey key = HostpciKey::host;    ///< the property to point at
  Span span;                            ///< in the VM's file
  const MappingEntry* entry = nullptr;  ///< the `map` line it is about
  std::string path;                     ///< of that entry: the device meant
  std::string expected;                 ///< what the entry would have to say; empty: nothing
};

/// One hostpci line with the functions it may take.
struct ResolvedLine {
  HostpciLine line;
  /// host=: one choice, all functions that its elements match, in PVE's order. mapping=: one choice an entry of this
  /// node.
  std::vector<std::vector<PciAddress>> choices;
  std::vector<PciAddress>
      functions;  ///< the choice taken when the lines are resolved in order; the first one where that failed
  const Mapping* mapping = nullptr;
  bool nvidia = false;            ///< mdev=nvidia-N on a device of NVIDIA's own framework: PVE passes the device itself
  bool mdev = false;              ///< a mediated device is made (mdev= set, not 0, and not `nvidia`)
  std::vector<Refusal> refusals;  ///< about this line alone
  bool multifunction() const { return functions.size() > 1; }
};

struct Resolution {
  std::vector<ResolvedLine> lines;
  std::vector<Refusal>
      refusals;  ///< all, in the order in which PVE would meet them; empty: PVE starts it as far as hostpci goes
};

/// The functions that one host= element means on this host: the text is a prefix of the name, with or without "0000:"
/// (PCI.pm find_on_host).
std::vector<PciAddress> matching_functions(const Host&, std::string_view element);

/// Every function that a line of these VMs may take at the next start.
std::set<PciAddress> assigned_functions(const std::vector<Vm>&, const Host&, const Mappings&);

/// `lines`: the main section's (showcmd) or the next start's (lint). An unknown device list refuses nothing.
Resolution resolve(const Vm&, std::vector<HostpciLine> lines, const Host&, const Mappings&);

}  // namespace hostpci
