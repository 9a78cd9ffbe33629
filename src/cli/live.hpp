// What the commands that act on the running kernel share: where they may act, one at a time, for so long; the devices they were given.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/world.hpp"
#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "host/scan.hpp"
#include "live/kernel_write.hpp"
#include "live/objections.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// The running host, read while no other writer of ours is at work. With --dry-run nothing is locked, and a snapshot or a root will do.
class LiveSession {
 public:
  /// Null, told: `status` is then the exit status. Below --root and with --host only --dry-run is allowed; all else needs root.
  /// `parts`: what of the host is read.
  static std::unique_ptr<LiveSession> open(const Invocation&, int& status, const HostParts& parts = {.capabilities = false});

  /// The same, with these parts of the devices that the arguments mean and of their IOMMU groups only: the others take longer to
  /// read than a driver to let go. All devices where an argument means none.
  static std::unique_ptr<LiveSession> open_near(const Invocation&, int& status, HostParts parts);

  FileSystem& system() { return world_->system(); }
  World& world() { return *world_; }
  const Host& host() const { return *host_; }
  bool dry() const { return dry_; }
  bool from_snapshot() const { return from_snapshot_; }  ///< the host is another one than that of system()
  int milliseconds() const { return milliseconds_; }  ///< what one write may take: --timeout, or usual_time

  /// The functions that these words mean (01:00 is a slot), each once, in the order given; bridges among them. Nothing, told:
  /// a word that is no address, or means no device.
  std::optional<std::vector<const Device*>> devices(const std::vector<std::string>& words, int& status) const;

  /// Lets other writers of ours work.
  void unlock() { lock_.reset(); }
  /// The lock again, and the host as it is now: pointers into the one before are no longer good. False, told.
  bool read_again();

  /// The writes, or with --dry-run their text on `out`.
  Status carry_out(const std::vector<KernelWrite>&, Output& out);

 private:
  static std::unique_ptr<LiveSession> start(const Invocation&, int& status, const HostParts& parts, bool near);
  bool read_host();
  bool take_lock();

  Globals globals_;
  HostParts parts_;
  std::optional<std::vector<std::string>> near_words_;  ///< the devices that these mean, and their groups, are read
  std::set<PciAddress> near_;
  std::unique_ptr<World> world_;
  std::unique_ptr<FileLock> lock_;
  const Host* host_ = nullptr;
  bool dry_ = false, from_snapshot_ = false;
  int milliseconds_ = usual_time;
};

/// What commands that move devices need of the host: nothing of its kernel and its files.
inline constexpr HostParts device_parts{.kernel = false, .files = false, .capabilities = false, .state = false};

/// objections() and, of the running host, what its processes and Proxmox VE's reservations show.
std::vector<Diagnostic> live_objections(LiveSession&, const Device&, Act);

/// What a command has found and goes by.
struct Outlook {
  std::vector<Diagnostic> objections;
  std::vector<std::string> state;  ///< and what else counts, a line each: "0000:01:00.0: e1000e"
};
/// Finds out, in the session's host as it is read now, and keeps what the act needs of it. Nothing, told: `status` is the exit status.
using Look = std::function<std::optional<Outlook>(int& status)>;

/// An answer may take an hour: meanwhile the lock is let go, and afterwards all is read again.
struct Settling {
  Look look;
  std::function<void()> unlock;
  std::function<bool()> read_again;
};

/// Looks, and tells what speaks against an act. Nothing: go on, with what was found last. Else the exit status: it is refused, or was
/// asked about (warnings, or `always`; not with --yes or --dry-run) and answered with no, or what was found is no longer so after the
/// answer.
std::optional<int> settle(const Invocation&, const Settling&, const std::string& question, bool always = false);
std::optional<int> settle(const Invocation&, LiveSession&, const Look&, const std::string& question, bool always = false);

/// On standard error.
void tell_objections(const Invocation&, const std::vector<Diagnostic>&);
/// Both say the same.
bool is_same(const Outlook&, const Outlook&);

/// Options of every command that acts on the running kernel: --dry-run, --yes, --timeout.
inline constexpr OptionSpec live_dry_run{"dry-run", OptionValue::none, "", "print what would be written, write nothing"};
inline constexpr OptionSpec live_yes{"yes", OptionValue::none, "", "do not ask"};
inline constexpr OptionSpec live_timeout{"timeout", OptionValue::required, "SECONDS", "how long one write may take (10; where drivers are tried 60)"};

}  // namespace hostpci
