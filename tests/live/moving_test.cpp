// Moves against a double of the driver core: done as asked, or everything as before.
#include "live/moving.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include "driver_core.hpp"
#include "live/driver_memory.hpp"

using namespace hostpci;
using test::DriverCore;

namespace {

/// A card of two functions and a twin, on the drivers of a usual host.
struct Bench {
  DriverCore core;
  std::vector<Move> moves;

  explicit Bench(test::DriverTraits sound = {}, test::DriverTraits vfio = {}) {
    core.add_driver("nouveau");
    core.add_driver("snd_hda_intel", sound);
    core.add_driver("vfio-pci", vfio);
    core.add_device("0000:01:00.0", {"nouveau"});
    core.add_device("0000:01:00.1", {"snd_hda_intel"});
    core.add_device("0000:02:00.0", {"nouveau"});
    for (const char* address : {"0000:01:00.0", "0000:01:00.1"}) moves.push_back(move_to(core.device(address), "vfio-pci"));
  }
};

bool mentions(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("both functions go to vfio-pci, the twin stays, and no new_id is written") {
  Bench bench;
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  REQUIRE(result.status);
  CHECK(bench.core.driver("0000:01:00.0") == "vfio-pci");
  CHECK(bench.core.driver("0000:01:00.1") == "vfio-pci");
  CHECK(bench.core.driver("0000:02:00.0") == "nouveau");
  CHECK(result.drivers.at(*parse_pci_address("0000:01:00.1")) == "vfio-pci");
  for (const std::string& write : bench.core.written) CHECK_FALSE(mentions(write, "new_id"));
}

TEST_CASE("there and back") {
  Bench bench;
  auto before = bench.core.state();
  REQUIRE(carry_out(bench.core, bench.moves, 1000).status);
  std::vector<Move> back{move_back(bench.core.device("0000:01:00.0"), Placement{"nouveau", ""}, true),
                         move_back(bench.core.device("0000:01:00.1"), Placement{"snd_hda_intel", ""}, true)};
  REQUIRE(carry_out(bench.core, back, 1000).status);
  CHECK(bench.core.state() == before);
}

TEST_CASE("whichever write fails once, everything is as before") {
  for (int code : {EBUSY, ENODEV, EINVAL, -1}) {
    for (std::size_t step = 0; step < 6; ++step) {
      CAPTURE(code);
      CAPTURE(step);
      Bench bench;
      auto before = bench.core.state();
      bench.core.fault = [&](std::size_t n) { return n == step ? code : 0; };
      MoveResult result = carry_out(bench.core, bench.moves, 1000);
      CHECK_FALSE(result.status);
      CHECK(bench.core.state() == before);
      CHECK(result.left.empty());
      CHECK(result.drivers.empty());
      CHECK(result.undone.size() == (step < 3 ? step > 0 : 1 + (step > 3)));
    }
  }
}

TEST_CASE("the way back is tried for each, and what is left is told") {
  Bench bench;
  bench.core.fault = [](std::size_t n) { return n >= 5 ? EBUSY : 0; };
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  CHECK_FALSE(result.status);
  REQUIRE(result.left.size() == 2);
  CHECK(mentions(result.left.at(*parse_pci_address("0000:01:00.1")), "`0000:01:00.1` had driver `snd_hda_intel` and has no driver now"));
  CHECK(mentions(result.left.at(*parse_pci_address("0000:01:00.0")), "`0000:01:00.0` had driver `nouveau` and has driver `vfio-pci` now"));
}

TEST_CASE("what someone else did meanwhile is not undone") {
  Bench bench;
  bench.moves.resize(1);
  bench.core.fault = [&](std::size_t n) {
    if (n == 1) bench.core.take("0000:01:00.0", "vfio-pci");  // between driver_override and the unbind, which finds another driver
    return 0;
  };
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  REQUIRE_FALSE(result.status);
  REQUIRE(result.left.size() == 1);
  CHECK(mentions(result.left.begin()->second, "has driver `vfio-pci` now: it was changed by someone else meanwhile"));
  CHECK(bench.core.written.size() == 2);
  CHECK(bench.core.driver("0000:01:00.0") == "vfio-pci");
}

TEST_CASE("a device that is no longer where it was seen is not written to, those before it are put back") {
  Bench bench;
  bench.core.take("0000:01:00.1", "vfio-pci");
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  REQUIRE_FALSE(result.status);
  CHECK(mentions(result.status.error().message, "`0000:01:00.1` was changed by someone else meanwhile: it has driver `vfio-pci` now"));
  CHECK(result.left.empty());
  CHECK(bench.core.driver("0000:01:00.0") == "nouveau");
  CHECK(bench.core.driver("0000:01:00.1") == "vfio-pci");
  for (const std::string& write : bench.core.written) CHECK_FALSE(mentions(write, "0000:01:00.1"));
}

TEST_CASE("a device that somebody opened since it went to vfio-pci is left to him") {
  Bench bench;
  bench.core.put_link("/sys/bus/pci/devices/0000:01:00.0/iommu_group", "../../../../kernel/iommu_groups/7");
  bench.core.fault = [&](std::size_t n) {
    if (n == 3) bench.core.put_link("/proc/77/fd/9", "/dev/vfio/7"), bench.core.put("/proc/77/comm", "kvm\n");
    return n == 4 ? EBUSY : 0;
  };
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  REQUIRE(result.left.size() == 1);
  CHECK(mentions(result.left.begin()->second, "`0000:01:00.0` had driver `nouveau` and has driver `vfio-pci` now: it is in use by process 77 (`kvm`)"));
  CHECK(bench.core.driver("0000:01:00.1") == "snd_hda_intel");
}

TEST_CASE("a driver that refuses is named with what has the device then") {
  Bench bench({}, {.refuses = true});
  auto before = bench.core.state();
  MoveResult result = carry_out(bench.core, bench.moves, 1000);
  REQUIRE_FALSE(result.status);
  CHECK(mentions(result.status.error().message, "`vfio-pci` did not take `0000:01:00.0`, which has no driver now"));
  CHECK(bench.core.state() == before);
}

TEST_CASE("a probe that lands elsewhere") {
  DriverCore core;
  core.add_driver("vfio-pci");
  core.add_driver("e1000e");
  core.add_device("0000:01:00.0", {"vfio-pci", "e1000e"});
  MoveResult result = carry_out(core, {move_back(core.device("0000:01:00.0"), Placement{"e1000e", ""}, true)}, 1000);
  REQUIRE_FALSE(result.status);
  CHECK(mentions(result.status.error().message, "`e1000e` did not take `0000:01:00.0`, which has driver `vfio-pci` now"));
}

/// Of the writes that were done, where the signal arrived.
std::size_t writes_done = 0, arrived_after = 0;
void note_arrival(int) { arrived_after = writes_done; }

TEST_CASE("a signal in the middle arrives when all is done, or all undone") {
  for (std::size_t failing : {std::size_t(99), std::size_t(4)}) {
    CAPTURE(failing);
    auto before = std::signal(SIGTERM, note_arrival);
    Bench bench;
    arrived_after = 0;
    bench.core.fault = [&](std::size_t n) {
      writes_done = n + 1;
      if (n == 1) std::raise(SIGTERM);
      return n == failing ? EBUSY : 0;
    };
    CHECK(bool(carry_out(bench.core, bench.moves, 1000).status) == (failing == 99));
    CHECK(arrived_after == bench.core.written.size());
    std::signal(SIGTERM, before);
  }
}

TEST_CASE("in the middle of a probe nothing more is written to its device") {
  Bench bench;
  bench.core.fault = [](std::size_t n) { return n == 5 ? EINPROGRESS : 0; };
  MoveResult result = carry_out(bench.core, bench.moves, usual_time);
  REQUIRE_FALSE(result.status);
  CHECK(result.status.error().message == "no driver was done with taking `0000:01:00.1` within 60 seconds");
  REQUIRE(result.left.size() == 1);
  CHECK(mentions(result.left.begin()->second, "`0000:01:00.1`: the kernel is still at trying `vfio-pci` on it"));
  CHECK(bench.core.driver("0000:01:00.0") == "nouveau");
  for (std::size_t n = 6; n < bench.core.written.size(); ++n) CHECK_FALSE(mentions(bench.core.written[n], "0000:01:00.1"));
}

TEST_CASE("each write has its usual time") {
  CHECK(time_of({"/sys/bus/pci/drivers_probe", "1"}, usual_time) == 60000);
  CHECK(time_of({"/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "1"}, usual_time) == 60000);
  CHECK(time_of({"/sys/bus/pci/drivers/e1000e/unbind", "1"}, usual_time) == 10000);
  CHECK(time_of({"/sys/bus/pci/drivers_probe", "1"}, 3000) == 3000);
}

TEST_CASE("a driver that refuses to let go") {
  Bench bench({.lets_go = EBUSY});
  auto before = bench.core.state();
  MoveResult result = carry_out(bench.core, bench.moves, 10000);
  REQUIRE_FALSE(result.status);
  CHECK(bench.core.state() == before);
  CHECK(result.left.empty());
}

TEST_CASE("a device that its driver does not let go of is not read or probed again") {
  Bench bench({.lets_go = EINPROGRESS});
  MoveResult result = carry_out(bench.core, bench.moves, 10000);
  REQUIRE_FALSE(result.status);
  CHECK(result.status.error().message == "driver `snd_hda_intel` did not let `0000:01:00.1` go within 10 seconds");
  REQUIRE(result.left.size() == 1);
  CHECK(mentions(result.left.begin()->second, "`0000:01:00.1`: the kernel still waits for `snd_hda_intel`; driver_override is put back"));
  CHECK(bench.core.driver("0000:01:00.0") == "nouveau");
  CHECK(bench.core.state().at("0000:01:00.1").driver_override == "");
  CHECK(bench.core.written.back() == "/sys/bus/pci/drivers_probe 0000:01:00.0");
}

TEST_CASE("what a device was on is remembered until it is forgotten") {
  MemoryFileSystem system;
  PciAddress address = *parse_pci_address("0000:01:00.0");
  CHECK_FALSE(remembered_placement(system, address)->has_value());
  REQUIRE(remember_placement(system, address, {"e1000e", "x"}));
  CHECK(system.files().at("/run/hostpci/drivers/0000:01:00.0") == "driver=e1000e\ndriver_override=x\n");
  CHECK(system.files().size() == 1);
  REQUIRE(remember_placement(system, address, {"", ""}));
  CHECK(**remembered_placement(system, address) == Placement{"", ""});
  REQUIRE(forget_placement(system, address));
  CHECK(forget_placement(system, address));
  CHECK(system.files().empty());
}

TEST_CASE("a device that was moved on keeps the memory of its own driver") {
  Device device;
  device.address = *parse_pci_address("0000:01:00.0");
  auto worth = [&](const char* driver, bool remembered) {
    device.driver = driver;
    return is_worth_remembering(move_to(device, "vfio-pci"), remembered);
  };
  CHECK(worth("e1000e", false));
  CHECK(worth("e1000e", true));
  CHECK(worth("", false));
  CHECK_FALSE(worth("", true));
  CHECK(worth("pci-stub", false));
  CHECK_FALSE(worth("pci-stub", true));
  CHECK_FALSE(worth("vfio-pci", false));
}

TEST_CASE("a memory that is none of ours is refused") {
  PciAddress address = *parse_pci_address("0000:01:00.0");
  for (const char* text : {"", "driver=e1000e\n", "driver=../x\ndriver_override=\n", "e1000e\n\n"}) {
    MemoryFileSystem system;
    system.put("/run/hostpci/drivers/0000:01:00.0", text);
    CHECK_FALSE(remembered_placement(system, address));
  }
}
