// A change of the boot set-up that takes itself back unless it is confirmed after the next boot, as `netplan try` does for networks.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// The file that says a change waits to be confirmed. It is a file of the transaction that it guards: its rollback removes it.
inline constexpr const char* unconfirmed_path = "/var/lib/hostpci/unconfirmed";

/// The files that guard a transaction when they are part of it: the mark, a service that runs `PROGRAM rollback --unconfirmed --yes`
/// and reboots, a timer for it MINUTES after the boot, and a drop-in of timers.target that wants the timer (no link has to be made).
/// `program`: the absolute path of hostpci. Files that stand there already are replaced.
Result<std::vector<FileChange>> confirmation_files(const FileSystem&, const std::string& program, unsigned minutes);

struct Unconfirmed {
  unsigned minutes = 0;
  bool booted_since = false;  ///< the host was started anew since the change
};
/// What waits to be confirmed; nothing if nothing does.
Result<std::optional<Unconfirmed>> unconfirmed(const FileSystem&);

/// Keeps the change: removes the mark, then the units.
Status confirm(FileSystem&);

/// The newest transaction that wrote the mark and still stands; "" if the journal has none. While a mark stands no other change is
/// guarded, so there is one at most.
Result<std::string> unconfirmed_transaction(const FileSystem&);

}  // namespace hostpci
