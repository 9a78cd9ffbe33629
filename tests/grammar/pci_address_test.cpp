// Addresses as the kernel writes them and as a person types them.
#include "grammar/pci_address.hpp"

#include <doctest/doctest.h>

#include "grammar/address_repair.hpp"

namespace hostpci {
namespace {

TEST_CASE("a function's address") {
  CHECK(parse_pci_address("0000:01:00.0") == PciAddress{0, 1, 0, 0});
  CHECK(parse_pci_address("01:1f.7") == PciAddress{0, 1, 0x1f, 7});
  CHECK(parse_pci_address("10000:E1:0A.3") == PciAddress{0x10000, 0xe1, 0x0a, 3});
  CHECK(parse_pci_address("ffffffff:00:00.0")->domain == 0xffffffff);
  for (const char* bad :
       {"", "01:00", "01:00.8", "01:20.0", "000:01:00.0", "01:00.0 ", " 01:00.0", "01:00.00", "1:00.0", "01:00.",
        ":01:00.0", "123456789:01:00.0", "01:00.g", "01-00.0", "0000:01:00.0\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_pci_address(bad));
  }
}

TEST_CASE("a pattern without a function means the slot") {
  CHECK(parse_address_pattern("01:00")->whole_slot);
  CHECK_FALSE(parse_address_pattern("01:00.0")->whole_slot);
  CHECK(parse_address_pattern("0001:01:00")->address.domain == 1);
  CHECK_FALSE(parse_address_pattern("01"));
  CHECK_FALSE(parse_address_pattern("01:00;02:00"));
}

TEST_CASE("printed as the kernel prints it, and read back") {
  CHECK(PciAddress{0, 1, 0, 0}.str() == "0000:01:00.0");
  CHECK(PciAddress{0x10000, 0xe1, 0x1f, 7}.str() == "10000:e1:1f.7");
  CHECK(PciAddress{0, 1, 0, 3}.slot() == "0000:01:00");
  CHECK(PciAddress{0, 1, 0, 3}.same_slot({0, 1, 0, 0}));
  CHECK_FALSE(PciAddress{1, 1, 0, 3}.same_slot({0, 1, 0, 3}));
  for (unsigned i = 0; i < 65536; i += 7) {
    const PciAddress a{i, std::uint8_t(i >> 8), std::uint8_t(i >> 3 & 0x1f), std::uint8_t(i & 7)};
    REQUIRE(parse_pci_address(a.str()) == a);
  }
}

TEST_CASE("an address in another manner is repaired only if one reading is possible") {
  CHECK(repair_address("0000:1:0.0") == "0000:01:00.0");
  CHECK(repair_address("ABCD:01:00.0") == "abcd:01:00.0");
  CHECK(repair_address("0:01:00.0") == "0000:01:00.0");
  CHECK(repair_address("'01:00.0'") == "01:00.0");
  CHECK(repair_address("pci_0000_0a_00_1") == "0000:0a:00.1");
  CHECK(repair_address("1:0") == "01:00");
  CHECK(repair_address("0000:1:00") == "0000:01:00");
  CHECK(repair_address("01:00.0 Audio device [0403]: x") == "01:00.0");
  for (const char* unclear : {"", "1.0", "01:00:00", "01:00.10", "0000:0100.0", "01:00.0:01:00.1", "01:00 .0",
                              "01:00 0", "x", "01", "01:00.0;", "01:000"}) {
    CAPTURE(unclear);
    CHECK_FALSE(repair_address(unclear));
  }
}

}  // namespace
}  // namespace hostpci
