// Several files changed together, or none of them: locks, stage, journal, rename, read back, refresh commands; and the way back.
// The protocol, its order and its reasons stand in transaction.cpp.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apply/txn_locks.hpp"
#include "plan/plan.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// Runs one command (no shell) and waits; a Failure if it cannot be run or does not end with 0.
using RunCommand = std::function<Status(const PlannedCommand&)>;

struct TransactionRequest {
  std::string what;                      ///< as the user typed it, for `history`: "apply 100"
  std::vector<FileChange> files;
  std::vector<PlannedCommand> refresh;   ///< run once the files stand, each noted as done; never under Proxmox VE's locks
  RunCommand run;                        ///< empty: the commands are left to the user (below --root)
  std::vector<PlannedCommand> undo;      ///< run after a rollback in place of `refresh`; none: `refresh`
  std::function<Status()> still_fits;    ///< asked when all locks are held, before anything is changed: a Failure refuses
};

/// How a transaction ended.
enum class Outcome : std::uint8_t {
  nothing,      ///< no file differs
  done,         ///< all new, all commands run (or left to the user)
  unrefreshed,  ///< all new, but a command failed: `problems` says which; the next call with a runner runs it again
  undone,       ///< all old again; `problems` says why
  unknown,      ///< some file could not be brought to either state: `problems` says which and where both texts are kept
};
std::string_view name(Outcome);

struct TransactionResult {
  Outcome outcome = Outcome::nothing;
  std::string id;                     ///< "20261121-155800-0001" (UTC): sorts by time
  std::vector<std::string> problems;  ///< one line each
};

/// A Failure: refused before anything was changed (a lock that is held, a file that is not as `before` says, no quorum …).
Result<TransactionResult> carry_out(FileSystem&, const TransactionRequest&);

/// What interrupted transactions left is finished (if it was committed) or undone. Nothing to do: an empty list. Outcome::unknown: a
/// file was changed by someone else and is left alone (told once), or it cannot be written now (tried again by the next call).
/// A Failure: a lock that is held, or a journal that is damaged.
Result<std::vector<TransactionResult>> recover(FileSystem&, const RunCommand&);

/// The locks of a writer who looks at a file before it says what is to become of it. Whoever gets them has recovered first.
struct WriteLocks {
  std::unique_ptr<FileLock> host;
  std::optional<PveLocks> pve;
  std::vector<TransactionResult> recovered;  ///< none of them unknown
};
Result<WriteLocks> lock_for_writing(FileSystem&, const PveScope&, const RunCommand& = {}, int milliseconds = 10000);
/// As carry_out, under locks that the caller has taken and keeps; Proxmox VE's are given back before refresh commands run.
Result<TransactionResult> carry_out(FileSystem&, const TransactionRequest&, WriteLocks&);

/// A transaction of the past, as the journal keeps it.
struct HistoryEntry {
  std::string id, when, who, what;     ///< when: UTC, "2026-11-21T15:58:00Z"; who: the login name or uid
  std::string state;                   ///< "done", "rolled back", "interrupted", …
  std::vector<std::string> files;
  std::string undoes;                  ///< the transaction that this one rolled back, or ""
};
/// Newest first.
Result<std::vector<HistoryEntry>> history(const FileSystem&);

/// A file that someone changed after the transaction: it is left alone.
struct Conflict {
  std::string path;
  std::string before, after;         ///< the transaction's own
  std::optional<std::string> now;
};

/// What rolling a transaction back comes to: shown and asked about before it is done.
struct Undo {
  std::string id, what;                 ///< of the transaction that is undone
  std::vector<FileChange> files;        ///< back to what they were
  std::vector<PlannedCommand> refresh;  ///< the same that followed the change
  std::vector<Conflict> conflicts;      ///< any: it is refused
  std::vector<std::uint32_t> running;   ///< VMs that run with what would be taken out of their main section; any: it is refused
};
/// "": the newest transaction that is not rolled back and is no rollback itself. A Failure: no such transaction, or its journal is damaged.
Result<Undo> undo_of(const FileSystem&, const std::string& id);
/// For a way back that nobody watches: files of the cluster that changed since, and those of VMs that run, are left as they are, and
/// told. The set-up of the host goes back without them.
std::vector<std::string> leave_cluster_alone(Undo&);
/// Carries it out as a transaction of its own, and marks the old one as rolled back. A Failure as of carry_out, also if it is
/// refused.
Result<TransactionResult> roll_back(FileSystem&, const Undo&, const RunCommand&);

}  // namespace hostpci
