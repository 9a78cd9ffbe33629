// The only thing that checks may ask: host, VMs, mappings and boot set-up joined, with the indexes between them.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/boot_config.hpp"
#include "config/machine.hpp"
#include "config/mapping.hpp"
#include "config/vm.hpp"
#include "host/host.hpp"
#include "rules/resolve.hpp"

namespace hostpci {

struct VmFacts;

/// A hostpci line of a VM's next start, joined with the host.
struct Assignment {
  const VmFacts* owner = nullptr;
  ResolvedLine resolved;
  const HostpciLine& line() const { return resolved.line; }
  const Hostpci& parsed() const { return resolved.line.parsed; }
  const std::vector<PciAddress>& functions() const { return resolved.functions; }
  std::string key() const { return resolved.line.key(); }
  /// The first function's device on this host, if there is one.
  const Device* first = nullptr;
  std::vector<const Device*> devices;  ///< of functions(), those that exist
  bool is_mdev() const { return !parsed().text(HostpciKey::mdev).empty() && parsed().text(HostpciKey::mdev) != "0"; }
};

struct VmFacts {
  const Vm* vm = nullptr;
  Vm next;  ///< the configuration of the next start: one main section, [PENDING] applied, spans in vm->source; no
            ///< syntax
  std::vector<Assignment> assignments;
  std::vector<Refusal> refusals;
  bool running = false;
  bool foreign = false;  ///< of another node: its devices are not those of `host`, nothing is resolved
  bool onboot = false;
  Machine machine;
};

/// Which line of which VM takes a function.
struct User {
  const VmFacts* vm = nullptr;
  const Assignment* assignment = nullptr;
};

struct Facts {
  const Host* host = nullptr;
  const Mappings* mappings = nullptr;
  const BootConfig* boot = nullptr;
  std::vector<VmFacts> vms;  ///< those with hostpci lines (or a vfio device in args), ascending
  /// VMs without hostpci lines that take disks or USB devices of the host.
  std::vector<const Vm*> plain_vms;
  std::map<PciAddress, std::vector<User>> users;  ///< by function, every VM's assignments (not templates)
  std::map<int, std::vector<User>> group_users;   ///< by IOMMU group, one entry an assignment
  Bootloader bootloader = Bootloader::unknown;
  std::string bootloader_evidence;  ///< what decided it: path and value

  const Device* device(const PciAddress& address) const { return host->find(address); }
  const VmFacts* vm(std::uint32_t vmid) const;
  /// Other lines (other VMs, or other lines of the same VM) that take this function.
  std::vector<User> others(const Assignment&, const PciAddress&) const;
};

/// What the VM will be started with: main with [PENDING] applied.
Vm next_start(const Vm&);

/// `vms` must outlive the result.
Facts make_facts(const Host&, const Mappings&, const BootConfig&, const std::vector<Vm>& vms);

}  // namespace hostpci
