// What the commands that act on the running kernel share: where they may act, one at a time, for so long; the devices they were given.
#pragma once
#include <memory>
#include <optional>
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
  int milliseconds() const { return milliseconds_; }  ///< what one write may take: --timeout

  /// The functions that these words mean (01:00 is a slot), each once, in the order given; bridges among them. Nothing, told:
  /// a word that is no address, or means no device.
  std::optional<std::vector<const Device*>> devices(const std::vector<std::string>& words, int& status) const;

  /// The writes, or with --dry-run their text on `out`.
  Status carry_out(const std::vector<KernelWrite>&, Output& out);

 private:
  bool read_host(const Globals&, const HostParts&);
  bool take_lock();

  std::unique_ptr<World> world_;
  std::unique_ptr<FileLock> lock_;
  const Host* host_ = nullptr;
  bool dry_ = false, from_snapshot_ = false;
  int milliseconds_ = 10000;
};

/// What commands that move devices need of the host: nothing of its kernel and its files.
inline constexpr HostParts device_parts{.kernel = false, .files = false, .capabilities = false, .state = false};

/// objections() and, of the running host, what its processes and Proxmox VE's reservations show.
std::vector<Diagnostic> live_objections(LiveSession&, const Device&, Act);

/// Tells what speaks against an act. Nothing: go on. Else the exit status: it is refused, or was asked about (warnings; not with
/// --yes or --dry-run) and answered with no.
std::optional<int> settle(const Invocation&, const std::vector<Diagnostic>& objections, const std::string& question);

/// Options of every command that acts on the running kernel: --dry-run, --yes, --timeout.
inline constexpr OptionSpec live_dry_run{"dry-run", OptionValue::none, "", "print what would be written, write nothing"};
inline constexpr OptionSpec live_yes{"yes", OptionValue::none, "", "do not ask"};
inline constexpr OptionSpec live_timeout{"timeout", OptionValue::required, "SECONDS", "how long one write may take (10)"};

}  // namespace hostpci
