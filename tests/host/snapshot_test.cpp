// Snapshots: what is written reads back equal, whatever the texts; what is wrong is told with its place.
#include "host/snapshot.hpp"

#include <doctest/doctest.h>

#include <random>

#include "../support/temporary.hpp"
#include "host/redact.hpp"
#include "read_back.hpp"

using namespace hostpci;
using namespace std::string_literals;
using hostpci::test::ReadBack;

namespace {

/// Reads, or fails the test with what was found.
Host read_good(const std::string& text) {
  ReadBack back(text);
  for (const Diagnostic& d : back.sink.diagnostics) FAIL_CHECK(d.message << "\n" << text.substr(0, 2000));
  REQUIRE(back.host);
  return *back.host;
}

void check_round_trip(const Host& host) {
  std::string text = write_snapshot(host);
  Host back = read_good(text);
  CHECK(back == redacted(host));
  CHECK(write_snapshot(back) == text);
}

PciAddress address(std::string_view text) { return *parse_pci_address(text); }

Host with_device(std::string_view fields) {
  return read_good("version: 1\ndevices:\n  0000:01:00.0: " + std::string(fields) + "\n");
}

const std::vector<std::string>& odd_texts() {
  static const std::vector<std::string> texts{"",
                                              " ",
                                              "  leading",
                                              "trailing ",
                                              "\ttab",
                                              "a\tb",
                                              "~",
                                              "null",
                                              "Null",
                                              "true",
                                              "no",
                                              "off",
                                              "y",
                                              "5",
                                              "0x1f",
                                              "1e3",
                                              "0.142",
                                              "-",
                                              "- a",
                                              "-1",
                                              "?",
                                              "? a",
                                              ":",
                                              ": a",
                                              "a: b",
                                              "a :b",
                                              "a #b",
                                              "#a",
                                              "[a]",
                                              "{a}",
                                              "a, b",
                                              "&a",
                                              "*a",
                                              "!a",
                                              "!!str a",
                                              "|",
                                              ">",
                                              "@a",
                                              "`a",
                                              "%a",
                                              "'a'",
                                              "\"a\"",
                                              "\\",
                                              "a\\nb",
                                              "---",
                                              "...",
                                              "--- a",
                                              "<<",
                                              "=",
                                              "a\nb",
                                              "a\nb\n",
                                              "a\nb\n\n",
                                              "\na\n",
                                              "\n",
                                              "\n\n",
                                              "a\n b\n",
                                              " a\nb\n",
                                              "a\n\n\nb\n",
                                              "a\n \nb\n",
                                              "a \nb\t\n",
                                              "a\n--- b\n...\n",
                                              "a\n# b\n",
                                              "a\n\tb\n",
                                              "a\r\nb\r\n",
                                              "\r",
                                              "nul\0nul"s,
                                              "\x01\x02\x1b[31m",
                                              "\x7f",
                                              "\x80\xff raw",
                                              "mixed \xc3\xa4 and \xff",
                                              "\xc2\x85 NEL",
                                              "\xc2\xa0NBSP",
                                              "\xe2\x80\xa8LS",
                                              "\xe2\x80\xa9PS",
                                              "\xef\xbb\xbf"
                                              "BOM",
                                              "\xef\xbf\xbe"
                                              "noncharacter",
                                              "\xef\xbf\xbd replacement",
                                              "\xf0\x9f\x98\x80 emoji",
                                              "\xc3\xa4\xc3\xb6 umlaut",
                                              "umlaut \xc3\xa4\nlines\n",
                                              "\xed\xa0\x80 surrogate",
                                              "\xf4\x90\x80\x80 too far",
                                              "\xc0\x80 overlong",
                                              "\xe2\x80\xae override",
                                              std::string(1500, 'k'),
                                              std::string(1500, '"'),
                                              std::string(3000, '\n'),
                                              "\x04",
                                              "a: \x04 b",
                                              "!bytes \"a\"",
                                              "http://a/b?c=d",
                                              "0000:01:00.0",
                                              "8086:3e98",
                                              "12:34:56"};
  return texts;
}

/// A host with this text in every place that takes one.
Host filled(const std::string& text) {
  Host host;
  host.node = text;
  host.architecture = text;
  host.kernel.release = host.kernel.command_line = host.kernel.bootfb = text;
  host.kernel.modules = std::vector<std::string>{text, "a", text};
  host.kernel.iomem = std::map<std::string, std::string>{{text, text}};
  host.packages[text] = text;
  host.files["/etc/" + text] = text;
  host.files[text] = "plain";
  host.unreadable[text] = text;
  host.running = std::vector<RunningVm>{{100, 4711, {text, "", text}, {}}};
  host.mdevs = std::vector<MdevInstance>{{text, text, address("0000:00:02.0"), {}}};
  host.roms[text].exists = true;
  Device device;
  device.address = address("10000:ff:1f.7");
  device.driver = device.power_state = text;
  device.mdev_types = std::vector<MdevType>{{text, text, text, 3, {}}};
  device.uses = std::vector<Use>{{UseKind::swap, text, text, true, {}}};
  host.devices[device.address] = device;
  return host;
}

}  // namespace

TEST_CASE("the example host reads and means what it says") {
  Host host = read_good(test::read_file(FIXTURES "/hosts/example.yaml"));
  CHECK(host.node == "pve1");
  CHECK(host.devices.size() == 23);
  CHECK(host.find(address("0000:01:00.0"))->driver == "vfio-pci");
  CHECK(host.find(address("0000:00:01.0"))->bridge == true);  // by its class
  CHECK(host.find(address("0000:05:00.0"))->virtfns.size() == 4);
  CHECK(host.find(address("0000:05:10.2"))->physfn == address("0000:05:00.0"));
  CHECK(host.find(address("0000:00:02.0"))->mdev_types->at(1).available == 2u);
  CHECK(host.find(address("0000:00:02.0"))->bars->at(2).size() == 256u << 20);
  CHECK(host.find(address("0000:00:1f.6"))->uses->at(0).critical);
  CHECK(host.file("/etc/modprobe.d/vfio.conf")->substr(0, 40) == "options vfio-pci ids=10de:1b80,10de:10f0");
  CHECK(host.group(15).size() == 4);
  CHECK(host.roms.at("gtx1080.rom").images.size() == 2);
  check_round_trip(host);
}

TEST_CASE("what a short snapshot leaves out has its default") {
  Host host = with_device("{class: 0x030000, id: 10de:1b80, driver: nouveau, group: 7}");
  const Device& device = host.devices.begin()->second;
  CHECK(device.subsystem == PciId{});
  CHECK(device.bridge == false);
  CHECK(device.boot_vga == false);
  CHECK(device.uses == std::vector<Use>{});
  CHECK(device.mdev_types == std::vector<MdevType>{});
  CHECK_FALSE(device.acs.has_value());
  CHECK_FALSE(device.reset_method.has_value());
  CHECK(host.groups_known == true);
  CHECK(host.running == std::vector<RunningVm>{});
  CHECK(host.kernel == Kernel{});
}

TEST_CASE("a tilde is unknown") {
  Host host =
      with_device("{class: 0x060400, id: ~, driver: ~, group: ~, bridge: ~, uses: ~, mdev-types: ~, parent: ~}");
  const Device& device = host.devices.begin()->second;
  CHECK_FALSE(device.id.has_value());
  CHECK_FALSE(device.driver.has_value());
  CHECK_FALSE(device.group.has_value());
  CHECK_FALSE(device.bridge.has_value());
  CHECK_FALSE(device.uses.has_value());
  check_round_trip(host);
}

TEST_CASE("an empty host and one with every fact unknown") {
  check_round_trip(Host{});
  Host host;
  host.devices[address("0000:00:00.0")].address = address("0000:00:00.0");
  host.devices[address("0000:00:01.0")].address = address("0000:00:01.0");
  host.devices[address("0000:00:01.0")].class_code = 0x060400;
  check_round_trip(host);
}

TEST_CASE("every odd text comes back as it was") {
  for (const std::string& text : odd_texts()) {
    CAPTURE(text);
    check_round_trip(filled(text));
  }
}

TEST_CASE("random texts come back as they were") {
  std::mt19937 random(7);
  constexpr char bytes[] = "ab :#-?|>!&*%@`'\"\\{}[],~=\n\n\t\r 01.x\x00\x7f\xc2\x85\xe2\x80\xa8\xff\xef\xbb\xbf";
  const std::string alphabet(bytes, sizeof bytes - 1);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    CAPTURE(text);
    check_round_trip(filled(text));
  }
}

TEST_CASE("unknown fields are kept, at every level, and written back") {
  std::string text =
      "version: 1\nnode: a\nfuture: {list: [1, \"2\", ~], text: 'x y'}\nkernel:\n  release: r\n  later: "
      "true\ndevices:\n  0000:01:00.0:\n    class: 0x030000\n"
      "    new-thing: [1, {a: !<tag:x> b}]\n    uses:\n      - {kind: net, name: eno1, speed: 1000}\n";
  Host host = read_good(text);
  CHECK(host.extra == "future: {list: [1, \"2\", ~], text: \"x y\"}\n");
  CHECK(host.kernel.extra.at("later") == "true");
  CHECK(host.devices.begin()->second.extra.at("new-thing") == "[1, {a: !<tag:x> \"b\"}]");
  CHECK(host.devices.begin()->second.uses->at(0).extra.at("speed") == "1000");
  check_round_trip(host);
}

TEST_CASE("MAC addresses and serial numbers are left out") {
  struct Case {
    std::string before, after;
  };
  const Case cases[] = {
      {"hwaddress aa:bb:cc:DD:ee:0f\n", "hwaddress xx:xx:xx:xx:xx:xx\n"},
      {"BOOTIF=01-aa-bb-cc-dd-ee-ff quiet", "BOOTIF=xx-xx-xx-xx-xx-xx-xx quiet"},
      {"iface enx001122aabbcc inet", "iface enxxxxxxxxxxxxx inet"},
      {"/dev/disk/by-id/ata-Samsung_SSD_S3Z9-part2 / ext4", "/dev/disk/by-id/ata-redacted-part2 / ext4"},
      {"file=/dev/disk/by-id/nvme-eui.0025,serial=AB12,if=none",
       "file=/dev/disk/by-id/nvme-redacted,serial=redacted,if=none"},
      {"ENV{ID_SERIAL_SHORT}==\"S3Z9 NB\", NAME=\"x\"", "ENV{ID_SERIAL_SHORT}==\"redacted\", NAME=\"x\""},
      {"address 2001:db8:aa:bb:cc:dd:ee:ff", "address 2001:db8:aa:bb:cc:dd:ee:ff"},
      {"0000:01:00.0 10de:1b80 12:34:56 f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
       "0000:01:00.0 10de:1b80 12:34:56 f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
      {"GRUB_SERIAL_COMMAND=\"serial --speed=115200\" console=ttyS0",
       "GRUB_SERIAL_COMMAND=\"serial --speed=115200\" console=ttyS0"},
  };
  for (const Case& c : cases) {
    CHECK(redact(c.before) == c.after);
    CHECK(redact(c.after) == c.after);
  }
  Host host;
  host.files["/etc/network/interfaces"] = "hwaddress aa:bb:cc:dd:ee:ff\n";
  host.running = std::vector<RunningVm>{{100, 1, {"virtio-net-pci,mac=BC:24:11:00:00:01"}, {}}};
  std::string text = write_snapshot(host);
  CHECK(text.find("aa:bb") == std::string::npos);
  CHECK(text.find("BC:24") == std::string::npos);
}

TEST_CASE("a snapshot is made to be read by people") {
  Host host;
  host.node = "pve1";
  host.kernel.command_line = "quiet intel_iommu=on";
  Device device = with_device("{class: 0x030000, id: 10de:1b80, driver: vfio-pci, group: 2}").devices.begin()->second;
  device.uses = std::vector<Use>{{UseKind::disk, "sda", "/", true, {}}};
  host.devices[device.address] = device;
  host.groups_known = true;
  host.running.emplace();
  host.mdevs.emplace();
  host.files["/etc/modules"] = "vfio\nvfio_pci\n";
  CHECK(write_snapshot(host) == R"(version: 1
node: pve1
kernel:
  command-line: quiet intel_iommu=on
devices:
  0000:01:00.0:
    class: 0x030000
    id: 10de:1b80
    driver: vfio-pci
    group: 2
    uses:
      - {kind: disk, name: sda, detail: /, critical: true}
files:
  /etc/modules: |
    vfio
    vfio_pci
)");
}
