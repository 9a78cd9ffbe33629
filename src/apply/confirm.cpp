// The mark and the units of a change that waits to be confirmed.
#include "apply/confirm.hpp"

#include <algorithm>
#include <cerrno>

#include "apply/transaction.hpp"
#include "apply/txn_locks.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* boot_id_path = "/proc/sys/kernel/random/boot_id";
constexpr const char* service_path = "/etc/systemd/system/hostpci-unconfirmed.service";
constexpr const char* timer_path = "/etc/systemd/system/hostpci-unconfirmed.timer";
constexpr const char* drop_in_path = "/etc/systemd/system/timers.target.d/hostpci-unconfirmed.conf";

/// Which boot this is; "" below a root that is not running.
std::string boot_id(const FileSystem& system) { return std::string(trim(system.read(boot_id_path).value_or(""))); }

/// In ExecStart= `%` begins a specifier and `$` a variable; quotes keep blanks in one word.
std::string unit_word(const std::string& word) {
  std::string text = "\"";
  for (char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    if (c == '%' || c == '$') text += c;
    text += c;
  }
  return text + "\"";
}

/// A rollback that is refused (a file changed since) fails the unit, and then nothing reboots: ExecStartPost= runs only after a success.
std::string service_text(const std::string& program) {
  std::string call = unit_word(program) + " rollback --unconfirmed";
  return "# Made by hostpci: takes the change back that was not confirmed after the boot.\n"
         "[Unit]\n"
         "Description=Take back an unconfirmed change of the PCI passthrough set-up\n"
         "ConditionPathExists=" + std::string(unconfirmed_path) + "\n\n"
         "[Service]\n"
         "Type=oneshot\n"
         "ExecStart=" + call + " --yes\n"
         "ExecStartPost=/bin/systemctl --no-block reboot\n";
}

std::string timer_text(unsigned minutes) {
  return "# Made by hostpci: see hostpci-unconfirmed.service.\n"
         "[Unit]\n"
         "Description=Wait for a change of the PCI passthrough set-up to be confirmed\n"
         "ConditionPathExists=" + std::string(unconfirmed_path) + "\n\n"
         "[Timer]\n"
         "OnBootSec=" + std::to_string(minutes) + "min\n"
         "AccuracySec=1s\n";
}

constexpr std::string_view drop_in_text =
    "# Made by hostpci: starts hostpci-unconfirmed.timer at the boot.\n"
    "[Unit]\n"
    "Wants=hostpci-unconfirmed.timer\n";

std::string mark_text(const FileSystem& system, unsigned minutes) {
  return "minutes " + std::to_string(minutes) + "\nboot " + boot_id(system) + "\n";
}

std::string value_of(std::string_view text, std::string_view key) {
  for (std::string_view line : split(text, '\n'))
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') return std::string(line.substr(key.size() + 1));
  return "";
}

Status add(const FileSystem& system, const char* path, std::string text, std::vector<FileChange>& files) {
  FileChange change{path, {}, std::move(text), 0644, {"takes the change back unless it is confirmed after the boot"}};
  Result<std::string> now = system.read(path);
  if (now) change.before = *now;
  if (!now && now.error().code != ENOENT) return now.error();
  if (change.before != change.after) files.push_back(std::move(change));
  return Done{};
}

}  // namespace

Result<std::vector<FileChange>> confirmation_files(const FileSystem& system, const std::string& program, unsigned minutes) {
  std::vector<FileChange> files;
  for (auto& [path, text] : {std::pair<const char*, std::string>{service_path, service_text(program)},
                             {timer_path, timer_text(minutes)},
                             {drop_in_path, std::string(drop_in_text)},
                             {unconfirmed_path, mark_text(system, minutes)}})
    if (Status added = add(system, path, text, files); !added) return added.error();
  return files;
}

Result<std::optional<Unconfirmed>> unconfirmed(const FileSystem& system) {
  Result<std::string> mark = system.read(unconfirmed_path);
  if (!mark && mark.error().code == ENOENT) return std::optional<Unconfirmed>();
  if (!mark) return mark.error();
  auto minutes = number(value_of(*mark, "minutes"));
  if (!minutes) return Failure{"`" + std::string(unconfirmed_path) + "` is damaged: it has no line `minutes N`"};
  std::string now = boot_id(system);
  return std::optional<Unconfirmed>(Unconfirmed{unsigned(*minutes), !now.empty() && now != value_of(*mark, "boot")});
}

/// The mark first: without it the units do nothing.
Status confirm(FileSystem& system) {
  auto lock = lock_host(system, Deadline());
  if (!lock) return lock.error();
  for (const std::string path : {unconfirmed_path, drop_in_path, timer_path, service_path}) {
    Status removed = system.remove(path);
    if (!removed && removed.error().code == ENOENT) continue;
    if (!removed) return removed;
    if (Status synced = system.sync_directory(path.substr(0, path.rfind('/'))); !synced) return synced;
  }
  return Done{};
}

Result<std::string> unconfirmed_transaction(const FileSystem& system) {
  auto entries = history(system);
  if (!entries) return entries.error();
  for (const HistoryEntry& entry : *entries) {
    bool stands = entry.state == name(Outcome::done) || entry.state == name(Outcome::unrefreshed);
    bool marked = std::find(entry.files.begin(), entry.files.end(), unconfirmed_path) != entry.files.end();
    if (stands && marked && entry.undoes.empty()) return entry.id;
  }
  return std::string();
}

}  // namespace hostpci
