// What the disk may hold after a power failure, worked out from the calls that were made before it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "system/memory.hpp"
#include "tests/support/recording.hpp"

namespace hostpci::test {

/// Files by path, and directories (empty ones count too).
struct DiskState {
  std::map<std::string, std::string> files;
  std::set<std::string> directories;
  auto operator<=>(const DiskState&) const = default;
};

/// How directory entries reach the disk. Bytes of a file that was not synced may be there, in part, or not at all, whatever its name does.
enum class Ordering {
  journal,    ///< ext4, data=ordered: all in one order, up to any place past the last sync of a directory
  directory,  ///< each directory's own in order, up to any place past its own last sync: the least that fsync(2) promises
};

struct PowerLoss {
  Ordering ordering = Ordering::journal;
  /// Below /etc/pve pmxcfs keeps its own order in its database, and no sync reaches it but one of the database's log.
  bool pmxcfs = false;
};

inline const std::string pmxcfs_log = "/var/lib/pve-cluster/config.db-wal";

/// Every state that the disk may have if the power fails after the first `calls` of them.
std::set<DiskState> states_after(const DiskState& start, const std::vector<Recorded>& log, std::size_t calls, const PowerLoss&);

DiskState disk_state(const MemoryFileSystem&);
/// A file system that holds the state.
void furnish(MemoryFileSystem&, const DiskState&);

}  // namespace hostpci::test
