// `rollback`: the newest change, or the one named, taken back as a transaction of its own.
#include "apply/confirm.hpp"
#include "apply/transaction.hpp"
#include "cli/carry.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

int fail(const std::string& message) {
  log_error(message);
  return refused;
}

std::string difference(const FileChange& change) {
  return printable_lines(unified_diff(change.path.substr(1), change.before.value_or(""), change.after.value_or("")));
}

/// The file before the change, as the change left it, and as it is now: who would undo it sees what else would go.
void print_conflict(const Conflict& conflict, Output& out) {
  out << printable(conflict.path) << " was changed by someone else since:\n";
  if (!conflict.now) out << "  it is gone\n";
  out << "what the transaction had changed:\n" << printable_lines(unified_diff(conflict.path.substr(1), conflict.before, conflict.after));
  if (conflict.now)
    out << "what was changed since:\n" << printable_lines(unified_diff(conflict.path.substr(1), conflict.after, *conflict.now));
}

int tell_conflicts(const Undo& undo, Output& out) {
  for (const Conflict& conflict : undo.conflicts) print_conflict(conflict, out);
  return fail("nothing was changed: " + count(undo.conflicts.size(), "file") + " of transaction " + undo.id +
              " changed since; mend by hand what shall go back");
}

/// "2 files go back (/etc/default/grub, …), then `update-grub` runs. Take this back?"
std::string question(const Undo& undo) {
  std::vector<std::string> files, commands;
  for (const FileChange& change : undo.files) files.push_back(change.path);
  for (const PlannedCommand& command : undo.refresh) commands.push_back("`" + shell_line(command.words) + "`");
  std::string text = count(files.size(), "file goes", "files go") + " back: " + join(files, ", ") + ". ";
  if (!commands.empty()) text += "Then comes " + join(commands, ", ") + ", for the next boot. ";
  return text + "Take this back?";
}

/// The transaction that waits to be confirmed since the host was started anew; nothing if none does.
Result<std::optional<std::string>> overdue(const FileSystem& system) {
  auto waiting = unconfirmed(system);
  if (!waiting) return waiting.error();
  if (!*waiting || !(*waiting)->booted_since) return std::optional<std::string>();
  auto id = unconfirmed_transaction(system);
  if (!id) return id.error();
  if (id->empty()) return Failure{"`" + std::string(unconfirmed_path) + "` stands, but the journal has no transaction that wrote it"};
  return std::optional<std::string>(*id);
}

}  // namespace

int run_rollback(Invocation& invocation) {
  auto world = World::open(invocation.globals);
  if (!world) return fail(world.error().message);
  FileSystem& system = (*world)->system();
  bool dry_run = invocation.options.has("dry-run");
  if (!dry_run)
    if (auto status = recover_first(invocation, system)) return *status;
  std::string id = invocation.arguments.empty() ? "" : invocation.arguments[0];
  if (invocation.options.has("unconfirmed")) {
    auto found = overdue(system);
    if (!found) return fail(found.error().message);
    if (!*found) {
      log_note("no change waits to be confirmed since the host was started");
      return findings;
    }
    id = **found;
  }
  auto undo = undo_of(system, id);
  if (!undo) return fail(undo.error().message);
  if (invocation.options.has("unconfirmed"))
    for (const std::string& left : leave_cluster_alone(*undo)) log_warning(left);
  Output& out = *invocation.out;
  out << "transaction " << undo->id << ": " << printable(undo->what) << "\n";
  if (!undo->conflicts.empty()) return tell_conflicts(*undo, out);
  for (const FileChange& change : undo->files) out << difference(change);
  if (dry_run) return done;
  if (!out.flush()) return refused;
  if (auto status = ask(invocation, question(*undo), false)) return *status;
  RunCommand run = refresh_runner(invocation);
  auto result = roll_back(system, *undo, run);
  if (!result) return fail(result.error().message);
  return tell_result(invocation, *result, undo->files.size(), run ? std::vector<PlannedCommand>() : undo->refresh, "");
}

}  // namespace hostpci
