// `suggest` as it is run: the line, the command, JSON, refusals.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

const std::string example = std::string(FIXTURES) + "/hosts/example.yaml";

/// `suggest` on the example host with the VMs below a directory.
Ran suggest(const TemporaryDirectory& root, std::vector<std::string> words) {
  std::vector<std::string> all{"--root", root.path(), "--host", example, "suggest"};
  all.insert(all.end(), words.begin(), words.end());
  return run_hostpci(all);
}

}  // namespace

TEST_CASE("the line, a reason for every property, and the command") {
  TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", "machine: q35\nhostpci0: 0000:05:10.0\n");
  Ran ran = suggest(root, {"01:00", "--vm", "100"});
  CHECK(ran.status == 0);
  CHECK(ran.out.starts_with("hostpci1: mapping=gpu,pcie=1\n"));
  CHECK(ran.out.find("\n  mapping=gpu  mapping `gpu` of node `pve1`") != std::string::npos);
  CHECK(ran.out.find("\n  pcie=1       VM 100 runs q35") != std::string::npos);
  CHECK(ran.out.ends_with("\nhostpci set 100 -hostpci1 'mapping=gpu,pcie=1'\n"));
}

TEST_CASE("the suggested line is one that set accepts, and showcmd after it") {
  TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", "machine: q35\n");
  for (const char* address : {"01:00", "05:10.0", "00:02.0"}) {
    Ran ran = suggest(root, {address, "--vm", "100", "--format", "json"});
    json::object advice = json::parse(ran.out).as_object();
    std::string key(advice["key"].as_string()), value(advice["value"].as_string());
    Ran set = run_hostpci({"--root", root.path(), "--host", example, "set", "100", "-" + key, value, "--dry-run"});
    CHECK_MESSAGE(set.status == 0, set.out << set.err);
    CHECK(set.out.find("+" + key + ": " + value + "\n") != std::string::npos);
  }
}

TEST_CASE("JSON has the reasons, the warnings with their rules, and the command") {
  TemporaryDirectory root;
  Ran ran = suggest(root, {"04:00.0", "--format", "json"});
  CHECK(ran.status == 0);
  json::object advice = json::parse(ran.out).as_object();
  CHECK(advice["version"] == 1);
  CHECK(advice["vm"].is_null());
  CHECK(advice["refused"].is_null());
  CHECK(advice["value"] == "0000:04:00.0");
  CHECK(advice["warnings"].as_array().front().at("rule") == "device-group-shared");
  CHECK(advice["command"] == "hostpci set VMID -hostpci0 '0000:04:00.0'");
  for (const json::value& p : advice["properties"].as_array()) CHECK_FALSE(p.at("reason").as_string().empty());
}

TEST_CASE("warnings are shown as lint shows them") {
  TemporaryDirectory root;
  Ran ran = suggest(root, {"00:1f.6"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("error[device-mgmt-nic]: ") != std::string::npos);
  CHECK(ran.out.find("  --> suggested line:1:11\n") != std::string::npos);
}

TEST_CASE("a bridge is refused, what is no device is told with the nearest") {
  TemporaryDirectory root;
  Ran bridge = suggest(root, {"00:1d.0"});
  CHECK(bridge.status == 3);
  CHECK(bridge.out.empty());
  CHECK(bridge.err.find("is a bridge") != std::string::npos);
  Ran as_json = suggest(root, {"00:1d.0", "--format", "json"});
  CHECK(as_json.status == 3);
  CHECK(json::parse(as_json.out).at("refused").as_string().find("is a bridge") != json::string::npos);
  Ran missing = suggest(root, {"01:00.4"});
  CHECK(missing.status == 1);
  CHECK(missing.err.find("did you mean `01:00.0`?") != std::string::npos);
  CHECK(suggest(root, {"elsewhere"}).status == 2);
  CHECK(suggest(root, {"01:00", "--vm", "999"}).status == 3);
  CHECK(suggest(root, {}).status == 2);
}
