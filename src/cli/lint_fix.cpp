// `lint --fix`: what the fixes make of the files, as a difference, and the writing of it.
#include "cli/lint_fix.hpp"

#include "apply/host_file.hpp"
#include "apply/running.hpp"
#include "apply/transaction.hpp"
#include "apply/vm_place.hpp"
#include "cli/log.hpp"
#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_vm_file(const std::string& file) { return file.ends_with(".conf") && vmid_of_path(file) != 0; }

/// Where the file really stands.
Result<std::string> place_of(World& world, const std::string& path) {
  if (!is_vm_file(path)) return boot_file_place(world.system(), path);
  auto place = vm_place(world.system(), path);
  return place ? Result<std::string>(place->path) : Result<std::string>(place.error());
}

std::vector<PlannedCommand> refresh_commands(const Texts& written, const Host& host) {
  std::vector<std::string> paths;
  for (const auto& [path, text] : written) paths.push_back(path);
  return commands_after(paths, host);
}

/// The commands are left to the user, who may have more to change; a rollback runs them.
TransactionRequest request_of(const Texts& texts, const Host& host) {
  TransactionRequest request;
  request.what = "lint --fix";
  request.undo = refresh_commands(texts, host);
  return request;
}

bool tell(const Result<TransactionResult>& result) {
  if (!result) log_error(result.error().message);
  if (!result) return false;
  for (const std::string& problem : result->problems) log_error(problem);
  return result->outcome == Outcome::done || result->outcome == Outcome::nothing;
}

/// All files whose place may be written, or none of them. Those written; `refused`: not all were.
Texts write(World& world, const Host& host, const Fixed& fixed, const std::function<const std::string*(const std::string&)>& original,
            bool& refused) {
  Texts written;
  TransactionRequest request = request_of(fixed.texts, host);
  for (const auto& [path, text] : fixed.texts) {
    auto place = place_of(world, path);
    if (!place) log_error(place.error().message), refused = true;
    if (!place) continue;
    request.files.push_back({*place, *original(path), text});
    written[path] = text;
  }
  if (written.empty() || tell(carry_out(world.system(), request))) return written;
  refused = true;
  return {};
}

}  // namespace

bool may_fix(World& world, const Globals& globals, const std::string& file, const std::string* text) {
  if (!text) return false;
  if (!is_vm_file(file)) return globals.host.empty() && is_boot_file(file);
  Vm vm = read_vm(make_source(file, *text));
  return vm.main().text("lock").empty() && !is_running(world.system(), vm.vmid);
}

bool write_fixes(Invocation& invocation, World& world, const Host& host, const Fixed& fixed,
                 const std::function<const std::string*(const std::string&)>& original, bool dry_run) {
  Output& out = *invocation.out;
  for (const auto& [path, text] : fixed.texts) out << printable_lines(unified_diff(path, *original(path), text));
  Texts written;
  bool refused = false;
  if (!dry_run && !out.flush()) return false;
  if (!dry_run) written = write(world, host, fixed, original, refused);
  std::string what = dry_run ? " would be changed in " : " made in ";
  if (fixed.texts.empty()) out << "nothing to fix\n\n";
  else out << count(fixed.fixes, "fix", "fixes") << what << count(dry_run ? fixed.texts.size() : written.size(), "file") << "\n";
  for (const PlannedCommand& command : refresh_commands(dry_run ? fixed.texts : written, host))
    out << "then run: " << shell_line(command.words) << "\n";
  if (!fixed.texts.empty()) out << "\n";
  return !refused;
}

}  // namespace hostpci
