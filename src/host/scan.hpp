// Reading the host: the whole of it, or only what a command needs.
#pragma once
#include <set>
#include <string>

#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// Parts of a host that can be left unread. Start-up is a feature: `devices` needs no boot files, `showcmd` no uses.
struct HostParts {
  bool details = true;  ///< per device: BARs, override, virtual functions, mdev types
  bool uses = true;     ///< disks, networks, consoles below each device
  bool kernel = true;
  bool files = true;         ///< configuration files, packages
  bool running = true;       ///< running VMs, mdevs
  bool capabilities = true;  ///< ACS, FLR (libpci): to read configuration space wakes a device that sleeps
  bool state = true;         ///< among the details: interrupts, power, reset method, NUMA node
  const std::set<PciAddress>* only = nullptr;  ///< of the devices these alone; null: all
};

/// Never fails: what cannot be read is unknown.
Host scan_host(const FileSystem& system, const HostParts& parts = {});

/// Fills what HostParts::state and ::capabilities leave out, of these devices; those that do not exist are passed over.
void read_state(const FileSystem& system, const std::set<PciAddress>& addresses, Host& host);

/// Fills host.roms for these file names (relative to /usr/share/kvm, as romfile= has them). Names that lead out of the
/// directory are left out.
void read_roms(const FileSystem& system, const std::set<std::string>& names, Host& host);

/// Fills host.links for these paths below /dev/disk; those that do not exist are left out.
void read_links(const FileSystem& system, const std::set<std::string>& paths, Host& host);

}  // namespace hostpci
