// Recovery knows nothing but the journal and the files: each file is compared with both images, and only one of ours is replaced.
// It may be killed at any point itself: what it has settled is found settled by the next one.
#include "apply/recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

#include "apply/staging.hpp"
#include "apply/vm_place.hpp"
#include "config/vm.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

void add_lock(PveScope& scope, const std::string& path) {
  if (std::uint32_t vmid = vmid_of_path(path)) scope.vmids.insert(vmid);
  if (path == mapping_path) scope.mapping = true;
}

/// The deepest directory on the way to the path that exists.
std::string existing_parent(const FileSystem& system, std::string path) {
  do path = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  while (path != "/" && !system.stat(path, false));
  return path;
}

/// A path is what it was when it was planned: absolute, and no link on its way.
Status check_path(const FileSystem& system, const std::string& path) {
  if (path.empty() || path[0] != '/' || path.back() == '/') return Failure{quoted(path) + " is no absolute path of a file", EINVAL};
  std::string parent = existing_parent(system, path);
  auto real = system.canonical(system.stat(path, false) ? path : parent);
  if (!real) return real.error();
  if (*real != path && *real != parent) return Failure{quoted(path) + " leads to " + quoted(*real) + ": not changed", EINVAL};
  if (path.find("/../") != path.npos || path.find("/./") != path.npos) return Failure{quoted(path) + " is not written plainly", EINVAL};
  if (!in_cluster(path)) return Done{};
  if (path == mapping_path) return cluster_writable(system);
  auto place = vm_place(system, path);
  return place ? Status(Done{}) : Status(place.error());
}

std::vector<std::string> paths_of(const JournalRecord& record) {
  std::vector<std::string> paths;
  for (const JournalFile& file : record.files) paths.push_back(file.path);
  return paths;
}

/// True if every file came out right; else why not, and whether that is for someone else to mend.
struct SettledAll {
  bool failed = false, foreign = false;
  std::vector<std::string> problems;
  void add(Settlement one) {
    if (one.settled == Settled::right) return;
    (one.settled == Settled::failed ? failed : foreign) = true;
    problems.push_back(std::move(one.problem));
  }
};

SettledAll settle_all(FileSystem& system, const Journal& journal, bool to_old, std::size_t renamed) {
  SettledAll all;
  std::size_t count = journal.record().files.size();
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t file = to_old ? count - 1 - i : i;
    all.add(settle(system, journal, file, to_old, file < renamed));
  }
  return all;
}

void note(std::vector<std::string>& problems, const Status& status) {
  if (!status) problems.push_back(status.error().message);
}

std::string pending_commands(const FileSystem& system, const Journal& journal) {
  std::string list;
  for (std::size_t i = 0; i < journal.record().refresh.size(); ++i)
    if (!journal.refreshed(system, i)) list += (list.empty() ? "" : ", ") + quoted(shell_line(journal.record().refresh[i].words));
  return list;
}

/// A file that was removed stands where its stage would be.
Status drop_for_good(FileSystem& system, const Journal& journal, std::size_t file) {
  const JournalFile& f = journal.record().files[file];
  if (Status dropped = drop_stage(system, journal, file); !dropped || f.after) return dropped;
  Status synced = system.sync_directory(f.path.substr(0, std::max<std::size_t>(f.path.rfind('/'), 1)));
  return synced || synced.error().code == ENOENT ? Status(Done{}) : synced;
}

/// In order; the first that fails stops the rest, which may build on it.
Status run_commands(FileSystem& system, const Journal& journal, const RunCommand& run) {
  for (std::size_t i = 0; i < journal.record().refresh.size(); ++i) {
    if (journal.refreshed(system, i)) continue;
    if (Status ran = run(journal.record().refresh[i]); !ran) return ran;
    if (Status noted = journal.set_refreshed(system, i); !noted) return noted;
  }
  return Done{};
}

/// Below a root that is not the system's the commands are the user's.
bool left_to_user(const FileSystem& system, const RunCommand& run) { return !run && system.root() != "/"; }

Status commands_of(FileSystem& system, const Journal& journal, const RunCommand& run) {
  std::string pending = pending_commands(system, journal);
  if (pending.empty() || left_to_user(system, run)) return Done{};
  if (!run) return Failure{"still to be run for transaction " + journal.id() + ": " + pending};
  return run_commands(system, journal, run);
}

/// A node without quorum shows what it knew last, which may not be what the others agreed on.
Status can_be_judged(const FileSystem& system, const JournalRecord& record) {
  for (const JournalFile& file : record.files)
    if (in_cluster(file.path)) return cluster_writable(system);
  return Done{};
}

TransactionResult kept_open(const Journal& journal, const Failure& why) {
  return {Outcome::unknown, journal.id(), {"transaction " + journal.id() + " was interrupted and cannot be settled now: " + why.message}};
}

/// Those who do not know of us take the same locks as while the transaction ran. After the commit files are brought forward: a power
/// failure may have taken renames from pmxcfs, which cannot sync.
TransactionResult settle_files(FileSystem& system, const Journal& journal, bool committed, int milliseconds) {
  PveScope scope;
  for (const std::string& path : paths_of(journal.record())) add_lock(scope, path);
  auto locks = PveLocks::take(system, std::move(scope), Deadline(milliseconds));
  if (!locks) return kept_open(journal, locks.error());
  if (!committed) return undo(system, journal, 0);
  auto all = settle_all(system, journal, false, 0);
  if (all.foreign && !all.failed) note(all.problems, journal.set(system, Mark::unknown));
  return {all.problems.empty() ? Outcome::done : Outcome::unknown, journal.id(), all.problems};
}

TransactionResult settle_transaction(FileSystem& system, const Journal& journal, const RunCommand& run, int milliseconds) {
  bool committed = journal.has(system, Mark::committed);
  if (committed && is_rolled_back(system, journal.id())) {
    TransactionResult result{Outcome::done, journal.id(), {}};
    note(result.problems, journal.set(system, Mark::done));
    return result;
  }
  if (committed && journal.has(system, Mark::unrefreshed)) return finish(system, journal, run);
  if (Status judged = can_be_judged(system, journal.record()); !judged) return kept_open(journal, judged.error());
  TransactionResult result = settle_files(system, journal, committed, milliseconds);
  return result.outcome == Outcome::done ? finish(system, journal, run) : result;
}

Failure not_recovered(const std::string& id, const Failure& why) {
  return {"transaction " + id + " was interrupted, and nothing is changed before it is settled: " + why.message +
          "; when the files are as they should be, remove `" + Journal::directory + "/" + id + "`"};
}

}  // namespace

Result<PveScope> scope_of(const FileSystem& system, const std::vector<std::string>& paths) {
  PveScope scope;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    if (!seen.insert(path).second) return Failure{quoted(path) + " is named twice", EINVAL};
    if (Status fit = check_path(system, path); !fit) return fit.error();
    add_lock(scope, path);
  }
  return scope;
}

bool ends_with_commit(const JournalRecord& record) {
  bool removes = std::any_of(record.files.begin(), record.files.end(), [](const JournalFile& file) { return !file.after; });
  return !removes && record.leaves.empty() && record.refresh.empty();
}

TransactionResult undo(FileSystem& system, const Journal& journal, std::size_t renamed, bool certain) {
  auto all = settle_all(system, journal, true, renamed);
  TransactionResult result{Outcome::undone, journal.id(), std::move(all.problems)};
  if (all.failed || all.foreign) result.outcome = Outcome::unknown;
  if (all.failed) return result;
  std::vector<std::string> made(journal.record().directories.rbegin(), journal.record().directories.rend());
  remove_directories(system, made);
  Status synced = sync_database(system, journal.record());
  note(result.problems, synced);
  if (synced && (all.foreign || certain)) note(result.problems, journal.set(system, all.foreign ? Mark::unknown : Mark::undone));
  return result;
}

TransactionResult finish(FileSystem& system, const Journal& journal, const RunCommand& run) {
  TransactionResult result{Outcome::done, journal.id(), {}};
  for (std::size_t i = 0; i < journal.record().files.size(); ++i) note(result.problems, drop_for_good(system, journal, i));
  note(result.problems, sync_database(system, journal.record()));
  remove_directories(system, journal.record().leaves);
  if (Status ran = commands_of(system, journal, run); !ran) {
    result.outcome = Outcome::unrefreshed;
    result.problems.push_back(ran.error().message);
    note(result.problems, journal.set(system, Mark::unrefreshed));
  }
  if (result.problems.empty()) note(result.problems, journal.set(system, Mark::done));
  return result;
}

Result<std::vector<TransactionResult>> recover_open(FileSystem& system, const RunCommand& run, int milliseconds) {
  auto ids = Journal::list(system);
  if (!ids) return ids.error();
  std::vector<TransactionResult> results;
  if (Status dropped = drop_stale_cluster_lock(system); !dropped) return dropped.error();
  for (const std::string& id : *ids) {
    if (is_closed(system, id)) continue;
    auto journal = Journal::load(system, id);
    if (!journal) return not_recovered(id, journal.error());
    results.push_back(settle_transaction(system, *journal, run, milliseconds));
  }
  if (Status swept = Journal::sweep(system); !swept) return swept.error();
  return results;
}

bool is_rolled_back(const FileSystem& system, const std::string& id) {
  auto ids = Journal::list(system);
  if (!ids) return false;
  for (auto later = ids->rbegin(); later != ids->rend() && *later > id; ++later) {
    auto record = Journal::load_record(system, *later);
    if (!record || record->undoes != id) continue;
    if (is_committed(system, *later)) return !is_rolled_back(system, *later);
  }
  return false;
}

}  // namespace hostpci
