// What `devices` and `groups` show of a device: its names, what uses it (host and VMs), what it can do.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/world.hpp"
#include "host/host.hpp"
#include "host/pci_names.hpp"

namespace hostpci {

/// A VM line that takes the device at its next start, or the running VM that holds it.
struct VmUse {
  std::uint32_t vmid = 0;
  std::string key;  ///< "hostpci0"
  bool mdev = false;
  bool running = false;  ///< the VM runs now
};

class DeviceView {
 public:
  /// Reads host, names, and the hostpci lines of this node's VMs (with --host only if --root says where they stand).
  static Result<std::unique_ptr<DeviceView>> open(const Globals&);

  const Host& host() const { return *host_; }
  const PciNames& names() const { return *names_; }
  const std::vector<VmUse>& vms(const PciAddress&) const;
  /// "VM 100, disk nvme0n1 (/), net eno1 (vmbr0 …)"; empty if nothing, "uses unknown" where they are.
  std::string used_by(const Device&) const;
  /// "reset flr bus, ROM, VFs 4/63, mdev 2 types".
  static std::string abilities(const Device&);
  /// The driver, "-" for none, "?" for unknown; so for the group.
  static std::string driver(const Device&);
  static std::string group(const Device&);

 private:
  void find_vm_uses(World&);

  std::unique_ptr<World> world_;
  const Host* host_ = nullptr;
  std::unique_ptr<PciNames> names_;
  std::map<PciAddress, std::vector<VmUse>> vm_uses_;
};

/// "this host has no PCI device `01:0.0`; did you mean `01:00.0`?"
std::string no_such_device(const Host&, const std::string& text);

}  // namespace hostpci
