// The host with all of this node's VMs and the boot set-up, joined: what doctor and suggest look at.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/world.hpp"
#include "config/boot_config.hpp"
#include "rules/facts.hpp"

namespace hostpci {

/// Pointers lead from `facts` into the other members: it stays where it was made.
struct Survey {
  std::unique_ptr<World> world;
  const Host* host = nullptr;
  const Mappings* mappings = nullptr;
  BootConfig boot;
  std::vector<Vm> vms;  ///< that have to do with passthrough, and the one named
  Facts facts;
  std::vector<Failure> failures;  ///< VMs that could not be read

  Survey() = default;
  Survey(const Survey&) = delete;

  /// With --host and no --root the VMs of the running system are not the snapshot's: none is read, but for `vm`, if
  /// named.
  static Result<std::unique_ptr<Survey>> open(const Globals&, const std::string& vm = {});
  /// The same with several VMs named, as VMIDs, files or directories: `asked` has their VMIDs. One that does not exist
  /// is among `failures`.
  static Result<std::unique_ptr<Survey>> open_all(const Globals&, const std::vector<std::string>& names);
  /// The VM that was named, or null.
  const Vm* named = nullptr;
  std::vector<std::uint32_t> asked;
};

/// "`x` is no PCI address, such as 01:00.0 or 01:00".
std::string no_address(const std::string& text);

}  // namespace hostpci
