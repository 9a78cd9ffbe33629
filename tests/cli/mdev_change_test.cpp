// `mdev create` and `mdev remove` as they are run with --dry-run on a snapshot: the writes, the UUIDs, what is refused and how it is told.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

const std::string leftover = "00000001-0000-0000-0000-000000000100", foreign = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
const std::string instances = "mdevs:\n  - {uuid: " + leftover +
                              ", type: i915-GVTg_V5_4, parent: \"0000:00:02.0\"}\n  - {uuid: " + foreign +
                              ", type: i915-GVTg_V5_8, parent: \"0000:00:02.0\"}\n";
const std::string create = "/sys/bus/pci/devices/0000:00:02.0/mdev_supported_types/i915-GVTg_V5_4/create";

/// The example host with more top-level fields, and VM 100.
class Place {
 public:
  explicit Place(const std::string& more = "", const std::string& vm = "memory: 512\n") {
    directory_.write("host.yaml", read_file(std::string(FIXTURES) + "/hosts/example.yaml") + more);
    directory_.write("etc/pve/qemu-server/100.conf", vm);
  }
  Ran run(std::vector<std::string> words) const {
    std::vector<std::string> all{"--root", directory_.path(), "--host", directory_.path() + "/host.yaml", "mdev"};
    all.insert(all.end(), words.begin(), words.end());
    return run_hostpci(all);
  }
  /// `create` of the usual type with more words, and --dry-run.
  Ran make(std::vector<std::string> more = {}, const std::string& type = "i915-GVTg_V5_4") const {
    std::vector<std::string> all{"create", "00:02.0", type, "--dry-run"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }

 private:
  TemporaryDirectory directory_;
};

std::string write_of(const std::string& uuid) { return "write `" + uuid + "` to " + create + "\n"; }

/// A card of NVIDIA's with functions, of which one has a type.
Ran vendor(std::vector<std::string> words) {
  TemporaryDirectory root;
  std::string host = read_file(std::string(FIXTURES) + "/cases/device-nvidia-type-unavailable/host.yaml");
  const std::string second = "physfn: 0000:01:00.0, flr: true, nvidia-vgpu: true, nvidia-current-type: \"0\"";
  std::size_t at = host.rfind(second);
  REQUIRE(at != std::string::npos);
  host.replace(at + second.size() - 3, 3, "\"590\"");
  root.write("host.yaml", host);
  std::vector<std::string> all{"--host", root.path() + "/host.yaml", "mdev"};
  all.insert(all.end(), words.begin(), words.end());
  return run_hostpci(all);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("under which UUID an instance is made") {
  Place place;
  CHECK(place.make({"--uuid", "83B8F4F2-509F-382F-3C1E-E6BFE0FA1001"}).out == write_of(foreign));
  std::string one = place.make().out, other = place.make().out;
  CHECK(one.size() == write_of(foreign).size());
  CHECK(one.ends_with(create + "\n"));
  CHECK(one != other);
  CHECK(place.make({"--vm", "100"}).out == write_of("00000000-0000-0000-0000-000000000100"));
  CHECK(place.make({"--vm", "100", "--index", "15"}).out == write_of("00000015-0000-0000-0000-000000000100"));
  CHECK(place.make({"--vm", "999999999", "--index", "2"}).out == write_of("00000002-0000-0000-0000-000999999999"));
}

TEST_CASE("--vm finds the line that names device and type, by a mapping too") {
  const std::string other = "hostpci0: 0000:01:00.0\nhostpci1: 0000:00:02.0,mdev=i915-GVTg_V5_8\n";
  Place direct("", other + "hostpci5: 00:02.0,mdev=i915-GVTg_V5_4\n");
  CHECK(direct.make({"--vm", "100"}).out == write_of("00000005-0000-0000-0000-000000000100"));
  Place mapped("", other + "hostpci7: mapping=igpu,mdev=i915-GVTg_V5_4\n");
  CHECK(mapped.make({"--vm", "100"}).out == write_of("00000007-0000-0000-0000-000000000100"));
  Place twice(instances, "hostpci1: 00:02.0,mdev=i915-GVTg_V5_4\nhostpci3: 00:02.0,mdev=i915-GVTg_V5_4\n");
  CHECK(twice.make({"--vm", "100"}).out == write_of("00000003-0000-0000-0000-000000000100"));
  Ran absent = direct.make({"--vm", "101"});
  CHECK(absent.status == 3);
  CHECK_MESSAGE(has(absent.err, "101"), absent.err);
}

TEST_CASE("what is wrong usage is told without a look at the host") {
  Place place;
  CHECK(place.run({"create", "00:02.0"}).status == 2);
  CHECK(place.run({"create", "00:02.0", "a", "b"}).status == 2);
  CHECK(place.run({"remove"}).status == 2);
  CHECK(place.run({"remove", "x", "--dry-run"}).status == 2);
  CHECK(place.run({"remove", foreign, "--vm", "100"}).status == 2);
  CHECK(place.run({"--vm", "100"}).err == "hostpci: `--vm` goes with `mdev create` and `mdev remove` only\n");
  CHECK(place.make({}, "../x").status == 2);
  CHECK(place.make({"--uuid", "1"}).err == "hostpci: `1` is no UUID, such as 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001\n");
  CHECK(place.make({"--uuid", foreign, "--vm", "100"}).status == 2);
  CHECK(place.make({"--index", "1"}).status == 2);
  CHECK(place.make({"--vm", "100", "--index", "16"}).status == 2);
  for (const char* vmid : {"0", "99", "0100", "1000000000", "x"}) CHECK_MESSAGE(place.make({"--vm", vmid}).status == 2, vmid);
  CHECK(place.run({"create", "01:00", "x", "--dry-run"}).err == "hostpci: `01:00` means 2 functions: name one\n");
}

TEST_CASE("only the running kernel is acted on") {
  Place place;
  Ran ran = place.run({"create", "00:02.0", "i915-GVTg_V5_4"});
  CHECK(ran.status == 3);
  CHECK(has(ran.err, "not below `--root`"));
}

TEST_CASE("refusals name the rule, what was read, and a way on") {
  Place place(instances);
  Ran type = place.make({}, "i915-GVTg_V5_5");
  CHECK(type.status == 3);
  CHECK_MESSAGE(type.err ==
                    "error[device-mdev-type-unknown]: `0000:00:02.0 (VGA, 8086:3e98)` has no mediated type `i915-GVTg_V5_5`\n"
                    "  --> /sys/bus/pci/devices/0000:00:02.0\n"
                    "  ::: /sys/bus/pci/devices/0000:00:02.0/mdev_supported_types: has `i915-GVTg_V5_4` (1 free), `i915-GVTg_V5_8` (2 free)\n"
                    "   = help: did you mean `i915-GVTg_V5_4`?\n"
                    "hostpci: nothing was changed\n",
                type.err);
  Ran twin = place.make({"--uuid", leftover});
  CHECK(twin.status == 3);
  CHECK(has(twin.err, "mediated device `" + leftover + "` exists already"));
  CHECK(has(twin.err, "`i915-GVTg_V5_4` of `0000:00:02.0`"));
  Ran none = place.run({"create", "01:00.0", "x", "--dry-run"});
  CHECK(none.status == 3);
  CHECK(has(none.err, "[device-mdev-unsupported]"));
  CHECK(has(place.run({"create", "01:07.0", "x", "--dry-run"}).err, "has no PCI device"));
}

TEST_CASE("removing one, several, all of a device") {
  Place place(instances);
  const std::string first = "write `1` to /sys/bus/mdev/devices/" + leftover + "/remove\n";
  const std::string second = "write `1` to /sys/bus/mdev/devices/" + foreign + "/remove\n";
  CHECK(place.run({"remove", leftover, "--dry-run"}).out == first);
  CHECK(place.run({"remove", "00:02.0", "--dry-run"}).out == first + second);
  CHECK(place.run({"remove", foreign, "00:02.0", leftover, "--dry-run"}).out == second + first);
  Ran absent = place.run({"remove", leftover, "00000001-0000-0000-0000-000000000101", "--dry-run"});
  CHECK(absent.status == 3);
  CHECK(absent.out.empty());
  CHECK(has(absent.err, "did you mean `" + leftover + "`?"));
  CHECK(place.run({"remove", "01:00.0", "--dry-run"}).status == 3);
}

TEST_CASE("an instance of a VM that runs stays") {
  Place place(instances + "running:\n  - {vmid: 100, pid: 900, arguments: [kvm, -pidfile, /run/qemu-server/100.pid]}\n");
  Ran ran = place.run({"remove", leftover, foreign, "--dry-run"});
  CHECK(ran.status == 3);
  CHECK(ran.out.empty());
  CHECK(has(ran.err, "error[conflict-in-use]: mediated device `" + leftover + "` is in use by VM 100, which runs\n"));
  CHECK(has(ran.err, "help: stop VM 100 first"));
  CHECK(place.run({"remove", foreign, "--dry-run"}).status == 0);
}

TEST_CASE("as JSON") {
  Place place(instances);
  json::value made = json::parse(place.make({"--vm", "100", "--format", "json"}).out);
  CHECK(made.at("dryRun") == true);
  CHECK(made.at("uuid") == "00000000-0000-0000-0000-000000000100");
  CHECK(made.at("type") == "i915-GVTg_V5_4");
  CHECK(made.at("device") == "0000:00:02.0");
  CHECK(made.at("available").is_null());
  CHECK(made.at("writes").at(0).at("path").as_string() == create);
  CHECK(made.at("undo") == "hostpci mdev remove 00000000-0000-0000-0000-000000000100");
  json::value removed = json::parse(place.run({"remove", leftover, "--dry-run", "--format", "json"}).out);
  CHECK(removed.at("removed").as_array().empty());
  CHECK(removed.at("writes").at(0).at("value") == "1");
}

TEST_CASE("NVIDIA's framework: the type goes to the function itself") {
  const std::string path = "/sys/bus/pci/devices/0000:01:00.4/nvidia/current_vgpu_type\n";
  CHECK(vendor({"create", "01:00.4", "590", "--dry-run"}).out == "write `590` to " + path);
  CHECK(vendor({"create", "01:00.4", "nvidia-590", "--dry-run"}).out == "write `590` to " + path);
  CHECK(vendor({"create", "01:00.4", "590", "--vm", "100", "--dry-run"}).status == 2);
  CHECK(has(vendor({"create", "01:00.4", "599", "--dry-run"}).err, "[device-nvidia-type-unavailable]"));
  CHECK(has(vendor({"create", "01:00.0", "nvidia-590", "--dry-run"}).err, "[device-nvidia-pf-instead-of-vf]"));
  CHECK(vendor({"create", "01:00.5", "590", "--dry-run"}).out.empty());
  CHECK(vendor({"create", "01:00.5", "590", "--dry-run"}).status == 0);
  CHECK(vendor({"remove", "01:00.5", "--dry-run"}).out == "write `0` to /sys/bus/pci/devices/0000:01:00.5/nvidia/current_vgpu_type\n");
  CHECK(vendor({"remove", "01:00.4", "--dry-run"}).status == 3);
}

TEST_CASE("a card that a VM at its start takes whole is left alone") {
  TemporaryDirectory root;
  unpack("captures/clean-mdev.tar.xz", root.path());
  auto status = [&](const std::string& verb, std::vector<std::string> words) {
    words.insert(words.begin(), {"--root", root.path(), "mdev", verb});
    words.push_back("--dry-run");
    return run_hostpci(words).status;
  };
  CHECK(status("create", {"03:00.0", "nvme-2"}) == 0);
  CHECK(status("remove", {foreign}) == 0);
  root.write("run/qemu-server/pci-id-reservations", "0000:03:00.0 100 time:9999999999\n");
  CHECK(status("create", {"03:00.0", "nvme-2"}) == 3);
  CHECK(status("remove", {foreign}) == 3);
  CHECK(status("remove", {"03:00.0"}) == 3);
}
