// What `bind` and `unbind` tell of devices that went from driver to driver.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "cli/output.hpp"
#include "host/host.hpp"
#include "live/placement.hpp"

namespace hostpci {

struct MovesTold {
  const Host& before;
  const std::vector<Move>& moves;
  const std::map<PciAddress, std::string>& drivers;  ///< what those that were moved are on now; with --dry-run none is
};

/// "0000:01:00.0: is on vfio-pci already"
std::string already_there(const Move&);

/// "0000:01:00.0: e1000e -> vfio-pci (group 14, viable)" for each, and how to undo it. `bound`: viability counts, and `unbind` undoes.
void tell_moves(const MovesTold&, bool bound, Output&);

/// The same as an object: address, before, after, group, viable, writes.
void tell_moves_json(const MovesTold&, bool dry, Output&);

/// On standard error, of each group that was touched and is not viable now: what is in the way. `hint`: --group would take it.
void tell_blockers(const MovesTold&, bool hint);

}  // namespace hostpci
