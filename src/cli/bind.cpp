// `bind` and `unbind`: devices to vfio-pci or another driver, and back to the one that had them.
#include <algorithm>

#include "apply/commands.hpp"
#include "cli/bind_report.hpp"
#include "cli/live.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "host/groups.hpp"
#include "live/driver_memory.hpp"
#include "live/moving.hpp"
#include "live/vfio_openers.hpp"
#include "rules/device.hpp"
#include "system/held_signals.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The other endpoints of their IOMMU groups too, each once.
std::vector<const Device*> with_groups(const Host& host, const std::vector<const Device*>& devices) {
  std::vector<const Device*> all;
  auto add = [&](const Device* device) {
    if (std::find(all.begin(), all.end(), device) == all.end()) all.push_back(device);
  };
  for (const Device* device : devices) {
    if (device->group.value_or(-1) < 0 || is_any_bridge(*device)) add(device);
    else
      for (const Device* member : group_verdict(host, *device->group).endpoints)
        if (!is_any_bridge(*member)) add(member);
  }
  return all;
}

/// One run of either command: the moves, what speaks against them, and how they go.
class DriverChange {
 public:
  DriverChange(Invocation& invocation, LiveSession& session) : invocation_(invocation), session_(session), out_(*invocation.out) {}

  int bind(const std::string& driver) {
    auto look = [&](int& status) -> std::optional<Outlook> {
      if (!read_devices(status)) return {};
      for (const Device* device : devices_) moves_.push_back(move_to(*device, driver));
      return outlook(is_vfio_driver(driver) ? Act::to_vfio : Act::to_driver);
    };
    if (auto status = settle(invocation_, session_, look, question)) return *status;
    if (works() && !load(driver)) return refused_status();
    if (session_.dry()) return print_dry(driver);
    HeldSignals held;
    if (!remember()) return refused_status();
    int status = carry();
    if (status == done) tell(true);
    return status;
  }

  int unbind(bool probe) {
    auto look = [&](int& status) -> std::optional<Outlook> {
      if (!read_devices(status) || !make_moves_back(probe, status)) return {};
      return outlook(Act::release);
    };
    if (auto status = settle(invocation_, session_, look, question)) return *status;
    if (session_.dry()) return print_dry("");
    HeldSignals held;
    int status = carry();
    if (status != done) return status;
    tell(false);
    if (probe) status = forget();
    return std::max(status, check_taken(probe));
  }

 private:
  static constexpr const char* question = "Take this from the host?";

  /// The devices that are named, with --group those of their groups. False, told: `status` is the exit status.
  bool read_devices(int& status) {
    moves_.clear();
    auto devices = session_.devices(invocation_.arguments, status);
    if (devices) devices_ = invocation_.options.has("group") ? with_groups(session_.host(), *devices) : *devices;
    return devices && std::all_of(devices_.begin(), devices_.end(), [&](const Device* device) { return is_known(*device, status); });
  }

  /// False, told: where it would have to go back to could not be read.
  static bool is_known(const Device& device, int& status) {
    if (device.driver) return true;
    status = refused;
    log_error("which driver `" + describe(device) + "` has could not be read");
    return false;
  }

  bool make_moves_back(bool probe, int& status) {
    for (const Device* device : devices_) {
      auto remembered = memory_of(device->address);
      if (!remembered) return log_error(remembered.error().message), status = refused, false;
      moves_.push_back(move_back(*device, *remembered, probe));
    }
    return true;
  }

  bool works() const {
    return std::any_of(moves_.begin(), moves_.end(), [](const Move& move) { return !move.writes.empty(); });
  }

  /// Devices that stay where they are are left alone.
  Outlook outlook(Act act) {
    Outlook all;
    for (std::size_t i = 0; i < moves_.size(); ++i) {
      const Move& move = moves_[i];
      all.state.push_back(move.address.str() + ": " + move.from.driver + " " + move.from.driver_override);
      for (const KernelWrite& write : move.writes) all.state.push_back(as_text(write));
      if (move.writes.empty()) continue;
      for (Diagnostic& found : live_objections(session_, *devices_[i], act)) all.objections.push_back(std::move(found));
      if (!session_.from_snapshot()) object_to_neighbours(*devices_[i], move, all.objections);
    }
    return all;
  }

  void object_to_neighbours(const Device& device, const Move& move, std::vector<Diagnostic>& all) {
    bool to_host = move.driver != "" && !is_vfio_driver(move.driver.value_or(""));
    Sink out;
    if (to_host && !refuses(all)) object_to_group_openers(session_.system(), device, out);
    for (Diagnostic& found : out.diagnostics) all.push_back(std::move(found));
  }

  Result<std::optional<Placement>> memory_of(const PciAddress& address) const {
    if (session_.from_snapshot()) return std::optional<Placement>();
    return remembered_placement(session_.system(), address);
  }

  bool has_driver(const std::string& driver) const {
    if (!session_.from_snapshot()) return session_.system().stat("/sys/bus/pci/drivers/" + driver).has_value();
    const auto& devices = session_.host().devices;
    return std::any_of(devices.begin(), devices.end(), [&](const auto& entry) { return entry.second.driver == driver; });
  }

  /// False, told: there is no such driver, nor a module that brings it.
  bool load(const std::string& driver) {
    if (has_driver(driver)) return true;
    const PlannedCommand command{{"modprobe", driver}, {}};
    if (session_.dry()) {
      if (!invocation_.json()) out_ << "run `" << shell_line(command.words) << "`\n";
      return true;
    }
    log_note("running `" + shell_line(command.words) + "`");
    auto before = all_drivers(session_.system());
    if (Status loaded = run_command("/", command); !loaded) return log_error(loaded.error().message), false;
    loaded_ = driver;
    follow_load(before, driver);
    if (has_driver(driver)) return true;
    log_error("the module `" + driver + "` brings no PCI driver of this name");
    return false;
  }

  /// A module that comes takes what its options and its table of ids give it.
  void follow_load(const std::map<PciAddress, std::string>& before, const std::string& driver) {
    for (const PciAddress& address : newly_taken(before, all_drivers(session_.system()))) {
      auto mine = std::find_if(moves_.begin(), moves_.end(), [&](const Move& move) { return move.address == address; });
      if (mine == moves_.end()) {
        log_warning("`" + address.str() + "` was taken by a driver when the module `" + driver + "` was loaded: " + driver_words(address));
        continue;
      }
      Device device = *devices_[std::size_t(mine - moves_.begin())];
      if (auto now = driver_now(session_.system(), address)) device.driver = *now;
      *mine = move_to(device, driver);
    }
  }

  std::string driver_words(const PciAddress& address) const {
    auto driver = driver_now(session_.system(), address);
    return driver ? "it has `" + *driver + "` now" : "its driver cannot be read";
  }

  /// 3 says that nothing was changed.
  int refused_status() const {
    if (loaded_.empty()) return log_error("nothing was changed"), refused;
    log_error("no device was moved; the module `" + loaded_ + "` was loaded and stays");
    return findings;
  }

  bool is_new(const Move& move) const {
    auto known = memory_of(move.address);
    return is_worth_remembering(move, known && *known);
  }

  bool remember() {
    for (const Move& move : moves_) {
      if (!is_new(move)) continue;
      if (Status written = remember_placement(session_.system(), move.address, move.from); !written) {
        log_error(written.error().message);
        drop_new();
        return false;
      }
      new_.push_back(move.address);
    }
    return true;
  }

  /// Of the devices that are where they were.
  void drop_new() {
    for (const PciAddress& address : new_)
      if (!result_.left.count(address))
        if (Status gone = forget_placement(session_.system(), address); !gone) log_warning(gone.error().message);
  }

  int forget() {
    int status = done;
    for (const Move& move : moves_)
      if (Status gone = forget_placement(session_.system(), move.address); !gone) {
        log_error("`" + move.address.str() + "` was given back, and what it was on before is still remembered: " + gone.error().message);
        status = findings;
      }
    return status;
  }

  int carry() {
    result_ = carry_out(session_.system(), moves_, session_.milliseconds());
    if (result_.status) return done;
    log_error(result_.status.error().message);
    for (const std::string& text : result_.undone) log_note(text);
    for (const auto& [address, text] : result_.left) log_error(text);
    drop_new();
    if (result_.left.empty()) return refused_status();
    if (!loaded_.empty()) log_note("the module `" + loaded_ + "` was loaded and stays");
    return findings;
  }

  /// A device for which nothing was remembered may have gone back to where it came from.
  int check_taken(bool probe) const {
    int status = done;
    for (const Move& move : moves_) {
      auto driver = result_.drivers.find(move.address);
      if (move.driver || driver == result_.drivers.end() || !probe) continue;
      if (driver->second == move.from.driver && !driver->second.empty()) {
        log_error("`" + driver->second + "` has taken `" + move.address.str() + "` again: `ids=` of its options or `new_id` gives it the device");
        status = findings;
      } else if (driver->second.empty()) {
        log_warning("no driver that is loaded wants `" + move.address.str() + "`");
      }
    }
    return status;
  }

  int print_dry(const std::string& driver) {
    if (invocation_.json()) return tell(true), done;
    for (const Move& move : moves_) {
      if (move.writes.empty()) out_ << already_there(move) << "\n";
      if (!driver.empty() && is_new(move))
        out_ << "remember " << (move.from.driver.empty() ? "none" : printable(move.from.driver)) << " in " << driver_memory_path(move.address) << "\n";
      (void)session_.carry_out(move.writes, out_);
    }
    return done;
  }

  void tell(bool bound) const {
    const MovesTold told{session_.host(), moves_, result_.drivers};
    if (invocation_.json()) return tell_moves_json(told, session_.dry(), out_);
    tell_moves(told, bound, out_);
    if (bound) tell_blockers(told, !invocation_.options.has("group"));
  }

  Invocation& invocation_;
  LiveSession& session_;
  Output& out_;
  std::vector<const Device*> devices_;
  std::vector<Move> moves_;  ///< of each device
  std::vector<PciAddress> new_;  ///< remembered by this run
  std::string loaded_;           ///< the module that this run loaded
  MoveResult result_;
};

}  // namespace

int run_bind(Invocation& invocation) {
  std::string driver = invocation.options.has("driver") ? invocation.options.text("driver") : "vfio-pci";
  if (!is_driver_name(driver)) {
    log_error("`" + driver + "` cannot be a driver's name: letters, digits, `_` and `-` make one");
    return usage;
  }
  int status = done;
  auto session = LiveSession::open_near(invocation, status, device_parts);
  if (!session) return status;
  return DriverChange(invocation, *session).bind(driver);
}

int run_unbind(Invocation& invocation) {
  int status = done;
  auto session = LiveSession::open_near(invocation, status, device_parts);
  if (!session) return status;
  return DriverChange(invocation, *session).unbind(!invocation.options.has("no-probe"));
}

}  // namespace hostpci
