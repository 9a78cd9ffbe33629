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
  if (!options.has("timeout")) return 10000;
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

bool LiveSession::read_host(const Globals& globals, const HostParts& parts) {
  auto world = World::open(globals);
  if (!world) return log_error(world.error().message), false;
  world_ = std::move(*world);
  auto host = world_->host(parts);
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

std::unique_ptr<LiveSession> LiveSession::open(const Invocation& invocation, int& status, const HostParts& parts) {
  auto session = std::make_unique<LiveSession>();
  const Globals& globals = invocation.globals;
  session->dry_ = invocation.options.has("dry-run");
  session->from_snapshot_ = !globals.host.empty();
  auto milliseconds = milliseconds_of(invocation.options);
  status = milliseconds ? refused : usage;
  if (!milliseconds) return nullptr;
  session->milliseconds_ = *milliseconds;
  if (!session->dry_ && !may_act(invocation)) return nullptr;
  if (!session->dry_ && !session->take_lock()) return nullptr;
  return session->read_host(globals, parts) ? std::move(session) : nullptr;
}

std::unique_ptr<LiveSession> LiveSession::open_near(const Invocation& invocation, int& status, HostParts parts) {
  auto world = World::open(invocation.globals);
  auto near = world ? devices_near((*world)->system(), invocation.arguments) : std::nullopt;
  if (near) parts.only = &*near;
  return open(invocation, status, parts);
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
  if (session.from_snapshot() || refuses(all.diagnostics)) return std::move(all.diagnostics);
  object_to_reservation(session.system(), device, std::time(nullptr), all);
  object_to_openers(session.system(), device, all);
  return std::move(all.diagnostics);
}

std::optional<int> settle(const Invocation& invocation, const std::vector<Diagnostic>& objections, const std::string& question) {
  bool doubtful = false;
  for (const Diagnostic& objection : objections) {
    if (invocation.globals.quiet && objection.severity == Severity::info) continue;
    std::string text = render_text(objection, invocation.globals.color == "always");
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    doubtful = doubtful || objection.severity == Severity::warning;
  }
  if (refuses(objections)) {
    log_error("nothing was changed");
    return refused;
  }
  if (!doubtful || invocation.options.has("dry-run")) return {};
  return ask(invocation, question, false);
}

}  // namespace hostpci
