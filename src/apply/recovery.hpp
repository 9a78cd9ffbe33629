// What becomes of a transaction that did not come to its end: undone before its commit, finished after it.
#pragma once
#include <vector>

#include "apply/journal.hpp"
#include "apply/transaction.hpp"
#include "apply/txn_locks.hpp"

namespace hostpci {

/// Which of Proxmox VE's locks these files need. Refused: places that may not be written (vm_place), paths that are not what they
/// seem (links), files below /etc/pve that are neither VMs' nor pci.cfg.
Result<PveScope> scope_of(const FileSystem&, const std::vector<std::string>& paths);

/// Gives every file its old bytes, in the reverse order, and closes the journal if that worked. `renamed`: so many of the first
/// ones were (or may have been) renamed under the locks that are held still.
/// `certain`: false if a cluster file system may still carry out what it refused; then the next recovery looks again.
TransactionResult undo(FileSystem&, const Journal&, std::size_t renamed, bool certain = true);

/// What follows the commit: parked files go, commands run, each noted as done. May be done any number of times.
TransactionResult finish(FileSystem&, const Journal&, const RunCommand&);

/// Nothing of finish() is to be done: `done` can be the commit.
bool ends_with_commit(const JournalRecord&);

/// Settles every open transaction, oldest first. The host's lock is held; Proxmox VE's are waited for that long for each.
Result<std::vector<TransactionResult>> recover_open(FileSystem&, const RunCommand&, int milliseconds = 10000);

/// A transaction that names this one as what it undoes has come to its end, and was not undone itself.
bool is_rolled_back(const FileSystem&, const std::string& id);

}  // namespace hostpci
