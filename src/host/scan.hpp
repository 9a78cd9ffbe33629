// Reading the host: the whole of it, or only what a command needs.
#pragma once
#include <set>
#include <string>

#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// Parts of a host that can be left unread. Start-up is a feature: `devices` needs no boot files, `showcmd` no uses.
struct HostParts {
  bool details = true;  ///< per device: BARs, power, reset, interrupts, mdev types
  bool uses = true;     ///< disks, networks, consoles below each device
  bool kernel = true;
  bool files = true;         ///< configuration files, packages
  bool running = true;       ///< running VMs, mdevs
  bool capabilities = true;  ///< ACS, FLR (libpci)
};

/// Never fails: what cannot be read is unknown.
Host scan_host(const FileSystem& system, const HostParts& parts = {});

/// Fills host.roms for these file names (relative to /usr/share/kvm, as romfile= has them). Names that lead out of the
/// directory are left out.
void read_roms(const FileSystem& system, const std::set<std::string>& names, Host& host);

/// Fills host.links for these paths below /dev/disk; those that do not exist are left out.
void read_links(const FileSystem& system, const std::set<std::string>& paths, Host& host);

}  // namespace hostpci
