// Recorded trees of real kernels: what is read equals what lspci said there, and a snapshot holds all of it.
#include <doctest/doctest.h>

#include <cerrno>
#include <map>

#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "host/attributes.hpp"
#include "host/redact.hpp"
#include "host/scan.hpp"
#include "host/snapshot.hpp"
#include "system/memory.hpp"
#include "text/words.hpp"

using namespace hostpci;
using hostpci::test::read_file;

namespace {

const char* const captures[] = {"amd-boot",   "clean-boot",      "clean-mdev",   "clean-vfio",          "gpu-boot",
                                "gpu-vfio",   "nointremap-boot", "noiommu-boot", "noiommu-vfio-failed", "shared-boot",
                                "sriov-boot", "sriov-vfs"};

/// One capture, unpacked and read.
struct Capture {
  test::TemporaryDirectory directory;
  Host host;

  explicit Capture(const std::string& name) {
    test::unpack("captures/" + name + ".tar.xz", directory.path());
    auto system = real_file_system(directory.path());
    REQUIRE(system);
    host = scan_host(**system);
  }
  const Device& device(std::string_view address) const {
    const Device* found = host.find(*parse_pci_address(address));
    REQUIRE(found);
    return *found;
  }
};

/// `lspci -vmm` in records of "Key:\tvalue": by slot.
std::map<std::string, std::map<std::string, std::string>> lspci_records(const std::string& text) {
  std::map<std::string, std::map<std::string, std::string>> records;
  std::string slot;
  for (std::string_view line : split(text, '\n')) {
    std::size_t tab = line.find(":\t");
    if (tab == std::string_view::npos) continue;
    if (line.substr(0, tab) == "Slot") slot = line.substr(tab + 2);
    records[slot].emplace(line.substr(0, tab), line.substr(tab + 2));
  }
  return records;
}

/// "NVIDIA Corporation [10de]" -> "10de"
std::string bracketed(const std::string& text) {
  std::size_t open = text.rfind('[');
  return open == std::string::npos ? "" : text.substr(open + 1, 4);
}

/// The block of `lspci -vvv` about one device.
std::string verbose_block(const std::string& text, const std::string& slot) {
  std::size_t begin = text.find(slot + ' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find("\n\n", begin) - begin);
}

}  // namespace

TEST_CASE("a capture has the devices, ids, drivers and groups that lspci saw") {
  for (const char* name : captures) {
    CAPTURE(name);
    Capture capture(name);
    auto records = lspci_records(read_file(capture.directory.path() + "/cmd/lspci-mm"));
    CHECK(capture.host.devices.size() == records.size());
    REQUIRE(records.size() > 4);
    for (auto& entry : records) {
      const std::string& slot = entry.first;
      auto& record = entry.second;
      CAPTURE(slot);
      const Device& device = capture.device(slot);
      REQUIRE(device.id);
      CHECK(device.id->str() == bracketed(record["Vendor"]) + ':' + bracketed(record["Device"]));
      CHECK(device.driver == record["Driver"]);
      CHECK(device.group == (record.count("IOMMUGroup") ? int(*number(record["IOMMUGroup"])) : -1));
      REQUIRE(device.class_code);
      CHECK((*device.class_code >> 8) == *number(bracketed(record["Class"]), 16));
      if (record.count("SVendor"))
        CHECK(device.subsystem->str() == bracketed(record["SVendor"]) + ':' + bracketed(record["SDevice"]));
    }
  }
}

TEST_CASE("capabilities are those that lspci decoded") {
  for (const char* name : captures) {
    CAPTURE(name);
    Capture capture(name);
    std::string verbose = read_file(capture.directory.path() + "/cmd/lspci-vvv");
    for (const auto& [address, device] : capture.host.devices) {
      std::string block = verbose_block(verbose, address.str());
      CAPTURE(block);
      REQUIRE(device.flr);
      CHECK(*device.flr ==
            (block.find("FLReset+") != std::string::npos || block.find("AFCap: TP+ FLR+") != std::string::npos));
      REQUIRE(device.acs);
      CHECK(*device.acs == (block.find("Access Control Services") != std::string::npos));
    }
  }
}

TEST_CASE("what a scan leaves out is read on request, and is what the whole scan reads") {
  for (const char* name : captures) {
    CAPTURE(name);
    Capture capture(name);
    auto system = real_file_system(capture.directory.path());
    REQUIRE(system);
    Host host = scan_host(**system, {.capabilities = false, .state = false});
    std::set<PciAddress> read, rest;
    for (const auto& [address, device] : host.devices) {
      CHECK_FALSE((device.irq || device.power_state || device.reset_method || device.flr || device.acs));
      CHECK(device.bridge == capture.host.find(address)->bridge);
      (address.function == 0 ? read : rest).insert(address);
    }
    read_state(**system, read, host);
    for (const auto& [address, device] : host.devices)
      CHECK((device == *capture.host.find(address)) == (read.count(address) != 0));
    read_state(**system, rest, host);
    CHECK(host == capture.host);
  }
}

TEST_CASE("uevent says of a device what its attributes say") {
  for (const char* name : captures) {
    CAPTURE(name);
    Capture capture(name);
    auto system = real_file_system(capture.directory.path());
    REQUIRE(system);
    std::size_t refused = 0;
    auto without = faulty_file_system(**system, [&](std::string_view, const std::string& path) {
      bool is_uevent = path.ends_with("/uevent");
      refused += is_uevent;
      return is_uevent ? EACCES : 0;
    });
    CHECK(scan_host(*without) == capture.host);
    CHECK(refused == capture.host.devices.size());
  }
}

TEST_CASE("live and snapshot are one model") {
  for (const char* name : captures) {
    CAPTURE(name);
    Capture capture(name);
    std::string text = write_snapshot(capture.host);
    Sink sink;
    auto back = read_snapshot(make_source("snapshot", text), sink);
    for (const Diagnostic& d : sink.diagnostics) MESSAGE(d.message);
    REQUIRE(back);
    CHECK(*back == redacted(capture.host));
    CHECK(write_snapshot(*back) == text);
  }
}

TEST_CASE("a host with an Intel IOMMU") {
  Capture capture("gpu-boot");
  const Kernel& kernel = capture.host.kernel;
  CHECK(kernel.release == "6.12.117+deb12-amd64");
  CHECK(kernel.iommus == std::vector<std::string>{"dmar0"});
  CHECK(kernel.dmar_table == true);
  CHECK(kernel.ivrs_table == false);
  CHECK_FALSE(kernel.interrupt_remapping.has_value());  // no /proc/interrupts was captured
  CHECK(capture.host.groups_known == true);
  CHECK(capture.host.group_types.at(1) == "identity");
  const Device& card = capture.device("0000:01:00.0");
  CHECK(card.parent == parse_pci_address("0000:00:1c.0"));
  CHECK(card.driver == "radeon");
  CHECK(card.rom == true);
  CHECK(card.bridge == false);
  REQUIRE(card.uses);
  CHECK((*card.uses)[0] == Use{UseKind::console, "fb2", "", false});
  CHECK(capture.device("0000:00:1c.0").bridge == true);
  CHECK_FALSE(capture.device("0000:00:1f.3").uses.has_value());  // /sys/class is not in the capture
  CHECK(capture.host.group(*card.group).size() == 3);
}

TEST_CASE("an AMD host, one without IOMMU, one with it off") {
  CHECK(Capture("amd-boot").host.kernel.iommus == std::vector<std::string>{"ivhd0"});
  Capture none("noiommu-boot");
  CHECK(none.host.kernel.iommus == std::vector<std::string>{});
  CHECK(none.host.groups_known == true);
  CHECK(none.host.group_ids().empty());
  CHECK(none.device("0000:01:00.0").group == -1);
}

TEST_CASE("virtual functions know their physical one") {
  Capture capture("sriov-vfs");
  const Device& physical = capture.device("0000:01:00.0");
  REQUIRE(physical.sriov_numvfs);
  CHECK(*physical.sriov_numvfs == physical.virtfns.size());
  REQUIRE(!physical.virtfns.empty());
  for (const PciAddress& address : physical.virtfns) CHECK(capture.device(address.str()).physfn == physical.address);
  Capture before("sriov-boot");
  CHECK(before.device("0000:01:00.0").sriov_numvfs == 0);
  CHECK(*before.device("0000:01:00.0").sriov_totalvfs > 0);
}

TEST_CASE("mediated types and the instance made of one") {
  Capture capture("clean-mdev");
  REQUIRE(capture.host.mdevs);
  REQUIRE(capture.host.mdevs->size() == 1);
  const MdevInstance& instance = capture.host.mdevs->front();
  CHECK(instance.uuid == "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
  const Device& parent = capture.device(instance.parent.str());
  REQUIRE(parent.mdev_types);
  bool offered = false;
  for (const MdevType& type : *parent.mdev_types) {
    offered = offered || type.type == instance.type;
    CHECK(type.available.has_value());
  }
  CHECK(offered);
}
