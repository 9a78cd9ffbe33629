// Writing the number of virtual functions and holding the kernel to it; the old one comes back where it cannot be had.
#include "live/virtual_functions.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "live/placement.hpp"
#include "rules/device.hpp"
#include "system/held_signals.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Clock = std::chrono::steady_clock;

std::string functions(std::uint32_t number) { return count(number, "virtual function"); }

KernelWrite number_write(const Device& card, std::uint32_t number) {
  std::string path = device_path(card.address, "sriov_numvfs"), text = std::to_string(number);
  return {path, text, Shows::text, path, text};
}

KernelWrite autoprobe_write(const Device& card, bool probe) {
  std::string path = device_path(card.address, "sriov_drivers_autoprobe"), text = probe ? "1" : "0";
  return {path, text, Shows::text, path, text};
}

/// Drivers are kept off by the card's autoprobe, if it would let them try.
bool sets_autoprobe(const FunctionsRequest& request) {
  return !request.probe && request.count != 0 && request.autoprobe.value_or(true);
}

/// The function behind virtfnN; a Failure if there is none, or no device.
Result<PciAddress> function_at(const FileSystem& system, const Device& card, std::uint32_t index) {
  std::string link = device_path(card.address, "virtfn" + std::to_string(index));
  auto target = system.read_link(link);
  if (!target) return target.error();
  auto address = parse_pci_address(target->substr(target->rfind('/') + 1));
  if (!address) return Failure{"`" + link + "` leads to no PCI device: `" + *target + "`", EIO};
  auto there = system.stat(device_path(*address));
  if (!there) return there.error();
  return *address;
}

void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

/// udev answers new functions by loading their driver's module, and a driver that is new tries every device: it has to
/// come while none may be tried. The file is there as long as udev has events in hand. Source: systemd udevd.c
/// (event_queue_start).
void let_udev_finish(const FileSystem& system, int milliseconds) {
  if (!system.stat("/run/udev/control")) return;
  auto busy = [&] { return system.stat("/run/udev/queue").has_value(); };
  auto begin = Clock::now(), end = begin + std::chrono::milliseconds(milliseconds);
  while (!busy() && Clock::now() < begin + std::chrono::milliseconds(std::min(milliseconds, 100))) pause();
  while (busy() && Clock::now() < end) pause();
}

/// What the kernel means by that code, or "". Source: drivers/pci/iov.c.
std::string meaning(int code, const Device& card) {
  constexpr const char* own_unit = "; NVIDIA's own unit does: `systemctl start pve-nvidia-sriov@ALL.service`";
  bool is_nvidia = card.id && card.id->vendor == 0x10de;
  switch (code) {
    case ENOENT:
      return driver_text(card) + " makes no virtual functions by this attribute" + (is_nvidia ? own_unit : "");
    case ENOMEM:
      return "the firmware left no memory or no bus numbers for them (device-sriov-no-mmio)";
    case ERANGE:
      return "the driver allows fewer by now";
    case EBUSY:
      return "something else made some meanwhile";
    case EPERM:
      return driver_text(card) + " says that they are in use";
    default:
      return "";
  }
}

class Change {
 public:
  Change(FileSystem& system, const Device& card, const FunctionsRequest& request, int milliseconds)
      : system_(system), card_(card), request_(request), milliseconds_(milliseconds) {}

  Status run() {
    HeldSignals held;
    std::vector<KernelWrite> writes = functions_writes(card_, request_);
    if (writes.empty()) return Done{};
    for (const KernelWrite& write : writes)
      if (Status done = step(write); !done) return way_back(done.error());
    if (Status bare = request_.probe ? Status(Done{}) : without_driver(); !bare) return way_back(bare.error());
    return Done{};
  }

 private:
  bool sets_number(const KernelWrite& write) const { return write.path.ends_with("/sriov_numvfs"); }

  Status step(const KernelWrite& write) {
    Status done = carry_out(system_, write, milliseconds_);
    if (!done || !sets_number(write) || write.value == "0") return explained(std::move(done), write);
    if (Status made = all_there(); !made) return made;
    if (!request_.probe) let_udev_finish(system_, time_of(autoprobe_write(card_, true), milliseconds_));
    return Done{};
  }

  Status explained(Status status, const KernelWrite& write) const {
    if (status || !sets_number(write)) return status;
    std::string why = meaning(status.error().code, card_);
    return why.empty() ? status : Failure{status.error().message + ": " + why, status.error().code};
  }

  Status all_there() const {
    for (std::uint32_t i = 0; i < request_.count; ++i)
      if (auto made = function_at(system_, card_, i); !made) return made.error();
    return Done{};
  }

  /// A rule of udev may give them to vfio-pci at once (functions_rule.hpp).
  Status without_driver() const {
    for (const FunctionDriver& function : function_drivers(system_, card_, 0))
      if (!function.driver.empty() && function.driver != "vfio-pci")
        return Failure{
            "`" + function.address.str() + "` has the driver `" + function.driver + "` although none was to be tried",
            EIO};
    return Done{};
  }

  /// While the kernel is at it, a look at the number would wait for it.
  Failure way_back(Failure why) {
    if (why.code == EINPROGRESS) {
      why.message += "; the kernel is still at it, and what comes of it is open";
      if (!request_.probe) why.message += "; `sriov_drivers_autoprobe` may stay 0";
      return why;
    }
    auto now = number_now();
    Status back = now ? take_back(*now) : Status(now.error());
    std::uint32_t before = card_.sriov_numvfs.value_or(0);
    if (back && *now == before)
      why.message += "; nothing was changed";
    else if (back)
      why.message +=
          before ? "; " + functions(before) + " as before were made again" : "; the card has none, as before";
    else
      why.message += "; and the way back failed: " + back.error().message + left_over();
    return why;
  }

  Result<std::uint32_t> number_now() const {
    std::string path = device_path(card_.address, "sriov_numvfs");
    auto text = system_.read(path);
    if (!text) return text.error();
    auto value = number(trim(*text));
    return value ? Result<std::uint32_t>(std::uint32_t(*value))
                 : Failure{"`" + path + "` reads `" + std::string(trim(*text)) + "`", EIO};
  }

  /// The old functions are made as they were: under the card's own autoprobe.
  Status take_back(std::uint32_t now) {
    std::uint32_t before = card_.sriov_numvfs.value_or(0);
    std::vector<KernelWrite> writes;
    if (now != before && now != 0) writes.push_back(number_write(card_, 0));
    if (sets_autoprobe(request_)) writes.push_back(autoprobe_write(card_, true));
    if (now != before && before != 0) writes.push_back(number_write(card_, before));
    return carry_out(system_, writes, milliseconds_);
  }

  std::string left_over() const {
    auto now = number_now();
    return now ? "; the card has " + functions(*now) + " now" : "";
  }

  FileSystem& system_;
  const Device& card_;
  const FunctionsRequest& request_;
  int milliseconds_;
};

}  // namespace

Fact<bool> drivers_autoprobe(const FileSystem& system, const Device& card) {
  auto text = system.read(device_path(card.address, "sriov_drivers_autoprobe"));
  auto value = text ? number(trim(*text)) : std::nullopt;
  return value ? Fact<bool>(*value != 0) : Fact<bool>();
}

std::vector<KernelWrite> functions_writes(const Device& card, const FunctionsRequest& request) {
  std::uint32_t now = card.sriov_numvfs.value_or(0);
  std::vector<KernelWrite> writes;
  if (request.count == now) return writes;
  if (sets_autoprobe(request)) writes.push_back(autoprobe_write(card, false));
  if (now != 0) writes.push_back(number_write(card, 0));
  if (request.count != 0) writes.push_back(number_write(card, request.count));
  if (sets_autoprobe(request)) writes.push_back(autoprobe_write(card, true));
  return writes;
}

Status set_functions(FileSystem& system, const Device& card, const FunctionsRequest& request, int milliseconds) {
  return Change(system, card, request, milliseconds).run();
}

std::vector<FunctionDriver> function_drivers(const FileSystem& system, const Device& card, int milliseconds) {
  std::vector<FunctionDriver> found;
  auto end = Clock::now() + std::chrono::milliseconds(milliseconds);
  for (std::uint32_t index = 0;; ++index) {
    auto address = function_at(system, card, index);
    if (!address) return found;
    std::string driver = driver_now(system, *address).value_or("");
    for (; driver.empty() && Clock::now() < end; driver = driver_now(system, *address).value_or("")) pause();
    found.push_back({*address, std::move(driver)});
  }
}

}  // namespace hostpci
