// `lint --fix`: what the fixes make of the files, as a difference, and the writing of it.
#include "cli/lint_fix.hpp"

#include <set>

#include "apply/host_file.hpp"
#include "apply/running.hpp"
#include "apply/vm_file.hpp"
#include "cli/log.hpp"
#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_vm_file(const std::string& file) { return file.ends_with(".conf") && vmid_of_path(file) != 0; }

/// A VM's file under PVE's lock; refused if it is not what was linted.
Status write_vm(World& world, const std::string& path, const std::string& before, const std::string& text) {
  Result<LockedVmFile> file = LockedVmFile::open(world.system(), path);
  if (!file) return file.error();
  if (file->source()->text != before) return Failure{"`" + path + "` was changed by someone else meanwhile"};
  return file->write(text);
}

Status write_file(World& world, const std::string& path, const std::string& before, const std::string& text) {
  return is_vm_file(path) ? write_vm(world, path, before, text) : replace_host_file(world.system(), path, before, text);
}

void tell_refresh(const Texts& written, Output& out) {
  std::set<std::string_view> commands;
  for (const auto& [path, text] : written) commands.insert(refresh_command(path));
  commands.erase("");
  for (std::string_view command : commands) out << "then run: " << command << "\n";
}

}  // namespace

bool may_fix(World& world, const Globals& globals, const std::string& file, const std::string* text) {
  if (!text) return false;
  if (!is_vm_file(file)) return globals.host.empty() && is_boot_file(file);
  Vm vm = read_vm(make_source(file, *text));
  return vm.main().text("lock").empty() && !is_running(world.system(), vm.vmid);
}

bool write_fixes(Invocation& invocation, World& world, const Fixed& fixed,
                 const std::function<const std::string*(const std::string&)>& original, bool dry_run) {
  Output& out = *invocation.out;
  for (const auto& [path, text] : fixed.texts) out << printable_lines(unified_diff(path, *original(path), text));
  Texts written;
  bool refused = false;
  if (!dry_run && !out.flush()) return false;
  for (const auto& [path, text] : fixed.texts) {
    if (dry_run) continue;
    Status status = write_file(world, path, *original(path), text);
    if (status) written[path] = text;
    else log_error(status.error().message), refused = true;
  }
  std::string what = dry_run ? " would be changed in " : " made in ";
  if (fixed.texts.empty()) out << "nothing to fix\n\n";
  else out << count(fixed.fixes, "fix", "fixes") << what << count(dry_run ? fixed.texts.size() : written.size(), "file") << "\n";
  tell_refresh(dry_run ? fixed.texts : written, out);
  if (!fixed.texts.empty()) out << "\n";
  return !refused;
}

}  // namespace hostpci
