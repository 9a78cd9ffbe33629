// `mapping list|check` as it is run: Proxmox VE's verdict on entries of this node, other nodes' left alone.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

/// The example host with this pci.cfg in place of its own.
Ran mapping(const std::string& config, std::vector<std::string> words) {
  TemporaryDirectory directory;
  std::string host = read_file(std::string(FIXTURES) + "/hosts/example.yaml");
  std::size_t at = host.find("  /etc/pve/mapping/pci.cfg: "), end = host.find('\n', at);
  directory.write("host.yaml",
                  host.replace(at, end - at, "  /etc/pve/mapping/pci.cfg: " + json::serialize(json::value(config))));
  std::vector<std::string> all{"--host", directory.path() + "/host.yaml", "mapping"};
  all.insert(all.end(), words.begin(), words.end());
  return run_hostpci(all);
}

const std::string sound =
    "gpu\n\tmap id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00,subsystem-id=10de:119e\n"
    "\tmap id=10de:1b80,iommugroup=9,node=pve2,path=0000:41:00,subsystem-id=10de:119e\n\n";

}  // namespace

TEST_CASE("sound entries pass, those of other nodes are not judged") {
  Ran list = mapping(sound, {"list"});
  CHECK(list.status == 0);
  CHECK(list.out.find("(2 functions)  ok\n") != std::string::npos);
  CHECK(list.out.find("gpu  pve2  0000:41:00") != std::string::npos);
  CHECK(list.out.find("-            other node\n") == std::string::npos);
  CHECK(list.out.find("other node\n") != std::string::npos);
  CHECK(mapping(sound, {"check"}).status == 0);
}

TEST_CASE("each way in which an entry can be wrong is told with its rule, and check fails") {
  struct Case {
    const char *from, *to, *rule;
  };
  for (const Case& c : {Case{"id=10de:1b80", "id=10de:1b81", "cluster-mapping-id"},
                        Case{"iommugroup=2", "iommugroup=3", "cluster-mapping-iommugroup"},
                        Case{"subsystem-id=10de:119e", "subsystem-id=10de:0001", "cluster-mapping-subsystem"},
                        Case{"path=0000:01:00", "path=0000:0a:00", "cluster-mapping-path-gone"}}) {
    std::string config = sound;
    config.replace(config.find(c.from), std::string(c.from).size(), c.to);
    Ran check = mapping(config, {"check"});
    CHECK(check.status == 1);
    CHECK_MESSAGE(check.out.find(std::string("[") + c.rule + "]") != std::string::npos, check.out);
    CHECK(mapping(config, {"list"}).status == 0);
  }
  CHECK(mapping(sound + "igpu\n\tmap id=8086:3e98,iommugroup=3,node=pve1,path=0000:00:02.0,subsystem-id=1043:8694\n\n",
                {"check"})
            .out.find("[cluster-mapping-mdev-flag]") != std::string::npos);
}

TEST_CASE("only those named are judged") {
  std::string config = sound + "nic\n\tmap id=8086:0000,node=pve1,path=0000:05:00.0\n\n";
  CHECK(mapping(config, {"check", "gpu"}).status == 0);
  CHECK(mapping(config, {"check", "nic"}).status == 1);
  Ran mistyped = mapping(config, {"check", "gpy"});
  CHECK(mistyped.status == 3);
  CHECK(mistyped.err.find("did you mean `gpu`?") != std::string::npos);
}

TEST_CASE("JSON holds every entry with its verdict") {
  Ran ran = mapping(sound, {"list", "--format", "json"});
  json::value all = json::parse(ran.out);
  CHECK(all.at("node") == "pve1");
  const json::array& entries = all.at("mappings").at(0).at("entries").as_array();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].at("check") == "ok");
  CHECK(entries[0].at("device").at("address") == "0000:01:00.0");
  CHECK(entries[1].at("check") == "other-node");
  CHECK(entries[1].at("device").is_null());
}

TEST_CASE("no mapping is no fault, a wrong word is") {
  Ran none = mapping("", {"check"});
  CHECK(none.status == 0);
  CHECK(none.out == "no mapping is defined\n");
  CHECK(mapping("", {"chekc"}).status == 2);
  CHECK(mapping("", {}).status == 2);
}
