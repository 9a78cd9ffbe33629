// Every recorded `qm showcmd`: the same arguments, or a refusal where Proxmox VE refuses, under the rule that says why.
#include <doctest/doctest.h>

#include <map>

#include "export/qemu_args.hpp"
#include "recordings.hpp"
#include "rules/rule.hpp"
#include "text/words.hpp"

namespace hostpci::test {
namespace {

namespace fs = std::filesystem;

struct Recording {
  std::string name;
  std::vector<std::string> arguments;
  bool error = false;
};

Recording read_recording(const fs::path& path) {
  Recording recording{path.stem().string()};
  std::string text = read_file(path);
  for (std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    if (line.substr(0, 6) == "ERROR:")
      recording.error = true;
    else
      recording.arguments.emplace_back(line);
  }
  return recording;
}

QemuArgs arguments_of(const std::string& name) {
  const Host& host = recorded_host_of(name);
  return qemu_args(recorded_vm(name), host, mappings_of(host));
}

}  // namespace

TEST_CASE("showcmd makes the recorded arguments") {
  std::size_t cases = 0, refused = 0;
  for (const fs::path& path : sorted_entries(recordings)) {
    if (path.extension() != ".hostpci") continue;
    Recording recording = read_recording(path);
    CAPTURE(recording.name);
    QemuArgs made = arguments_of(recording.name);
    ++cases;
    if (recording.error && recording.arguments.empty()) {
      ++refused;
      REQUIRE_FALSE(made.refusals.empty());
      for (const Refusal& refusal : made.refusals) {
        CHECK_MESSAGE(find_rule(refusal.rule), refusal.rule);
        CHECK_FALSE(refusal.message.empty());
      }
      CHECK(made.arguments.empty());
    } else {
      for (const Refusal& refusal : made.refusals) MESSAGE(refusal.rule << ": " << refusal.message);
      CHECK(made.arguments == recording.arguments);
    }
  }
  CHECK(cases > 90);
  CHECK(refused > 25);
}

TEST_CASE("each recorded refusal has its rule") {
  const std::map<std::string, std::string> rules = {
      {"2008-i440fx-pcie-error", "vm-pcie-needs-q35"},
      {"2016-machine-too-new", "vm-machine-too-new"},
      {"2039-list-overlap", "device-duplicate-function"},
      {"2040-list-missing", "device-device-missing"},
      {"2070-nvidia-whole-dev", "device-mdev-multifunction"},
      {"2082-mapping-elsewhere", "cluster-mapping-not-found"},
      {"2083-mapping-wrong-id", "cluster-mapping-id"},
      {"2084-mapping-wrong-group", "cluster-mapping-iommugroup"},
      {"2085-mapping-no-group", "cluster-mapping-iommugroup"},
      {"2087-mapping-missing-subsys", "cluster-mapping-subsystem"},
      {"2088-mapping-upper-id", "cluster-mapping-id"},
      {"2089-mapping-gone", "cluster-mapping-path-gone"},
      {"2093-mapping-nosuch", "cluster-mapping-not-found"},
      {"2097-mapping-nic-x4", "device-duplicate-function"},
      {"2100-mapping-and-host", "syntax-host-xor-mapping"},
      {"2101-mapping-neither", "syntax-host-xor-mapping"},
      {"2105-igd-vga-std", "vm-legacy-igd-vga"},
      {"2106-igd-vga-type-none", "vm-legacy-igd-vga"},
      {"2108-igd-rombar0", "vm-legacy-igd-rombar"},
      {"2109-igd-xvga", "vm-legacy-igd-xvga"},
      {"2113-igd-other-dev", "vm-legacy-igd-addr"},
      {"2114-igd-mf", "vm-legacy-igd-multi"},
      {"2115-igd-two", "vm-legacy-igd-count"},
      {"2126-missing-device", "device-device-missing"},
      {"2130-same-dev-dom-and-nodom", "device-duplicate-function"},
      {"2140-empty-comma", "syntax-host-xor-mapping"},
      {"2156-other-node-mapping", "cluster-mapping-not-found"},
      {"2158-older-qemu-too-new-machine", "vm-machine-too-new"},
      {"2162-rawcfg-nomap", "cluster-mapping-not-found"},
  };
  for (const auto& entry : rules) {
    const auto& [name, rule] = entry;
    CAPTURE(entry.first);
    QemuArgs made = arguments_of(name);
    REQUIRE_FALSE(made.refusals.empty());
    CHECK(made.refusals.front().rule == rule);
  }
}

TEST_CASE("root ports are made on demand, live migration is asked for where the mapping allows it") {
  const Host& host = recorded_host_of("");
  Mappings mappings = mappings_of(host);
  auto lines = [&](std::string text) {
    return qemu_args(read_vm(make_source("/etc/pve/qemu-server/100.conf", std::move(text))), host, mappings).arguments;
  };
  using Lines = std::vector<std::string>;
  CHECK(lines("machine: q35\nhostpci12: 03:00.0,pcie=1\n") ==
        Lines{"-device",
              "pcie-root-port,id=ich9-pcie-port-13,addr=11.0,x-speed=16,x-width=32,multifunction=on,bus=pcie.0,port=13,"
              "chassis=13",
              "-device", "vfio-pci,host=0000:03:00.0,id=hostpci12,bus=ich9-pcie-port-13,addr=0x0"});
  CHECK(lines("machine: q35\nhostpci0: mapping=nic-lm\n") ==
        Lines{"-device", "vfio-pci,host=0000:07:10.4,enable-migration=on,id=hostpci0,bus=pci.0,addr=0x10"});
}

TEST_CASE("an unknown list of devices refuses nothing") {
  Host host;
  host.node = "pve1";
  Vm vm = read_vm(make_source("/etc/pve/qemu-server/100.conf", "machine: q35\nhostpci0: 01:00,pcie=1\n"));
  QemuArgs made = qemu_args(vm, host, Mappings{});
  CHECK(made.refusals.empty());
}

}  // namespace hostpci::test
