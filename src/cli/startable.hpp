// A VM as Proxmox VE would start it on this host: what showcmd and export show, and why it would not start.
#pragma once
#include <string>

#include "cli/output.hpp"
#include "cli/world.hpp"
#include "rules/resolve.hpp"

namespace hostpci {

struct Startable {
  Vm vm;
  const Host* host = nullptr;
  const Mappings* mappings = nullptr;
};

/// Reads ids, paths and mdev types of devices; warns of lines that PVE drops. `name`: VMID or path.
Result<Startable> read_startable(World&, const std::string& name);
void print_refusals(const Vm&, const std::vector<Refusal>&, const Globals&, Output&);

}  // namespace hostpci
