// Moving devices, and the way back when a step fails.
#include "live/moving.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "live/vfio_openers.hpp"
#include "rules/device.hpp"
#include "system/held_signals.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr int queued = 200;  ///< milliseconds for a write that has to wait for one that hangs: the kernel keeps it in line

std::string quoted(const PciAddress& address) { return "`" + address.str() + "`"; }
std::string driver_words(const std::string& driver) { return driver.empty() ? "no driver" : "driver `" + driver + "`"; }

enum class Step { driver_override, unbind, probe };

Step step_of(const KernelWrite& write) {
  if (write.path.ends_with("/unbind")) return Step::unbind;
  return write.path.ends_with("/drivers_probe") ? Step::probe : Step::driver_override;
}

/// Where a device is once this write was done. Where the kernel chooses a driver, it is read then.
Placement after(Placement before, const KernelWrite& write, const Move& move) {
  switch (step_of(write)) {
    case Step::driver_override:
      before.driver_override = move.driver_override;
      break;
    case Step::unbind:
      before.driver.clear();
      break;
    default:
      before.driver = move.driver.value_or("");
  }
  return before;
}

/// One run; knows what was done so far.
class Mover {
 public:
  Mover(FileSystem& system, int milliseconds) : system_(system), milliseconds_(milliseconds) {}

  MoveResult run(const std::vector<Move>& moves) {
    HeldSignals held;
    for (std::size_t i = 0; i < moves.size() && result_.status; ++i) {
      result_.status = go(moves[i]);
      if (!result_.status) put_back_from(moves, i);
    }
    return std::move(result_);
  }

 private:
  void put_back_from(const std::vector<Move>& moves, std::size_t last) {
    for (std::size_t i = last + 1; i-- > 0;) put_back(moves[i]);
    result_.drivers.clear();
  }

  Status go(const Move& move) {
    if (move.writes.empty()) return Done{};
    if (Status same = check_unchanged(move); !same) return same;
    std::vector<Placement>& ours = ours_[move.address] = {move.from};
    for (const KernelWrite& write : move.writes) {
      Placement next = after(ours.back(), write, move);
      if (Status done = hostpci::carry_out(system_, write, milliseconds_); !done) return stop(move, write, next, done.error());
      ours = {next};
    }
    Result<std::string> driver = driver_now(system_, move.address);
    if (!driver) return driver.error();
    ours.back().driver = result_.drivers[move.address] = *driver;
    return Done{};
  }

  /// What the moves were made from may be minutes old.
  Status check_unchanged(const Move& move) const {
    Result<Placement> now = placement_now(move);
    if (!now) return now.error();
    if (*now == move.from) return Done{};
    return Failure{quoted(move.address) + " was changed by someone else meanwhile: it has " + driver_words(now->driver) + " now"};
  }

  /// A write that failed may have been done all the same.
  Failure stop(const Move& move, const KernelWrite& write, const Placement& next, const Failure& failure) {
    if (failure.code == EINPROGRESS) hangs_ = step_of(write);
    std::vector<Placement>& ours = ours_[move.address];
    if (auto driver = landed(move, write, failure)) ours.push_back({*driver, move.driver_override});
    ours.push_back(next);
    return Failure{explained(move, write, failure), failure.code};
  }

  /// The driver to which a probe of ours brought the device in place of the one that was wanted; driver_override lets no other have it.
  std::optional<std::string> landed(const Move& move, const KernelWrite& write, const Failure& failure) const {
    if (step_of(write) != Step::probe || failure.code != EIO) return {};
    Result<std::string> driver = driver_now(system_, move.address);
    if (!driver || (!move.driver_override.empty() && *driver != move.driver_override)) return {};
    return *driver;
  }

  std::string explained(const Move& move, const KernelWrite& write, const Failure& failure) const {
    std::string time = " within " + count(std::size_t(time_of(write, milliseconds_) + 999) / 1000, "second");
    Step step = step_of(write);
    bool timed_out = failure.code == EINPROGRESS;
    if (step == Step::unbind && timed_out)
      return "driver `" + move.from.driver + "` did not let " + quoted(move.address) + " go" + time;
    if (step == Step::probe && failure.code == EIO && move.driver) return not_taken(move);
    if (step == Step::probe && timed_out) return "no driver was done with taking " + quoted(move.address) + time;
    if (timed_out) return "the kernel did not take driver_override of " + quoted(move.address) + time;
    return failure.message;
  }

  std::string not_taken(const Move& move) const {
    std::string text = "`" + *move.driver + "` did not take " + quoted(move.address) + ", which has ";
    auto driver = driver_now(system_, move.address);
    return text + (driver ? driver_words(*driver) : "a driver that cannot be read") + " now; the kernel's log may say why";
  }

  /// What is written in the middle of a probe may have it fail.
  void leave_probing(const Move& move) {
    result_.left[move.address] = quoted(move.address) + ": the kernel is still at trying " +
                                 (move.driver ? "`" + *move.driver + "`" : "drivers") + " on it; `hostpci unbind " + move.address.str() +
                                 "` gives it back then";
  }

  /// While the kernel is at it, what shows the device waits for it too: nothing is read.
  void leave_hanging(const Move& move) {
    Step step = *std::exchange(hangs_, std::nullopt);
    if (step == Step::probe) return leave_probing(move);
    std::string waits = step == Step::unbind ? "the kernel still waits for `" + move.from.driver + "`" : "the kernel is still at its driver_override";
    std::string text = quoted(move.address) + ": " + waits;
    if (!move.writes.empty() && step_of(move.writes.front()) == Step::driver_override) {
      KernelWrite back = writes_between(move.address, {"", move.driver_override}, "", move.from.driver_override).front();
      back.shows = Shows::nothing;
      Status put = hostpci::carry_out(system_, back, queued);
      if (put) text += "; driver_override is put back";
      else if (put.error().code == EINPROGRESS) text += "; driver_override is put back when it has";
      else text += "; driver_override could not be put back: " + put.error().message;
    }
    result_.left[move.address] = text + "; if it is without a driver then, `hostpci unbind " + move.address.str() + "` gives it back";
  }

  Result<Placement> placement_now(const Move& move) const {
    Result<std::string> driver = driver_now(system_, move.address);
    if (!driver) return driver.error();
    Result<std::string> text = system_.read(device_path(move.address, "driver_override"));
    if (!text) return text.error();
    std::string value(trim(*text));
    return Placement{*driver, value == "(null)" ? "" : value};
  }

  /// Only what this run did is undone: a device that is elsewhere may be a running VM's by now.
  void put_back(const Move& move) {
    auto ours = ours_.find(move.address);
    if (ours == ours_.end()) return;
    if (hangs_) return leave_hanging(move);
    Result<Placement> now = placement_now(move);
    if (!now) return fail_back(move, now.error());
    if (*now == move.from) return;
    if (std::find(ours->second.begin(), ours->second.end(), *now) == ours->second.end())
      return fail_back(move, Failure{"it was changed by someone else meanwhile"});
    if (std::string user = user_of(move, *now); !user.empty()) return fail_back(move, Failure{"it is in use by " + user});
    auto writes = writes_between(move.address, *now, move.from.driver, move.from.driver_override);
    if (Status done = hostpci::carry_out(system_, writes, milliseconds_); !done) return fail_back(move, done.error());
    result_.undone.push_back(quoted(move.address) + " has " + driver_words(move.from.driver) + " again");
  }

  /// The process that has taken a device which this run gave to VFIO, or "".
  std::string user_of(const Move& move, const Placement& now) const {
    if (!is_keeper(now.driver)) return {};
    Device device;
    device.address = move.address;
    if (auto link = system_.read_link(device_path(move.address, "iommu_group")))
      if (auto group = number(link->substr(link->rfind('/') + 1))) device.group = int(*group);
    auto openers = vfio_openers(system_, device);
    return openers.empty() ? "" : "process " + std::to_string(openers.front().pid) + " (`" + openers.front().program + "`)";
  }

  void fail_back(const Move& move, const Failure& failure) {
    auto driver = driver_now(system_, move.address);
    result_.left[move.address] = quoted(move.address) + " had " + driver_words(move.from.driver) + " and has " +
                                 (driver ? driver_words(*driver) : "an unknown driver") + " now: " + failure.message;
  }

  FileSystem& system_;
  int milliseconds_;
  std::optional<Step> hangs_;  ///< the kernel is still at it
  std::map<PciAddress, std::vector<Placement>> ours_;  ///< of each device that was written to: where this run may have brought it
  MoveResult result_;
};

}  // namespace

MoveResult carry_out(FileSystem& system, const std::vector<Move>& moves, int milliseconds) {
  return Mover(system, milliseconds).run(moves);
}

}  // namespace hostpci
