// The question, the runner of refresh commands and the words for what a transaction came to.
#include "cli/carry.hpp"

#include <unistd.h>

#include <cerrno>

#include "apply/commands.hpp"
#include "cli/log.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// A line of standard input without its line feed; an answer that is longer than any sensible one is no yes.
std::string read_line() {
  constexpr std::size_t longest = 1000;
  std::string line;
  char c = 0;
  while (line.size() < longest) {
    ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n') break;
    line += c;
  }
  return line;
}

bool is_yes(const std::string& answer, bool careful) {
  std::string word = lower(trim(answer));
  return word == "yes" || (!careful && word == "y");
}

void tell_problems(const TransactionResult& result) {
  for (const std::string& problem : result.problems) log_error(problem);
}

void tell_left_commands(const std::vector<PlannedCommand>& commands, Output& out) {
  if (commands.empty()) return;
  out << "not run below --root; to be run there:\n";
  for (const PlannedCommand& command : commands) out << "  " << printable(shell_line(command.words)) << "\n";
}

std::string undo_line(const Invocation& invocation, const std::string& id) {
  std::vector<std::string> words{"hostpci"};
  if (invocation.globals.has_root()) words.insert(words.end(), {"--root", invocation.globals.root});
  words.insert(words.end(), {"rollback", id});
  return shell_line(words);
}

int status_of(Outcome outcome) {
  if (outcome == Outcome::nothing || outcome == Outcome::done) return done;
  return outcome == Outcome::unrefreshed ? int(findings) : int(refused);
}

}  // namespace

RunCommand refresh_runner(const Invocation& invocation) {
  if (invocation.globals.has_root() && !invocation.options.has("run-commands")) return {};
  return [root = invocation.globals.root](const PlannedCommand& command) {
    log_note("running `" + shell_line(command.words) + "`");
    return run_command(root, command);
  };
}

std::optional<int> ask(const Invocation& invocation, const std::string& question, bool careful) {
  if (invocation.options.has("yes")) return {};
  if (!::isatty(STDIN_FILENO) || !::isatty(STDERR_FILENO)) {
    log_error("nobody to ask: standard input is no terminal; `--yes` goes on without asking");
    return usage;
  }
  std::string text = printable(question) + (careful ? " Type yes to go on: " : " [y/N] ");
  (void)!::write(STDERR_FILENO, text.data(), text.size());
  if (is_yes(read_line(), careful)) return {};
  log_error("nothing was changed");
  return refused;
}

std::optional<int> recover_first(const Invocation& invocation, FileSystem& system) {
  auto recovered = recover(system, refresh_runner(invocation));
  if (!recovered) {
    log_error(recovered.error().message);
    return refused;
  }
  for (const TransactionResult& result : *recovered) {
    log_warning("transaction " + result.id + " was interrupted: now it is " + std::string(name(result.outcome)));
    tell_problems(result);
    if (result.outcome == Outcome::unknown) return refused;
  }
  return {};
}

int tell_result(const Invocation& invocation, const TransactionResult& result, std::size_t files, const std::vector<PlannedCommand>& left,
                const std::string& undo) {
  Output& out = *invocation.out;
  tell_problems(result);
  if (result.outcome == Outcome::done || result.outcome == Outcome::unrefreshed) {
    out << count(files, "file") << " changed by transaction " << result.id << "\n";
    tell_left_commands(left, out);
    if (!undo.empty()) out << "undo: " << undo << "\n";
  }
  if (result.outcome == Outcome::unrefreshed) log_error("the files stand, but a command failed; the next change runs it again");
  if (result.outcome == Outcome::undone) log_error("nothing was changed: every file is as it was");
  return status_of(result.outcome);
}

int tell_result(const Invocation& invocation, const TransactionRequest& request, const TransactionResult& result) {
  auto left = request.run ? std::vector<PlannedCommand>() : request.refresh;
  return tell_result(invocation, result, request.files.size(), left, undo_line(invocation, result.id));
}

std::string as_typed(const Invocation& invocation) {
  std::string text(invocation.command->name);
  for (const std::string& argument : invocation.arguments) text += " " + argument;
  return text;
}

}  // namespace hostpci
