// Numbers of virtual functions on a double of the kernel: refused, written, and what is there after each step failed.
#include "live/virtual_functions.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "host/scan.hpp"
#include "live/objections.hpp"
#include "system/failure.hpp"
#include "system/memory.hpp"

using namespace hostpci;

namespace {

const std::string pci = "/sys/bus/pci/devices/", card_path = pci + "0000:01:00.0/";

/// A card of 4 functions at 01:00.1 and following, and the kernel's answers to a number. Source: drivers/pci/iov.c.
class CardDouble : public MemoryFileSystem {
 public:
  CardDouble() {
    device("0000:01:00.0", "0x010802", 5);
    put(card_path + "sriov_totalvfs", "4\n");
    put(card_path + "sriov_numvfs", "0\n");
    put(card_path + "sriov_drivers_autoprobe", "1\n");
    put_link(card_path + "driver", "../../../../bus/pci/drivers/nvme");
    (void)make_directory("/sys/kernel/iommu_groups/5");
    put("/proc/self/mountinfo", "");
    put("/proc/swaps", "");
  }

  std::string vf_driver = "nvme";  ///< that comes for a new function where it may
  unsigned most = 4;               ///< that the driver makes of those it is asked for
  bool keeps_drivers_off = true;   ///< the autoprobe is heeded
  std::vector<std::string> written;

  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override {
    written.push_back(path.substr(path.rfind('/') + 1) + "=" + std::string(value));
    if (path != card_path + "sriov_numvfs")
      return MemoryFileSystem::write_attribute(path, std::string(value) + "\n", milliseconds);
    int code = set_number(unsigned(std::stoul(std::string(value))));
    return code ? Status(system_failure("write to", path, code)) : Status(Done{});
  }

  unsigned now() const { return unsigned(std::stoul(files().at(card_path + "sriov_numvfs"))); }
  std::string autoprobe() const { return files().at(card_path + "sriov_drivers_autoprobe").substr(0, 1); }

  /// As if someone had made them before.
  void have(unsigned count) {
    set_number(count);
    written.clear();
  }

 private:
  void device(const std::string& address, const std::string& class_code, int group) {
    put(pci + address + "/class", class_code + "\n");
    put(pci + address + "/vendor", "0x1b36\n");
    put(pci + address + "/device", "0x0010\n");
    put_link(pci + address + "/iommu_group", "../../../../kernel/iommu_groups/" + std::to_string(group));
  }

  int set_number(unsigned count) {
    if (count > 4) return ERANGE;
    if (count == now()) return 0;
    if (!read_link(card_path + "driver")) return ENOENT;
    if (count && now()) return EBUSY;
    for (unsigned i = 0; i < 4; ++i) remove_function(i);
    for (unsigned i = 0; i < std::min(count, most); ++i) make_function(i);
    put(card_path + "sriov_numvfs", std::to_string(std::min(count, most)) + "\n");
    return 0;
  }

  static std::string name(unsigned i) { return "0000:01:00." + std::to_string(i + 1); }

  void make_function(unsigned i) {
    put_link(card_path + "virtfn" + std::to_string(i), "../" + name(i));
    device(name(i), "0x010802", 20 + int(i));
    put_link(pci + name(i) + "/physfn", "../0000:01:00.0");
    bool probes = autoprobe() == "1" || !keeps_drivers_off;
    if (probes && !vf_driver.empty()) put_link(pci + name(i) + "/driver", "../../../../bus/pci/drivers/" + vf_driver);
  }

  void remove_function(unsigned i) {
    links_.erase(card_path + "virtfn" + std::to_string(i));
    std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(pci + name(i) + "/"); });
    std::erase_if(links_, [&](const auto& link) { return link.first.starts_with(pci + name(i) + "/"); });
  }
};

Device card_of(const CardDouble& system) { return scan_host(system).devices.at(*parse_pci_address("01:00.0")); }

Status set(CardDouble& system, std::uint32_t count, bool probe = true) {
  Device card = card_of(system);
  return set_functions(system, card, {count, probe, drivers_autoprobe(system, card)}, 0);
}

/// The host of the card; it uses no device for anything.
Host host_of(const CardDouble& system) {
  Host host = scan_host(system);
  for (auto& [address, device] : host.devices) device.uses.emplace();
  return host;
}

using Writes = std::vector<std::string>;

/// The first objection's rule and severity, "" if there is none.
std::string first_objection(const Host& host, std::uint32_t count, const FileSystem* processes = nullptr) {
  auto found = functions_objections(host, processes, host.devices.at(*parse_pci_address("01:00.0")), count);
  return found.empty() ? "" : std::string(name(found[0].severity)) + " " + found[0].rule;
}

}  // namespace

TEST_CASE("a number from nothing, another one through 0, and none") {
  CardDouble system;
  REQUIRE(set(system, 2));
  CHECK(system.now() == 2);
  CHECK(system.written == Writes{"sriov_numvfs=2"});
  system.written.clear();
  REQUIRE(set(system, 3));
  CHECK(system.written == Writes{"sriov_numvfs=0", "sriov_numvfs=3"});
  auto drivers = function_drivers(system, card_of(system), 0);
  REQUIRE(drivers.size() == 3);
  CHECK(drivers[2].address.str() == "0000:01:00.3");
  CHECK(drivers[2].driver == "nvme");
  REQUIRE(set(system, 0));
  CHECK(function_drivers(system, card_of(system), 0).empty());
}

TEST_CASE("the same number writes nothing") {
  CardDouble system;
  system.have(2);
  REQUIRE(set(system, 2));
  REQUIRE(set(system, 2, false));
  CHECK(system.written.empty());
}

TEST_CASE("no driver is tried where none is wanted, and the card's autoprobe is as before") {
  CardDouble system;
  REQUIRE(set(system, 2, false));
  CHECK(system.written == Writes{"sriov_drivers_autoprobe=0", "sriov_numvfs=2", "sriov_drivers_autoprobe=1"});
  for (const FunctionDriver& function : function_drivers(system, card_of(system), 0)) CHECK(function.driver.empty());
  CardDouble off;
  off.put(card_path + "sriov_drivers_autoprobe", "0\n");
  REQUIRE(set(off, 2, false));
  CHECK(off.written == Writes{"sriov_numvfs=2"});
  CHECK(off.autoprobe() == "0");
}

TEST_CASE("a driver that came although none was to be tried is a failure, and the old number is back") {
  CardDouble system;
  system.have(1);
  system.keeps_drivers_off = false;
  Status refused = set(system, 2, false);
  REQUIRE(!refused);
  CHECK(refused.error().message ==
        "`0000:01:00.1` has the driver `nvme` although none was to be tried; 1 virtual function as before were made "
        "again");
  CHECK(system.now() == 1);
  system.vf_driver = "vfio-pci";  // by a rule of udev
  CHECK(set(system, 2, false));
}

TEST_CASE("functions without a driver are no failure, and not waited for for ever") {
  CardDouble system;
  system.vf_driver.clear();
  REQUIRE(set(system, 2));
  auto drivers = function_drivers(system, card_of(system), 30);
  REQUIRE(drivers.size() == 2);
  CHECK(drivers[0].driver.empty());
}

TEST_CASE("a driver that makes fewer than it was asked for has not done it") {
  CardDouble system;
  system.have(1);
  system.most = 2;
  Status refused = set(system, 4);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("`" + card_path + "sriov_numvfs` is `2`, not `4`") != std::string::npos);
  CHECK(refused.error().message.find("were made again") != std::string::npos);
  CHECK(system.now() == 1);
}

TEST_CASE("what the card cannot is told with the limit") {
  CardDouble system;
  Device card = card_of(system);
  CHECK(functions_possible(card, 4));
  CHECK(functions_possible(card, 9).error().message.find("makes at most 4 virtual functions, not 9 (`" + card_path +
                                                         "sriov_totalvfs`)") != std::string::npos);
  card.sriov_totalvfs = 0;
  CHECK(functions_possible(card, 1).error().message.find("has no SR-IOV capability") != std::string::npos);
  card.sriov_totalvfs.reset();
  CHECK(functions_possible(card, 1).error().message.find("is not known") != std::string::npos);
  system.have(1);
  Host host = scan_host(system);
  CHECK(functions_possible(host.devices.at(*parse_pci_address("01:00.1")), 1)
            .error()
            .message.find("is itself a virtual function, of 0000:01:00.0") != std::string::npos);
}

TEST_CASE("the card needs a driver of its own") {
  CardDouble system;
  Host host = host_of(system);
  Device& card = host.devices.at(*parse_pci_address("01:00.0"));
  CHECK(first_objection(host, 2).empty());
  card.driver = "vfio-pci";
  CHECK(first_objection(host, 2) == "error device-pf-on-vfio");
  card.driver = "";
  CHECK(first_objection(host, 2) == "error device-vf-not-created");
  CHECK(first_objection(host, 0).empty());  // so already
}

TEST_CASE("functions that are in use stay; those that the host could miss are asked about") {
  CardDouble system;
  system.have(2);
  Host host = host_of(system);
  Device& function = host.devices.at(*parse_pci_address("01:00.2"));
  CHECK(first_objection(host, 2).empty());
  CHECK(first_objection(host, 3).empty());
  struct Case {
    Use use;
    const char* told;
  };
  const Case cases[] = {
      {{UseKind::disk, "nvme1n1", "", false}, "warning device-disks-in-use"},
      {{UseKind::disk, "nvme1n1", "holds md0", false}, "error device-disks-in-use"},
      {{UseKind::filesystem, "nvme1n1", "/srv", false}, "error device-disks-in-use"},
      {{UseKind::filesystem, "nvme1n1", "/", true}, "error device-boot-controller"},
      {{UseKind::swap, "nvme1n1", "", false}, "error device-disks-in-use"},
      {{UseKind::net, "enp1s0v1", "", false}, "warning device-vf-used-by-host"},
      {{UseKind::net, "enp1s0v1", "192.0.2.1/24", false}, "error device-vf-used-by-host"},
      {{UseKind::bridge_port, "enp1s0v1", "vmbr1", false}, "error device-vf-used-by-host"},
      {{UseKind::drm, "card1", "", false}, "warning device-driver-busy"},
  };
  for (const Case& c : cases) {
    function.uses = {c.use};
    CHECK(first_objection(host, 0) == std::string(c.told));
  }
}

TEST_CASE("a function whose interface is up, or is not the host's, stays") {
  CardDouble system;
  system.have(2);
  Host host = host_of(system);
  Device& function = host.devices.at(*parse_pci_address("01:00.2"));
  function.class_code = 0x020000;
  function.driver = "igbvf";
  CHECK(first_objection(host, 0, &system) == "error device-vf-used-by-host");
  function.uses = {{UseKind::net, "enp1s0v1", "", false}};
  CHECK(first_objection(host, 0, &system) == "warning device-vf-used-by-host");
  system.put("/sys/class/net/enp1s0v1/flags", "0x1002\n");
  CHECK(first_objection(host, 0, &system) == "warning device-vf-used-by-host");
  system.put("/sys/class/net/enp1s0v1/flags", "0x1003\n");
  CHECK(first_objection(host, 0, &system) == "error device-vf-used-by-host");
  CHECK(first_objection(host, 0) == "warning device-vf-used-by-host");
}

TEST_CASE("a function of a VM that is being started stays") {
  CardDouble system;
  system.have(1);
  Host host = host_of(system);
  CHECK(first_objection(host, 0, &system) == "");
  system.put("/run/qemu-server/pci-id-reservations", "0000:01:00.1 100 time:9999999999\n");
  CHECK(first_objection(host, 0, &system) == "error conflict-in-use");
  system.put("/run/qemu-server/pci-id-reservations", "0000:01:00.1 100 time:1000000000\n");
  CHECK(first_objection(host, 0, &system) == "");
}

TEST_CASE("that the host is reached through the card is told, and no reason to ask") {
  CardDouble system;
  Host host = host_of(system);
  host.devices.at(*parse_pci_address("01:00.0")).uses = {
      {UseKind::bridge_port, "eno1", "vmbr0 192.0.2.10/24 (default route)", true}};
  CHECK(first_objection(host, 2) == "info device-mgmt-nic");
}

TEST_CASE("a function that a VM holds stays; one on vfio-pci that nobody holds goes, and is told") {
  CardDouble system;
  system.have(1);
  system.put_link(pci + "0000:01:00.1/driver", "../../../../bus/pci/drivers/vfio-pci");
  Host host = host_of(system);
  CHECK(first_objection(host, 2, &system) == "info device-pf-has-vfs");
  host.running = {{100, 4711, {"qemu-system-x86_64", "-device", "vfio-pci,host=0000:01:00.1,id=hostpci0"}}};
  CHECK(first_objection(host, 2, &system) == "error conflict-in-use");
  host.running.emplace();
  system.put("/proc/4712/comm", "vfio-user\n");
  system.put_link("/proc/4712/fd/7", "/dev/vfio/20");
  CHECK(first_objection(host, 2, &system) == "error conflict-in-use");
  CHECK(first_objection(host, 2) == "info device-pf-has-vfs");
}

TEST_CASE("whatever step fails once, the old number and the card's autoprobe are there again") {
  for (bool probe : {true, false})
    for (unsigned before : {0u, 2u})
      for (int at = 0; at < 8; ++at) {
        CAPTURE(probe);
        CAPTURE(before);
        CAPTURE(at);
        CardDouble system;
        system.have(before);
        int step = 0;
        auto faulty = faulty_file_system(system, [&](std::string_view call, const std::string& path) {
          bool counts = call == "write_attribute" || (call == "read" && path.ends_with("/sriov_numvfs"));
          return counts && step++ == at ? ENOMEM : 0;
        });
        Device card = card_of(system);
        Status set = set_functions(*faulty, card, {3, probe, true}, 0);
        if (step <= at) {
          CHECK(set);
          continue;
        }
        REQUIRE(!set);
        CHECK(system.now() == before);
        CHECK(system.autoprobe() == "1");
        CHECK(set.error().message.find("way back failed") == std::string::npos);
      }
}

TEST_CASE("why the kernel refused, and what is there after the way back failed too") {
  CardDouble system;
  system.have(2);
  int numbers = 0;
  auto faulty = faulty_file_system(system, [&](std::string_view call, const std::string& path) {
    return call == "write_attribute" && path.ends_with("/sriov_numvfs") && ++numbers > 1 ? ENOMEM : 0;
  });
  Device card = card_of(system);
  Status refused = set_functions(*faulty, card, {3, true, true}, 0);
  REQUIRE(!refused);
  CHECK(refused.error().message ==
        "cannot write to `" + card_path +
            "sriov_numvfs`: Cannot allocate memory: the firmware left no memory or no bus numbers for them "
            "(device-sriov-no-mmio); and the way back failed: cannot write to `" +
            card_path + "sriov_numvfs`: Cannot allocate memory; the card has 0 virtual functions now");
}

TEST_CASE("a kernel that does not end is not asked again") {
  CardDouble system;
  system.have(2);
  bool stuck = false, asked = false;
  auto faulty = faulty_file_system(system, [&](std::string_view call, const std::string&) {
    asked = asked || stuck;
    if (call == "write_attribute") stuck = true;
    return call == "write_attribute" ? EINPROGRESS : 0;
  });
  Device card = card_of(system);
  Status refused = set_functions(*faulty, card, {3, true, true}, 0);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("; the kernel is still at it, and what comes of it is open") != std::string::npos);
  CHECK(!asked);
}
