// The verdict on a group: whose is it, and would VFIO take it.
#include "host/groups.hpp"

#include <doctest/doctest.h>

#include "../support/temporary.hpp"
#include "host/snapshot.hpp"

using namespace hostpci;

namespace {

Host host_of(const std::string& devices) {
  Sink sink;
  auto host = read_snapshot(make_source("host.yaml", "version: 1\ndevices:\n" + devices), sink);
  REQUIRE(host);
  return *host;
}

}  // namespace

TEST_CASE("groups of the example host") {
  Sink sink;
  auto host = read_snapshot(make_source("example.yaml", test::read_file(FIXTURES "/hosts/example.yaml")), sink);
  REQUIRE(host);
  CHECK(group_verdict(*host, 2).kind == GroupKind::isolated);
  CHECK(group_verdict(*host, 2).viable() == true);
  CHECK(group_verdict(*host, 1).kind == GroupKind::bridges);
  GroupVerdict usb_and_network = group_verdict(*host, 8);
  CHECK(usb_and_network.kind == GroupKind::shared);
  CHECK(usb_and_network.viable() == false);
  CHECK(usb_and_network.endpoints.size() == 2);  // the root ports do not count
  CHECK(usb_and_network.blockers.size() == 2);
  CHECK(group_verdict(*host, 15).kind == GroupKind::shared);  // one slot of the chipset, but unrelated parts
}

TEST_CASE("drivers that VFIO accepts") {
  for (const char* driver : {"vfio-pci", "mlx5_vfio_pci", "pci-stub", "\"\""})
    CHECK(group_verdict(
              host_of(
                  "  0000:01:00.0: {class: 0x030000, group: 1}\n  0000:01:00.1: {class: 0x040300, group: 1, driver: " +
                  std::string(driver) + "}\n"),
              1)
              .viable() == true);
  CHECK(group_verdict(host_of("  0000:01:00.0: {class: 0x030000, group: 1, driver: nouveau}\n"), 1).viable() == false);
  CHECK(group_verdict(host_of("  0000:00:1f.0: {class: 0x060100, group: 1, driver: lpc_ich}\n"), 1).viable() == false);
  CHECK(group_verdict(host_of("  0000:00:1c.0: {class: 0x060400, group: 1, driver: pcieport}\n"), 1).viable() == true);
}

TEST_CASE("an unknown driver leaves it open, unless another one decides") {
  std::string unknown = "  0000:01:00.0: {class: 0x030000, group: 1, driver: ~}\n";
  CHECK_FALSE(group_verdict(host_of(unknown), 1).viable().has_value());
  CHECK(group_verdict(host_of(unknown + "  0000:01:00.1: {class: 0x040300, group: 1, driver: snd_hda_intel}\n"), 1)
            .viable() == false);
}
