// The protocol of a change to several files. What it rests on: a rename over a good stage is one step on every file system we
// write, and next to never fails on a disk; pmxcfs may refuse one at any time (quorum), may not know whether it was done, and keeps
// nothing that is not yet in its database over a power failure; nothing joins two renames but a journal.
//
//   1  Places are looked at before any lock: links, other nodes' VMs, quorum, a file system that is not mounted.
//   2  Locks in one order and one time: the host's, then (after what was interrupted is settled) the VMs', the cluster's.
//   3  Every file is read again and held against what the caller saw. Up to here nothing has been written.
//   4  The journal goes to the disk, with the bytes before and after: first, so that everything that follows can be found by whoever
//      comes after a crash. On the root file system, for /run is lost at boot and /etc/pve cannot be written when it matters.
//   5  Every file is staged beside its place and synced. No space, no quorum, read-only: they show here, and nothing visible changed.
//   6  Renames: first /etc/pve, where one may still fail; in an order in which no VM names a mapping that is not there.
//   7  Every file is read back.
//   8  The mark `committed`, or `done` if nothing follows. Before it a crash means all old, after it all new.
//   9  Proxmox VE's locks are given back; the commands run, for minutes perhaps, each noted; the mark `done`.
//
// A failure up to 8 undoes what was done, in the reverse order, by comparing each file with both images.
#include "apply/transaction.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "apply/journal.hpp"
#include "apply/recovery.hpp"
#include "apply/staging.hpp"
#include "apply/transaction_parts.hpp"
#include "apply/vm_place.hpp"
#include "config/mapping.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + printable(text) + "`"; }

/// The login name, which outlasts sudo; without one the user's.
std::string who() {
  char name[256];
  if (::getlogin_r(name, sizeof name) == 0) return name;
  const passwd* user = ::getpwuid(::getuid());
  return user ? user->pw_name : std::to_string(::getuid());
}

std::vector<FileChange> differing(const std::vector<FileChange>& files) {
  std::vector<FileChange> left;
  for (const FileChange& file : files)
    if (file.before != file.after) left.push_back(file);
  return left;
}

std::vector<std::string> paths_of(const std::vector<FileChange>& files) {
  std::vector<std::string> paths;
  for (const FileChange& file : files) paths.push_back(file.path);
  return paths;
}

/// Does the new pci.cfg lack a mapping that the old one has?
bool loses_mapping(const FileChange& change) {
  auto old = read_mappings(make_source(change.path, change.before.value_or("")));
  auto after = read_mappings(make_source(change.path, change.after.value_or("")));
  return std::any_of(old.by_id.begin(), old.by_id.end(), [&](const auto& item) { return !after.find(item.first); });
}

/// A mapping comes before the VMs that will name it, and goes after those that named it. The host's files come last: their renames
/// are the ones that can be relied on.
int turn_of(const FileChange& change) {
  if (!in_cluster(change.path)) return 3;
  if (change.path != mapping_path) return 1;
  return loses_mapping(change) ? 2 : 0;
}

/// Directories that are not there yet, outermost first.
void add_missing_directories(const FileSystem& system, const std::string& path, std::vector<std::string>& all) {
  std::vector<std::string> missing;
  for (std::string at = path; at.rfind('/') > 0;) {
    at = at.substr(0, at.rfind('/'));
    if (system.stat(at)) break;
    missing.insert(missing.begin(), at);
  }
  for (std::string& directory : missing)
    if (std::find(all.begin(), all.end(), directory) == all.end()) all.push_back(std::move(directory));
}

/// The file under lock, if it is what the caller saw.
Result<JournalFile> journal_file(const FileSystem& system, const FileChange& change, const Lineage& lineage) {
  auto now = read_target(system, change.path);
  if (!now) return now.error();
  if (*now != change.before) {
    std::string what = !*now ? " is gone" : change.before ? " was changed meanwhile by someone else" : " exists already";
    return Failure{quoted(change.path) + what, EBUSY};
  }
  JournalFile file{change.path, change.before, change.after, change.mode & 07777, ""};
  if (auto like = lineage.like.find(change.path); like != lineage.like.end()) file.like = like->second;
  if (!change.before) return file;
  auto state = system.stat(change.path, false);
  if (!state) return state.error();
  file.mode = state->mode & 07777;
  file.like = change.path;
  return file;
}

Result<JournalRecord> make_record(const FileSystem& system, const TransactionRequest& request, const Lineage& lineage) {
  JournalRecord record;
  record.who = who();
  record.what = request.what;
  record.undoes = lineage.undoes;
  record.leaves = lineage.leaves;
  record.refresh = request.refresh;
  record.undo = request.undo;
  auto files = differing(request.files);
  std::stable_sort(files.begin(), files.end(), [](const FileChange& a, const FileChange& b) { return turn_of(a) < turn_of(b); });
  for (const FileChange& change : files) {
    auto file = journal_file(system, change, lineage);
    if (!file) return file.error();
    add_missing_directories(system, change.path, record.directories);
    record.files.push_back(std::move(*file));
  }
  return record;
}

/// pmxcfs may have handed the change to the other nodes before it lost them. Source: pmxcfs.c, dfsm.c.
bool may_still_happen(const Failure& failure, const std::string& path) {
  constexpr int unsure[] = {EPERM, EBUSY, EIO, ENOTCONN, ECONNABORTED};
  return in_cluster(path) && std::find(std::begin(unsure), std::end(unsure), failure.code) != std::end(unsure);
}

/// Steps 4 to 9.
class Transaction {
 public:
  Transaction(FileSystem& system, Journal journal, WriteLocks& locks) : system_(system), journal_(std::move(journal)), locks_(locks) {}

  Result<TransactionResult> run(const RunCommand& command) {
    if (Status prepared = prepare(); !prepared) return withdraw(prepared.error());
    Status changed = swap_all();
    if (changed) changed = read_back();
    if (changed) changed = commit();
    if (!changed) return take_back(changed.error());
    TransactionResult result{Outcome::done, journal_.id(), {}};
    if (ends_with_commit(journal_.record())) return result;
    if (!journal_.record().refresh.empty()) locks_.pve.reset();
    return finish(system_, journal_, command);
  }

 private:
  std::size_t count() const { return journal_.record().files.size(); }

  Status prepare() {
    if (Status made = make_directories(system_, journal_.record()); !made) return made;
    for (std::size_t i = 0; i < count(); ++i) {
      Status staged = stage(system_, journal_, i);
      if (staged) continue;
      certain_ = !may_still_happen(staged.error(), journal_.record().files[i].path);
      return staged;
    }
    return Done{};
  }

  /// Nothing visible has changed: the journal goes too, as if it had never been. Where a stage cannot be removed, or may yet
  /// appear, the journal stays, so that the next recovery finds it.
  Failure withdraw(Failure why) {
    Status removed = Done{};
    for (std::size_t i = 0; i < count(); ++i)
      if (Status dropped = drop_stage(system_, journal_, i); !dropped) removed = dropped;
    const auto& made = journal_.record().directories;
    remove_directories(system_, {made.rbegin(), made.rend()});
    if (removed && certain_) removed = sync_database(system_, journal_.record());
    if (removed && certain_) removed = Journal::discard(system_, journal_.id());
    if (!removed) why.message += "; what was prepared is removed by the next change, for now: " + removed.error().message;
    return why;
  }

  Status swap_all() {
    for (std::size_t i = 0; i < count(); ++i) {
      const std::string& path = journal_.record().files[i].path;
      Status swapped = path == mapping_path ? locks_.pve->keep() : Status(Done{});
      if (swapped) swapped = still_old(system_, journal_, i);
      if (!swapped) return swapped;
      ++tried_;
      swapped = swap_in(system_, journal_, i);
      if (swapped) continue;
      certain_ = !may_still_happen(swapped.error(), path);
      return swapped;
    }
    return Done{};
  }

  Status read_back() {
    for (const JournalFile& file : journal_.record().files) {
      auto now = read_target(system_, file.path);
      if (!now) return now.error();
      if (*now != file.after) return Failure{quoted(file.path) + " does not hold what was written", EBUSY};
    }
    return Done{};
  }

  Status commit() {
    if (Status synced = sync_database(system_, journal_.record()); !synced) return synced;
    return journal_.set(system_, ends_with_commit(journal_.record()) ? Mark::done : Mark::committed);
  }

  TransactionResult take_back(const Failure& why) {
    TransactionResult result = undo(system_, journal_, tried_, certain_);
    result.problems.insert(result.problems.begin(), why.message);
    return result;
  }

  FileSystem& system_;
  Journal journal_;
  WriteLocks& locks_;
  std::size_t tried_ = 0;  ///< renames
  bool certain_ = true;    ///< what was refused will not happen later
};

void tell_recovered(const std::vector<TransactionResult>& recovered, std::vector<std::string>& problems) {
  for (const TransactionResult& result : recovered) {
    problems.push_back("transaction " + result.id + " was interrupted: now it is " + std::string(name(result.outcome)));
    problems.insert(problems.end(), result.problems.begin(), result.problems.end());
  }
}

/// Someone's own copy of a VM's file needs no journal to be whole at any moment: it is replaced by one rename. Where none can be kept,
/// for it is no root who writes, the change has no history.
bool can_go_unwritten(const JournalRecord& record, const Failure& why) {
  bool forbidden = why.code == EACCES || why.code == EPERM || why.code == EROFS;
  bool alone = record.files.size() == 1 && record.refresh.empty();
  return forbidden && alone && record.files[0].before && record.files[0].after && !record.files[0].path.starts_with("/etc/");
}

Result<TransactionResult> replace_unwritten(FileSystem& system, JournalRecord record) {
  Journal journal = Journal::unwritten(std::move(record));
  Status done = stage(system, journal, 0);
  if (done) done = swap_in(system, journal, 0);
  if (done) return TransactionResult{Outcome::done, "", {}};
  Settlement back = settle(system, journal, 0, true, true);
  if (back.settled == Settled::right) return done.error();
  return TransactionResult{Outcome::unknown, "", {done.error().message, back.problem}};
}

Failure unsettled(const TransactionResult& result) { return {join(result.problems, "\n")}; }

}  // namespace

std::string_view name(Outcome outcome) {
  constexpr std::string_view names[] = {"nothing", "done", "unrefreshed", "undone", "unknown"};
  return names[std::size_t(outcome)];
}

Result<WriteLocks> lock_for_writing(FileSystem& system, const PveScope& scope, const RunCommand& run, int milliseconds) {
  auto host = lock_host(system, Deadline(milliseconds));
  if (!host) return host.error();
  auto recovered = recover_open(system, run, milliseconds);  // its commands may run for minutes
  if (!recovered) return recovered.error();
  for (const TransactionResult& result : *recovered)
    if (result.outcome == Outcome::unknown) return unsettled(result);
  auto pve = PveLocks::take(system, scope, Deadline(milliseconds));
  if (!pve) return pve.error();
  return WriteLocks{std::move(*host), std::move(*pve), std::move(*recovered)};
}

Result<TransactionResult> carry_out(FileSystem& system, const TransactionRequest& request, const Lineage& lineage, WriteLocks& locks) {
  auto scope = scope_of(system, paths_of(differing(request.files)));
  if (!scope) return scope.error();
  assert(locks.pve && locks.pve->cover(*scope));
  auto record = make_record(system, request, lineage);
  if (!record) return record.error();
  if (record->files.empty() && record->refresh.empty()) return TransactionResult{};
  auto journal = Journal::begin(system, *record);
  if (!journal && can_go_unwritten(*record, journal.error())) return replace_unwritten(system, std::move(*record));
  if (!journal) return journal.error();
  auto result = Transaction(system, std::move(*journal), locks).run(request.run);
  Journal::prune(system);
  return result;
}

Result<TransactionResult> carry_out(FileSystem& system, const TransactionRequest& request, WriteLocks& locks) {
  return carry_out(system, request, Lineage{}, locks);
}

Result<TransactionResult> carry_out(FileSystem& system, const TransactionRequest& request, const Lineage& lineage) {
  auto files = differing(request.files);
  if (files.empty() && request.refresh.empty()) return TransactionResult{};
  auto scope = scope_of(system, paths_of(files));
  if (!scope) return scope.error();
  // Commands that a change still waits for are not run to take it back: the way back has its own.
  auto locks = lock_for_writing(system, *scope, lineage.undoes.empty() ? request.run : RunCommand());
  if (!locks) return locks.error();
  std::erase_if(locks->recovered, [&](const TransactionResult& result) { return result.id == lineage.undoes; });
  if (Status fits = request.still_fits ? request.still_fits() : Done{}; !fits) return fits.error();
  auto result = carry_out(system, request, lineage, *locks);
  if (result) tell_recovered(locks->recovered, result->problems);
  return result;
}

Result<TransactionResult> carry_out(FileSystem& system, const TransactionRequest& request) { return carry_out(system, request, Lineage{}); }

Result<std::vector<TransactionResult>> recover(FileSystem& system, const RunCommand& run) {
  auto names = system.list(Journal::directory);
  if (!names && names.error().code != ENOENT) return names.error();
  bool settled = !names || std::all_of(names->begin(), names->end(), [&](const std::string& id) { return is_closed(system, id); });
  if (settled && !has_stale_cluster_lock(system)) return std::vector<TransactionResult>();
  auto host = lock_host(system, Deadline());
  if (!host) return host.error();
  return recover_open(system, run);
}

}  // namespace hostpci
