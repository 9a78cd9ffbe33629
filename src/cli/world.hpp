// What a command works on: the file system below --root, the host (live or --host), the mappings, the VMs named on the command line.
#pragma once
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "config/mapping.hpp"
#include "config/site.hpp"
#include "config/vm.hpp"
#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "host/scan.hpp"
#include "system/file_system.hpp"

namespace hostpci {

class World {
 public:
  /// Opens the root; a root that is no directory is a Failure.
  static Result<std::unique_ptr<World>> open(const Globals&);

  FileSystem& system() { return *system_; }
  /// Reads the host once: the snapshot of --host, else live with these parts. A snapshot that is wrong is a Failure whose message
  /// holds the rendered findings.
  Result<const Host*> host(const HostParts& parts = {});
  /// pci.cfg out of the host's files if it has them, else from the file system.
  const Mappings& mappings(const Host&);
  /// ROM files that these VMs name, into the host (a snapshot has its own).
  void read_roms_of(const std::vector<Vm>&);
  /// Links below /dev/disk that these VMs name, into the host (a snapshot has its own).
  void read_links_of(const std::vector<Vm>&);
  /// What HostParts::state and ::capabilities leave out, of the devices that these VMs take, into the host (a snapshot has its own).
  void read_states_of(const std::vector<Vm>&);
  /// One VM by VMID or path.
  Result<Vm> vm(const std::string& name);
  /// Paths of the VMs named: VMIDs, files, directories; none named: every VM of this node. Failures are collected, the rest goes on.
  std::vector<std::string> vm_paths(const std::vector<std::string>& names, std::vector<Failure>& failures);

 private:
  Globals globals_;
  std::unique_ptr<FileSystem> system_;
  std::optional<Host> host_;
  std::optional<Mappings> mappings_;
};

}  // namespace hostpci
