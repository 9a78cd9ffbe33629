// Taking a transaction back: another transaction, in the opposite direction, over files that nobody has touched since.
#include <algorithm>
#include <cerrno>

#include "apply/journal.hpp"
#include "apply/recovery.hpp"
#include "apply/running.hpp"
#include "apply/transaction_parts.hpp"
#include "apply/vm_place.hpp"
#include "config/vm.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

/// The newest that stands and is no rollback itself.
Result<std::string> newest(const FileSystem& system) {
  auto ids = Journal::list(system);
  if (!ids) return ids.error();
  for (auto id = ids->rbegin(); id != ids->rend(); ++id) {
    if (!is_committed(system, *id) || is_rolled_back(system, *id)) continue;
    auto record = Journal::load_record(system, *id);
    if (!record) return record.error();
    if (record->undoes.empty()) return *id;
  }
  return Failure{"there is no transaction that could be rolled back"};
}

Status can_be_undone(const FileSystem& system, const std::string& id) {
  auto ids = Journal::list(system);
  if (!ids) return ids.error();
  if (std::find(ids->begin(), ids->end(), id) == ids->end())
    return Failure{"there is no transaction `" + printable(id) + "`; `history` lists them"};
  if (is_rolled_back(system, id)) return Failure{"transaction " + id + " is rolled back already"};
  if (is_committed(system, id)) return Done{};
  std::string why = is_closed(system, id) ? " did not come about: there is nothing to roll back" : " is not settled yet";
  return Failure{"transaction " + id + why};
}

/// What a VM was started with, without [PENDING] and snapshots.
std::string_view main_section(std::string_view text) {
  std::size_t next = text.starts_with('[') ? 0 : text.find("\n[");
  return text.substr(0, next);
}

/// Proxmox VE changes only [PENDING] of a VM that runs, and so do we on the way back.
void add_running(const FileSystem& system, const FileChange& change, Undo& undo) {
  std::uint32_t vmid = vmid_of_path(change.path);
  if (!vmid || !change.path.starts_with("/etc/pve/") || !is_running(system, vmid)) return;
  if (main_section(change.before.value_or("")) != main_section(change.after.value_or(""))) undo.running.push_back(vmid);
}

/// A file that holds its old bytes again is as it should be.
Status add_file(const FileSystem& system, const JournalFile& file, Undo& undo) {
  auto now = read_target(system, file.path);
  if (!now && now.error().code != EBUSY) return now.error();
  if (now && *now == file.before) return Done{};
  if (now && *now == file.after)
    add_running(system, undo.files.emplace_back(FileChange{file.path, file.after, file.before, file.mode, {}}), undo);
  else
    undo.conflicts.push_back({file.path, file.before.value_or(""), file.after.value_or(""), now ? *now : std::nullopt});
  return Done{};
}

Lineage lineage_of(const Journal& journal) {
  const JournalRecord& record = journal.record();
  Lineage lineage{record.id, {record.directories.rbegin(), record.directories.rend()}, {}};
  for (std::size_t i = 0; i < record.files.size(); ++i)
    if (record.files[i].before) lineage.like[record.files[i].path] = journal.image_path(i, true);
  return lineage;
}

}  // namespace

Result<Undo> undo_of(const FileSystem& system, const std::string& asked) {
  auto id = asked.empty() ? newest(system) : Result<std::string>(asked);
  if (!id) return id.error();
  if (Status fit = can_be_undone(system, *id); !fit) return fit.error();
  auto journal = Journal::load(system, *id);
  if (!journal) return journal.error();
  const JournalRecord& record = journal->record();
  Undo undo{record.id, record.what, {}, record.undo.empty() ? record.refresh : record.undo, {}, {}};
  for (const JournalFile& file : record.files)
    if (Status added = add_file(system, file, undo); !added) return added.error();
  return undo;
}

std::vector<std::string> leave_cluster_alone(Undo& undo) {
  auto in_cluster = [](const std::string& path) { return path.starts_with("/etc/pve/"); };
  std::vector<std::string> left;
  for (const Conflict& conflict : undo.conflicts)
    if (in_cluster(conflict.path)) left.push_back("`" + printable(conflict.path) + "` was changed since and stays as it is");
  for (std::uint32_t vmid : undo.running) left.push_back("VM " + std::to_string(vmid) + " runs: its file stays as it is");
  std::erase_if(undo.conflicts, [&](const Conflict& conflict) { return in_cluster(conflict.path); });
  std::erase_if(undo.files, [&](const FileChange& change) {
    return in_cluster(change.path) && std::find(undo.running.begin(), undo.running.end(), vmid_of_path(change.path)) != undo.running.end();
  });
  undo.running.clear();
  return left;
}

/// What the caller was shown is checked again under the locks: each file must still hold what the undo starts from.
Result<TransactionResult> roll_back(FileSystem& system, const Undo& undo, const RunCommand& run) {
  if (!undo.conflicts.empty())
    return Failure{"`" + printable(undo.conflicts[0].path) + "` was changed since transaction " + undo.id + ": nothing was changed"};
  if (!undo.running.empty())
    return Failure{"VM " + std::to_string(undo.running[0]) + " runs with what would be taken back: stop it first; nothing was changed"};
  if (Status fit = can_be_undone(system, undo.id); !fit) return fit.error();
  auto journal = Journal::load(system, undo.id);
  if (!journal) return journal.error();
  TransactionRequest request{"rollback " + undo.id, undo.files, undo.refresh, run, {}, {}};
  if (!journal->record().undo.empty()) request.undo = journal->record().refresh;
  auto result = carry_out(system, request, lineage_of(*journal));
  bool over = result && (result->outcome == Outcome::done || result->outcome == Outcome::unrefreshed);
  if (over && !is_closed(system, undo.id)) (void)journal->set(system, Mark::done);
  return result;
}

}  // namespace hostpci
