// Names of PCI vendors, devices and classes out of pci.ids, and capabilities out of configuration space: libpci.
#pragma once
#include <memory>
#include <set>
#include <string>

#include "host/host.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// Looks names up in the root's own pci.ids (/usr/share/misc/pci.ids, /usr/share/hwdata/pci.ids), else in the running
/// system's.
class PciNames {
 public:
  explicit PciNames(const FileSystem& system);
  ~PciNames();
  std::string device(const Device&) const;  ///< "NVIDIA Corporation GP104 [GeForce GTX 1080]", or "Device 10de:1b80"
  std::string class_name(const Device&) const;  ///< "VGA compatible controller"

 private:
  struct Access;
  std::unique_ptr<Access> access_;
};

/// Sets acs, flr and bridge of every device from its configuration space below the root in use. libpci's warnings go
/// nowhere.
void read_capabilities(const FileSystem& system, Host& host);
/// The same of these devices.
void read_capabilities(const FileSystem& system, const std::set<PciAddress>& addresses, Host& host);

}  // namespace hostpci
