// Opening the running host for a command that acts on it.
#include "cli/live.hpp"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "apply/txn_locks.hpp"
#include "cli/carry.hpp"
#include "cli/device_view.hpp"
#include "cli/log.hpp"
#include "cli/survey.hpp"
#include "diag/render.hpp"
#include "live/reservations.hpp"
#include "live/vfio_openers.hpp"
#include "rules/rule.hpp"
#include "rules/suggestion.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::uint64_t longest = 3600;  ///< seconds

/// Nothing, told, if it is no number of seconds.
std::optional<int> milliseconds_of(const Options& options) {
  if (!options.has("timeout")) return usual_time;
  auto seconds = number(options.text("timeout"));
  if (seconds && *seconds > 0 && *seconds <= longest) return int(*seconds) * 1000;
  log_error("`--timeout` takes seconds, from 1 to " + std::to_string(longest) + ", not `" + options.text("timeout") + "`");
  return {};
}

/// False, told: this is not the running kernel, or not root.
bool may_act(const Invocation& invocation) {
  std::string command = "`" + std::string(invocation.command->name) + "`";
  if (invocation.globals.has_root() || !invocation.globals.host.empty()) {
    log_error(command + " acts on the running kernel: not below `--root`, not with `--host`; `--dry-run` shows what it would do");
    return false;
  }
  if (::geteuid() != 0) log_error(command + " needs root; `--dry-run` shows what it would do");
  return ::geteuid() == 0;
}

std::vector<PciAddress> addresses_in(const FileSystem& system, const std::string& directory) {
  std::vector<PciAddress> found;
  for (const std::string& name : system.list(directory).value_or({}))
    if (auto address = parse_pci_address(name)) found.push_back(*address);
  return found;
}

/// Nothing if one of the words means no device.
std::optional<std::set<PciAddress>> devices_near(const FileSystem& system, const std::vector<std::string>& words) {
  std::set<PciAddress> near;
  const std::vector<PciAddress> all = addresses_in(system, "/sys/bus/pci/devices");
  for (const std::string& word : words) {
    auto pattern = parse_address_pattern(word);
    std::size_t before = near.size();
    for (const PciAddress& address : pattern ? all : std::vector<PciAddress>()) {
      if (!(pattern->whole_slot ? address.same_slot(pattern->address) : address == pattern->address)) continue;
      near.insert(address);
      for (const PciAddress& member : addresses_in(system, device_path(address, "iommu_group/devices"))) near.insert(member);
    }
    if (near.size() == before) return {};
  }
  return near;
}

}  // namespace

bool LiveSession::read_host() {
  auto world = World::open(globals_);
  if (!world) return log_error(world.error().message), false;
  world_ = std::move(*world);
  auto near = near_words_ ? devices_near(world_->system(), *near_words_) : std::nullopt;
  near_ = near.value_or(std::set<PciAddress>());
  parts_.only = near ? &near_ : nullptr;
  auto host = world_->host(parts_);
  if (!host) return log_error(host.error().message), false;
  host_ = *host;
  return true;
}

bool LiveSession::take_lock() {
  auto world = World::open({});
  auto lock = world ? lock_host((*world)->system(), Deadline()) : Result<std::unique_ptr<FileLock>>(world.error());
  if (!lock) return log_error(lock.error().message), false;
  lock_ = std::move(*lock);
  return true;
}

bool LiveSession::read_again() { return take_lock() && read_host(); }

std::unique_ptr<LiveSession> LiveSession::start(const Invocation& invocation, int& status, const HostParts& parts, bool near) {
  auto session = std::make_unique<LiveSession>();
  session->globals_ = invocation.globals;
  session->parts_ = parts;
  if (near) session->near_words_ = invocation.arguments;
  session->dry_ = invocation.options.has("dry-run");
  session->from_snapshot_ = !invocation.globals.host.empty();
  auto milliseconds = milliseconds_of(invocation.options);
  status = milliseconds ? refused : usage;
  if (!milliseconds) return nullptr;
  session->milliseconds_ = *milliseconds;
  if (!session->dry_ && !may_act(invocation)) return nullptr;
  if (!session->dry_ && !session->take_lock()) return nullptr;
  return session->read_host() ? std::move(session) : nullptr;
}

std::unique_ptr<LiveSession> LiveSession::open(const Invocation& invocation, int& status, const HostParts& parts) {
  return start(invocation, status, parts, false);
}

std::unique_ptr<LiveSession> LiveSession::open_near(const Invocation& invocation, int& status, HostParts parts) {
  return start(invocation, status, parts, true);
}

std::optional<std::vector<const Device*>> LiveSession::devices(const std::vector<std::string>& words, int& status) const {
  std::vector<const Device*> found;
  for (const std::string& word : words) {
    auto pattern = parse_address_pattern(word);
    auto meant = pattern ? meant_devices(host(), *pattern) : std::vector<const Device*>();
    if (meant.empty()) {
      log_error(pattern ? no_such_device(host(), word) : no_address(word));
      status = pattern ? refused : usage;
      return {};
    }
    for (const Device* device : meant)
      if (std::find(found.begin(), found.end(), device) == found.end()) found.push_back(device);
  }
  return found;
}

Status LiveSession::carry_out(const std::vector<KernelWrite>& writes, Output& out) {
  if (!dry_) return hostpci::carry_out(system(), writes, milliseconds_);
  for (const KernelWrite& write : writes) out << printable(as_text(write)) << "\n";
  return Done{};
}

std::vector<Diagnostic> live_objections(LiveSession& session, const Device& device, Act act) {
  Sink all{objections(session.host(), device, act)};
  object_to_unknown_network(session.host(), session.from_snapshot() ? nullptr : &session.system(), device, all);
  if (session.from_snapshot() || refuses(all.diagnostics)) return std::move(all.diagnostics);
  object_to_reservation(session.system(), device, std::time(nullptr), all);
  object_to_openers(session.system(), device, all);
  return std::move(all.diagnostics);
}

void tell_objections(const Invocation& invocation, const std::vector<Diagnostic>& objections) {
  for (const Diagnostic& objection : objections) {
    if (invocation.globals.quiet && objection.severity == Severity::info) continue;
    std::string text = render_text(objection, invocation.globals.color == "always");
    (void)!::write(STDERR_FILENO, text.data(), text.size());
  }
}

bool is_same(const Outlook& one, const Outlook& other) {
  auto text = [](const Outlook& outlook) {
    std::vector<std::string> lines = outlook.state;
    for (const Diagnostic& objection : outlook.objections) lines.push_back(render_text(objection, false));
    return lines;
  };
  return text(one) == text(other);
}

std::optional<int> settle(const Invocation& invocation, const Settling& settling, const std::string& question, bool always) {
  int status = refused;
  auto seen = settling.look(status);
  if (!seen) return status;
  tell_objections(invocation, seen->objections);
  if (refuses(seen->objections)) return log_error("nothing was changed"), refused;
  bool doubtful =
      std::any_of(seen->objections.begin(), seen->objections.end(), [](const Diagnostic& d) { return d.severity == Severity::warning; });
  if ((!doubtful && !always) || invocation.options.has("dry-run") || invocation.options.has("yes")) return {};
  settling.unlock();
  if (auto answer = ask(invocation, question, false)) return answer;
  if (!settling.read_again()) return refused;
  auto now = settling.look(status);
  if (!now) return status;
  if (is_same(*seen, *now)) return {};
  tell_objections(invocation, now->objections);
  log_error("the host changed while you were asked; nothing was changed by this command");
  return refused;
}

std::optional<int> settle(const Invocation& invocation, LiveSession& session, const Look& look, const std::string& question, bool always) {
  return settle(invocation, Settling{look, [&] { session.unlock(); }, [&] { return session.read_again(); }}, question, always);
}

}  // namespace hostpci
