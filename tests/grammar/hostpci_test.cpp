// The hostpci property string: values, places, and for each fault its rule, words and repair.
#include "grammar/hostpci.hpp"

#include <doctest/doctest.h>

#include "text/edit.hpp"

namespace hostpci {
namespace {

/// The string with every fix of its errors made.
std::string mended(std::string_view text) {
  const Hostpci parsed = parse_hostpci(text);
  std::vector<Edit> edits;
  for (const HostpciError& e : parsed.errors)
    if (e.fixable) edits.push_back({e.span, e.replacement});
  const Result<std::string> result = apply(text, std::move(edits));
  return result ? *result : result.error().message;
}

TEST_CASE("values and places") {
  const std::string_view text = "01:00.0;0001:02:00,pcie=on,romfile=a=b";
  const Hostpci h = parse_hostpci(text, 100);
  REQUIRE(h.ok());
  REQUIRE(h.properties.size() == 3);
  CHECK(h.properties[0].key_span == Span{100, 100});
  CHECK(h.properties[0].value_span == Span{100, 118});
  CHECK(h.properties[1].span == Span{119, 126});
  CHECK(h.properties[1].key_span == Span{119, 123});
  CHECK(h.properties[1].value_span == Span{124, 126});
  CHECK(h.text(HostpciKey::romfile) == "a=b");
  CHECK(h.flag(HostpciKey::pcie));
  CHECK_FALSE(h.flag(HostpciKey::x_vga));
  CHECK(h.flag(HostpciKey::rombar, true));
  REQUIRE(h.hosts.size() == 2);
  CHECK(h.hosts[0].text == "01:00.0");
  CHECK(h.hosts[0].pattern.address == PciAddress{0, 1, 0, 0});
  CHECK_FALSE(h.hosts[0].pattern.whole_slot);
  CHECK(h.hosts[1].span == Span{108, 118});
  CHECK(h.hosts[1].pattern.whole_slot);
  CHECK(h.hosts[1].pattern.address == PciAddress{1, 2, 0, 0});
  CHECK(canonical(h) == "01:00.0;0001:02:00,pcie=1,romfile=a=b");
}

TEST_CASE("a keyless host after host=0 counts; PVE tests for truth") {
  const Hostpci h = parse_hostpci("host=0,01:00");
  REQUIRE(h.ok());
  CHECK(h.text(HostpciKey::host) == "01:00");
  CHECK(h.hosts.size() == 1);
  CHECK_FALSE(parse_hostpci("0,host=01:00").ok());
}

TEST_CASE("what parses is there even if other parts do not") {
  const Hostpci h = parse_hostpci("01:00,pcie=2,x-vga=1,foo=1");
  CHECK(h.errors.size() == 2);
  CHECK(h.properties.size() == 2);
  CHECK(h.hosts.size() == 1);
  CHECK(h.has(HostpciKey::x_vga));
  CHECK_FALSE(h.has(HostpciKey::pcie));
}

TEST_CASE("a bad host list leaves no hosts") {
  CHECK(parse_hostpci("01:00;zz").hosts.empty());
  CHECK(parse_hostpci("01:00,02:00").hosts.size() == 1);
}

TEST_CASE("a domain that no number holds is kept as text") {
  const Hostpci h = parse_hostpci("123456789abc:01:00.0");
  REQUIRE(h.ok());
  CHECK(h.hosts[0].pattern.address.domain == 0xffffffff);
  CHECK(h.hosts[0].text == "123456789abc:01:00.0");
}

TEST_CASE("each fault has its rule and its repair") {
  struct Case {
    std::string_view text, rule, mended;
  };
  const Case cases[] = {
      {"0A:00.0", "syntax-addr-format", "0a:00.0"},
      {"1:00.0", "syntax-addr-format", "01:00.0"},
      {"1:0.0,pcie=1", "syntax-addr-format", "01:00.0,pcie=1"},
      {"01:00:0", "syntax-addr-format", "01:00.0"},
      {"01.00.0", "syntax-addr-format", "01:00.0"},
      {"0000:01:00:0", "syntax-addr-format", "0000:01:00.0"},
      {"000:01:00.0", "syntax-addr-format", "0000:01:00.0"},
      {"pci_0000_01_00_0", "syntax-addr-format", "0000:01:00.0"},
      {"/sys/bus/pci/devices/0000:01:00.0", "syntax-addr-format", "0000:01:00.0"},
      {"01:00.0 VGA compatible controller", "syntax-addr-format", "01:00.0"},
      {" 01:00.0", "syntax-addr-format", "01:00.0"},
      {"host=01:00.0\t,pcie=1", "syntax-addr-format", "host=01:00.0,pcie=1"},
      {"01:00.0;", "syntax-addr-format", "01:00.0"},
      {";;01:00", "syntax-addr-format", "01:00"},
      {"01:00.0;;01:00.1", "syntax-addr-format", "01:00.0;01:00.1"},
      {"01:00.0;FF:00.0", "syntax-addr-format", "01:00.0;ff:00.0"},
      {"01:00 .0", "syntax-addr-format", "01:00 .0"},
      {"00:01:00", "syntax-addr-format", "00:01:00"},
      {"zz:zz.z", "syntax-addr-format", "zz:zz.z"},
      {";", "syntax-addr-format", ";"},
      {"01:00.0,01:00.1", "syntax-comma-list", "01:00.0;01:00.1"},
      {"01:00.0,01:00.1,pcie=1", "syntax-comma-list", "01:00.0;01:00.1,pcie=1"},
      {"01:00.0,,0A:00.1", "syntax-comma-list", "01:00.0;0a:00.1"},
      {"host=01:00.0,host=01:00.1", "syntax-comma-list", "host=01:00.0;01:00.1"},
      {"01:00,02:00,03:00", "syntax-comma-list", "01:00;02:00;03:00"},
      {"01:00.0,pcie=1,01:00.1", "syntax-comma-list", "01:00.0,pcie=1,01:00.1"},
      {"gpu", "syntax-bare-mapping-name", "mapping=gpu"},
      {"gpu,pcie=1", "syntax-bare-mapping-name", "mapping=gpu,pcie=1"},
      {"none", "syntax-addr-format", "none"},
      {"gpu,mapping=nic", "syntax-addr-format", "gpu,mapping=nic"},
      {"01:00,xvga=1", "syntax-unknown-option", "01:00,x-vga=1"},
      {"01:00,x_vga=1", "syntax-unknown-option", "01:00,x-vga=1"},
      {"01:00,primary=1", "syntax-unknown-option", "01:00,x-vga=1"},
      {"01:00,pci-e=1", "syntax-unknown-option", "01:00,pcie=1"},
      {"01:00,rom=a.rom", "syntax-unknown-option", "01:00,romfile=a.rom"},
      {"01:00,bar=0", "syntax-unknown-option", "01:00,rombar=0"},
      {"01:00,Romfile=a", "syntax-unknown-option", "01:00,romfile=a"},
      {"01:00, pcie=1", "syntax-unknown-option", "01:00,pcie=1"},
      {"01:00 pcie=1", "syntax-unknown-option", "01:00,pcie=1"},
      {"01:00,PCIE=1,pcie=1", "syntax-unknown-option", "01:00,PCIE=1,pcie=1"},
      {"01:00,xvga=1,primary=1", "syntax-unknown-option", "01:00,x-vga=1,primary=1"},
      {"01:00,pcei=1", "syntax-unknown-option", "01:00,pcei=1"},
      {"01:00,pcie=y", "syntax-boolean", "01:00,pcie=1"},
      {"01:00,pcie=T", "syntax-boolean", "01:00,pcie=1"},
      {"01:00,rombar=disabled", "syntax-boolean", "01:00,rombar=0"},
      {"01:00,pcie='1'", "syntax-boolean", "01:00,pcie=1"},
      {"01:00,pcie==1", "syntax-boolean", "01:00,pcie=1"},
      {"01:00,pcie=yes ", "syntax-boolean", "01:00,pcie=1"},
      {"01:00,pcie=2", "syntax-boolean", "01:00,pcie=2"},
      {"01:00,pcie", "syntax-boolean", "01:00,pcie=1"},
      {"pcie,01:00", "syntax-boolean", "pcie=1,01:00"},
      {"01:00,x-vga:1", "syntax-invalid-line-dropped", "01:00,x-vga=1"},
      {"01:00,vendor-id 0x10de", "syntax-invalid-line-dropped", "01:00,vendor-id=0x10de"},
      {"01:00,vendor-id=10de", "syntax-id-override", "01:00,vendor-id=0x10de"},
      {"01:00,vendor-id=0X10DE", "syntax-id-override", "01:00,vendor-id=0x10DE"},
      {"01:00,device-id=0x1b8", "syntax-id-override", "01:00,device-id=0x01b8"},
      {"01:00,device-id=0x10000", "syntax-id-override", "01:00,device-id=0x10000"},
      {"01:00,device-id=10de:1b80", "syntax-id-override", "01:00,device-id=10de:1b80"},
      {"01:00,mdev=i915.GVT", "syntax-mdev-value", "01:00,mdev=i915.GVT"},
      {"01:00,mdev=/sys/class/nvidia-63", "syntax-mdev-value", "01:00,mdev=/sys/class/nvidia-63"},
      {"01:00,romfile=a;b", "syntax-romfile-path", "01:00,romfile=a;b"},
      {"01:00,driver=VFIO", "syntax-driver-enum", "01:00,driver=vfio"},
      {"01:00,driver=vfio-pci", "syntax-driver-enum", "01:00,driver=vfio"},
      {"01:00,driver=none", "syntax-driver-enum", "01:00,driver=none"},
      {"mapping= gpu", "syntax-invalid-line-dropped", "mapping=gpu"},
      {"mapping=a", "syntax-invalid-line-dropped", "mapping=a"},
      {"01:00,pcie=", "syntax-invalid-line-dropped", "01:00,pcie="},
      {"01:00,=1", "syntax-invalid-line-dropped", "01:00,=1"},
      {"01:00,romfile=a\nb", "syntax-invalid-line-dropped", "01:00,romfile=a\nb"},
      {"01:00,pcie=1,pcie=1", "syntax-invalid-line-dropped", "01:00,pcie=1"},
      {"01:00,pcie=1,pcie=0", "syntax-invalid-line-dropped", "01:00,pcie=1,pcie=0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Hostpci h = parse_hostpci(c.text);
    REQUIRE_FALSE(h.ok());
    CHECK(h.errors.front().rule == c.rule);
    CHECK(mended(c.text) == c.mended);
    for (const HostpciError& e : h.errors) {
      CHECK_FALSE(e.message.empty());
      CHECK_FALSE(e.help.empty());
      CHECK(e.span.begin <= e.span.end);
      CHECK(e.span.end <= c.text.size());
    }
  }
}

TEST_CASE("the message says what was expected and what was found") {
  const auto message = [](std::string_view text) { return parse_hostpci(text).errors.at(0).message; };
  CHECK(message("01:00,pcie=2") ==
        "expected a boolean (`1`, `0`, `on`, `off`, `yes`, `no`, `true` or `false`), found `2`");
  CHECK(message("0A:00.0") ==
        "expected a PCI address (such as `0000:01:00.0`, or `01:00` for all functions), found `0A:00.0`");
  CHECK(message("01:00,x-vag=1") == "`x-vag` is no property of a hostpci line");
  CHECK(message("01:00,pcie=1,pcie=0") == "`pcie` is given twice");
  CHECK(message("01:00,pcie=") ==
        "expected a boolean (`1`, `0`, `on`, `off`, `yes`, `no`, `true` or `false`) after `pcie=`");
  CHECK(message("01:00.0,01:00.1") == "expected `KEY=VALUE` after the comma, found a second address, `01:00.1`");
  CHECK(message("01:00,mdev=\x1b[2J/") ==
        "expected a mediated device type (such as `nvidia-63`; no `/`, `.` or `:`), found `\\x1b[2J/`");
  CHECK(parse_hostpci("01:00,x-vag=1").errors.at(0).help == "did you mean `x-vga`?");
}

TEST_CASE("places of errors") {
  const auto span = [](std::string_view text) { return parse_hostpci(text).errors.at(0).span; };
  CHECK(span("01:00,pcie=2") == Span{11, 12});
  CHECK(span("01:00,foo=1") == Span{6, 9});
  CHECK(span("01:00.0,01:00.1") == Span{7, 8});
  CHECK(span("01:00;zz") == Span{6, 8});
  CHECK(span("01:00,pcie=") == Span{6, 11});
}

TEST_CASE("the error at which PVE stops comes first; the others are told as well") {
  const Hostpci h = parse_hostpci("foo=1,pcie=2,x-vga=,rombar=x");
  REQUIRE(h.errors.size() == 4);
  CHECK(h.errors[0].key.empty());
  CHECK(h.errors[1].key == "foo");
  CHECK(h.errors[2].key == "pcie");
  CHECK(h.errors[3].key == "rombar");
  CHECK(parse_hostpci("foo=1,foo=1").errors.at(0).span == Span{6, 9});
}

TEST_CASE("a megabyte of faults is judged at once") {
  for (const std::string part :
       {"x=1,", ";", ",", "01:00,", "=,", "pcie,", "0A:00.0;", "a;", "host=0,", "xvga=1,", "\n", " "}) {
    CAPTURE(part);
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    const Hostpci h = parse_hostpci(text);
    CHECK(h.ok() == (part == "," || part == "\n" || part == " "));
    CHECK(h.errors.size() <= 101);
  }
}

TEST_CASE("booleans") {
  for (const char* yes : {"1", "on", "ON", "yes", "Yes", "true", "tRuE"}) CHECK(parse_boolean(yes) == true);
  for (const char* no : {"0", "off", "OFF", "no", "No", "false", "FALSE"}) CHECK(parse_boolean(no) == false);
  for (const char* bad : {"", "y", "t", "2", "01", "1 ", "onn", "yess", "nope", "o\x0e"})
    CHECK_FALSE(parse_boolean(bad));
}

TEST_CASE("keys") {
  for (std::size_t i = 0; i < hostpci_key_count; ++i) CHECK(parse_hostpci_key(name(HostpciKey(i))) == HostpciKey(i));
  for (const char* bad : {"", "Host", "hos", "x_vga", "mapped1", "driven", "vendor_id", "sub-vendor_id"})
    CHECK_FALSE(parse_hostpci_key(bad));
}

}  // namespace
}  // namespace hostpci
