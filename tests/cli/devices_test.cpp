// `devices`, `groups`, `snapshot` as they are typed.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;

namespace json = boost::json;

namespace {

const std::string example = FIXTURES "/hosts/example.yaml";

Ran on_example(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--host", example});
  return run_hostpci(std::move(arguments));
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string line_with(const std::string& text, const std::string& part) {
  std::size_t at = text.find(part);
  if (at == std::string::npos) return "";
  std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

}  // namespace

TEST_CASE("devices: a table of all") {
  Ran ran = on_example({"devices"});
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out.substr(0, 7) == "ADDRESS");
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 24);
  std::string card = line_with(ran.out, "0000:01:00.0");
  CHECK(has(card, "vfio-pci"));
  CHECK(has(card, "reset bus, ROM"));
  CHECK(has(line_with(ran.out, "0000:05:00.0"), "VFs 4/63"));
  CHECK(has(line_with(ran.out, "0000:00:02.0"), "mdev 2 types"));
  CHECK(has(line_with(ran.out, "0000:00:1f.6"), "vmbr0 192.0.2.10/24 (default route)"));
}

TEST_CASE("devices: addresses in every form") {
  auto lines = [](const Ran& ran) { return std::count(ran.out.begin(), ran.out.end(), '\n'); };
  CHECK(lines(on_example({"devices", "01:00"})) == 3);
  CHECK(lines(on_example({"devices", "0000:01:00"})) == 3);
  CHECK(lines(on_example({"devices", "01:00.1"})) == 2);
  CHECK(lines(on_example({"devices", "0000:01:00.1", "01:00"})) == 3);
  CHECK(lines(on_example({"devices", "05"})) == 6);
  CHECK(lines(on_example({"devices", "0000:05"})) == 6);
}

TEST_CASE("devices: an address that is not there") {
  Ran ran = on_example({"devices", "01:00.7"});
  CHECK(ran.status == 1);
  CHECK(ran.out.empty());
  CHECK(has(ran.err, "did you mean `01:00.0`?"));
  CHECK(on_example({"devices", "nonsense"}).status == 2);
  Ran both = on_example({"devices", "01:00.0", "09:00.0"});
  CHECK(both.status == 1);
  CHECK(has(both.out, "0000:01:00.0"));
}

TEST_CASE("devices: the tree") {
  Ran ran = on_example({"devices", "--tree", "01:00.0"});
  CHECK(ran.status == 0);
  CHECK(ran.out.substr(0, 13) == "0000:00:01.0 ");  // the port above is shown too
  CHECK(has(ran.out, "\n  0000:01:00.0 "));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 2);
}

TEST_CASE("devices: JSON") {
  Ran ran = on_example({"devices", "--format", "json", "01:00.0", "00:02.0"});
  json::value document = json::parse(ran.out);
  CHECK(document.at("version").as_int64() == 1);
  CHECK(document.at("node").as_string() == "pve1");
  const json::array& devices = document.at("devices").as_array();
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].at("mdevTypes").as_array().size() == 2);
  CHECK(devices[1].at("address").as_string() == "0000:01:00.0");
  CHECK(devices[1].at("class").as_string() == "0x030000");
  CHECK(devices[1].at("driver").as_string() == "vfio-pci");
  CHECK(devices[1].at("group").as_int64() == 2);
  json::value schema = json::parse(read_file(SOURCE_DIR "/schemas/devices.schema.json"));
  const json::object& properties = schema.at("properties").at("devices").at("items").at("properties").as_object();
  for (const auto& member : devices[0].as_object())
    CHECK_MESSAGE(properties.contains(member.key()), std::string(member.key()));
  CHECK(properties.size() == devices[0].as_object().size());
}

TEST_CASE("devices: VMs that name a device") {
  TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", "hostpci0: 0000:01:00,pcie=1\nmachine: q35\n");
  root.write("etc/pve/qemu-server/101.conf", "memory: 512\n");
  Ran ran = on_example({"--root", root.path(), "devices"});
  CHECK(has(line_with(ran.out, "0000:01:00.0"), "VM 100"));
  CHECK(has(line_with(ran.out, "0000:01:00.1"), "VM 100"));
  CHECK_FALSE(has(ran.out, "VM 101"));
}

TEST_CASE("devices: control characters of a snapshot do not reach the terminal") {
  TemporaryDirectory directory;
  directory.write(
      "h.yaml",
      "version: 1\ndevices:\n  0000:01:00.0: {driver: \"\\e[31mred\", uses: [{kind: net, name: \"a\\nb\"}]}\n");
  for (const char* form : {"--format=text", "--format=json"}) {
    Ran ran = run_hostpci({"--host", directory.path() + "/h.yaml", "devices", form});
    CHECK(ran.out.find('\x1b') == std::string::npos);
  }
  CHECK(run_hostpci({"--host", directory.path() + "/h.yaml", "devices", "--tree"}).out.find('\x1b') ==
        std::string::npos);
}

TEST_CASE("devices: no device list is an error") {
  TemporaryDirectory root;
  Ran ran = run_hostpci({"--root", root.path(), "devices"});
  CHECK(ran.status == 3);
  CHECK(has(ran.err, "/sys/bus/pci/devices"));
}

TEST_CASE("groups: verdicts") {
  Ran ran = on_example({"groups"});
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "group 2 (identity): isolated, viable now\n  0000:01:00.0 "));
  CHECK(has(ran.out,
            "group 8 (identity): shared by 0000:03:00.0, 0000:04:00.0, not viable now: 0000:03:00.0 is on xhci_hcd, "
            "0000:04:00.0 is on r8169\n"));
  CHECK(has(ran.out, "group 1 (identity): bridges only, nothing to pass through\n"));
  CHECK(on_example({"groups", "2"}).out.substr(0, 8) == "group 2 ");
  CHECK(on_example({"groups", "99"}).status == 1);
  CHECK(on_example({"groups", "x"}).status == 2);
}

TEST_CASE("groups: JSON") {
  json::value document = json::parse(on_example({"groups", "--format", "json", "8"}).out);
  const json::value& group = document.at("groups").as_array().at(0);
  CHECK(group.at("verdict").as_string() == "shared");
  CHECK(group.at("viable").as_bool() == false);
  CHECK(group.at("devices").as_array().size() == 4);
  CHECK(group.at("blockers").as_array().size() == 2);
  json::value schema = json::parse(read_file(SOURCE_DIR "/schemas/groups.schema.json"));
  const json::object& properties = schema.at("properties").at("groups").at("items").at("properties").as_object();
  for (const auto& member : group.as_object())
    CHECK_MESSAGE(properties.contains(member.key()), std::string(member.key()));
}

TEST_CASE("groups: a host without IOMMU says so") {
  TemporaryDirectory directory;
  directory.write("h.yaml", "version: 1\ndevices:\n  0000:01:00.0: {class: 0x030000}\n");
  CHECK(has(run_hostpci({"--host", directory.path() + "/h.yaml", "groups"}).out, "no IOMMU groups"));
}

TEST_CASE("snapshot: to standard output, and what is written reads back the same") {
  Ran first = on_example({"snapshot"});
  CHECK(first.status == 0);
  CHECK(first.out.substr(0, 11) == "version: 1\n");
  TemporaryDirectory directory;
  directory.write("again.yaml", first.out);
  CHECK(run_hostpci({"--host", directory.path() + "/again.yaml", "snapshot"}).out == first.out);
}

TEST_CASE("snapshot: into a file, whole or not at all") {
  TemporaryDirectory directory;
  std::string path = directory.path() + "/host.yaml";
  CHECK(on_example({"snapshot", "-o", path}).status == 0);
  CHECK(read_file(path) == on_example({"snapshot"}).out);
  directory.write("host.yaml", "old");
  CHECK(on_example({"snapshot", "-o", path}).status == 0);
  CHECK(read_file(path) == on_example({"snapshot"}).out);
  CHECK(on_example({"snapshot", "-o", directory.path() + "/no/such/folder"}).status == 3);
  CHECK(on_example({"snapshot", "-o", directory.path()}).status == 3);
  std::size_t left = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) ++left;
  CHECK(left == 1);  // no temporary file stays
}

TEST_CASE("a snapshot that is wrong is told with its place") {
  TemporaryDirectory directory;
  directory.write("h.yaml", "version: 1\ndevices:\n  0000:01:00.0: {group: x}\n");
  Ran ran = run_hostpci({"--host", directory.path() + "/h.yaml", "devices"});
  CHECK(ran.status == 3);
  CHECK(has(ran.err, "h.yaml:3:25"));
}
