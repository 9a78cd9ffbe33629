// What the commands that write share: the question before a change, the commands after it, and what became of it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apply/transaction.hpp"
#include "cli/command.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// Runs refresh commands in the root in use and names each on standard error. Below --root it is empty (commands are left to the
/// user) unless --run-commands is given.
RunCommand refresh_runner(const Invocation&);

/// Asks on the terminal (unless --yes). Nothing: yes. Else the exit status of a command that is not to go on, which was told.
/// `careful`: only the word "yes" will do, not "y".
std::optional<int> ask(const Invocation&, const std::string& question, bool careful);

/// Finishes or undoes what an interrupted transaction left, and says so. Nothing: go on. Else the exit status.
std::optional<int> recover_first(const Invocation&, FileSystem&);

/// Says what became of a transaction over that many files, which commands are left to the user, and (unless it is empty) how to undo
/// it; the exit status.
int tell_result(const Invocation&, const TransactionResult&, std::size_t files, const std::vector<PlannedCommand>& left, const std::string& undo);

/// The same for a request that one would undo with `rollback`.
int tell_result(const Invocation&, const TransactionRequest&, const TransactionResult&);

/// "hostpci apply 100": what `history` shows.
std::string as_typed(const Invocation&);

}  // namespace hostpci
