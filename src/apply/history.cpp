// What was done here, told from the journals.
#include <map>

#include "apply/journal.hpp"
#include "apply/recovery.hpp"
#include "apply/transaction.hpp"

namespace hostpci {
namespace {

std::string state_of(const FileSystem& system, const std::string& id, bool rolled_back) {
  if (is_committed(system, id) && rolled_back) return "rolled back";
  std::string in = std::string(Journal::directory) + "/" + id + "/";
  for (Outcome outcome : {Outcome::done, Outcome::undone, Outcome::unknown, Outcome::unrefreshed})
    if (system.stat(in + std::string(name(outcome)), false)) return std::string(name(outcome));
  return "interrupted";
}

HistoryEntry entry_of(const FileSystem& system, const std::string& id, const Result<JournalRecord>& record, bool rolled_back) {
  if (!record) return {id, "", "", record.error().message, "damaged", {}, ""};
  HistoryEntry entry{id, record->when, record->who, record->what, state_of(system, id, rolled_back), {}, record->undoes};
  for (const JournalFile& file : record->files) entry.files.push_back(file.path);
  return entry;
}

}  // namespace

/// From the newest back: whatever rolls a transaction back is newer, and so is whatever rolls that back in turn.
Result<std::vector<HistoryEntry>> history(const FileSystem& system) {
  auto ids = Journal::list(system);
  if (!ids) return ids.error();
  std::vector<HistoryEntry> entries;
  std::map<std::string, bool> rolled_back;
  for (auto id = ids->rbegin(); id != ids->rend(); ++id) {
    auto record = Journal::load_record(system, *id);
    if (!record && !system.stat(std::string(Journal::directory) + "/" + *id)) continue;  // it went while we looked
    entries.push_back(entry_of(system, *id, record, rolled_back[*id]));
    if (record && !record->undoes.empty() && is_committed(system, *id) && !rolled_back[*id]) rolled_back[record->undoes] = true;
  }
  return entries;
}

}  // namespace hostpci
