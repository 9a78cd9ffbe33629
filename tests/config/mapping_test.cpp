// pci.cfg: what PVE takes of it, and what is told about the rest.
#include "config/mapping.hpp"

#include <doctest/doctest.h>

using namespace hostpci;

namespace {

Mappings read(std::string text) { return read_mappings(make_source("/etc/pve/mapping/pci.cfg", std::move(text))); }

}  // namespace

TEST_CASE("a mapping with two nodes") {
  Mappings all = read(
      "gpu0\n\tmap id=10de:2684,iommugroup=14,node=pveA,path=0000:41:00,subsystem-id=10de:167c\n"
      "\tmap id=10de:2684,iommugroup=20,node=pveB,path=0000:01:00.0;0000:02:00.0\n\tdescription big gpu\n"
      "\tlive-migration-capable 1\n\tmdev 1\n\n");
  const Mapping* gpu = all.find("gpu0");
  REQUIRE(gpu);
  REQUIRE(gpu->entries.size() == 2);
  CHECK(gpu->entries[0].node == "pveA");
  CHECK(gpu->entries[0].subsystem_id == "10de:167c");
  CHECK(gpu->entries[1].paths == std::vector<std::string_view>{"0000:01:00.0", "0000:02:00.0"});
  CHECK(slice(all.source->text, gpu->entries[1].id_span) == "10de:2684");
  CHECK(slice(all.source->text, gpu->entries[1].group_span) == "20");
  CHECK(gpu->description == "big gpu");
  CHECK(gpu->mdev);
  CHECK(gpu->live_migration);
  CHECK(all.findings.empty());
}

TEST_CASE("maps that PVE skips") {
  for (const char* map :
       {"node=a,id=10de:2684,path=01:00.0", "node=a,id=10de:2684,path=0000:0A:00.0", "node=a,path=0000:01:00.0",
        "id=10de:2684,path=0000:01:00.0", "node=a,id=10de:268,path=0000:01:00.0", "node=a,id=10de:2684",
        "node=a,id=10de:2684,path=0000:01:00.0,foo=1", "node=a,id=10de:2684,path=0000:01:00.0,iommugroup=x",
        "node=a,id=10de:2684,path=0000:01:00.0;", "node=a,id=10de:2684,path=0000:01:00.0,description=a,b"}) {
    Mappings all = read(std::string("gpu\n\tmap ") + map + "\n\n");
    CHECK_MESSAGE(all.by_id.empty(), map);
    CHECK_MESSAGE(all.findings.size() == 2, map);
  }
  Mappings one = read("gpu\n\tmap node=a,id=10de:2684,path=01:00.0\n\tmap node=b,id=10de:2684,path=0000:01:00.0\n\n");
  REQUIRE(one.find("gpu"));
  CHECK(one.find("gpu")->entries.size() == 1);
  CHECK(one.findings.size() == 1);
}

TEST_CASE("what PVE's pattern lets through") {
  for (const char* path : {"0000:03:00-0", "0000:41:00", "10000:e1:00.f"}) {
    Mappings all = read(std::string("gpu\n\tmap node=a,id=10DE:2684,path=") + path + "\n\n");
    CHECK_MESSAGE(all.find("gpu"), path);
  }
}

TEST_CASE("headers, flags and repetitions") {
  CHECK(read("pci: gpu\n\tmap node=a,id=10de:2684,path=0000:01:00\n\n").by_id.empty());
  CHECK(read("g\n\tmap node=a,id=10de:2684,path=0000:01:00\n\n").by_id.empty());
  Mappings twice = read(
      "gpu\n\tmap node=a,id=10de:2684,path=0000:01:00\n\tmdev\n\ngpu\n\tmap "
      "node=b,id=10de:2684,path=0000:02:00\n\tmdev yes\n\n");
  REQUIRE(twice.find("gpu"));
  CHECK(twice.find("gpu")->entries.front().node == "b");
  CHECK_FALSE(twice.find("gpu")->mdev);
  Mappings flagged = read("gpu\n\tmap node=a,id=10de:2684,path=0000:01:00\n\tmdev\n\n");
  CHECK(flagged.find("gpu")->mdev);
  CHECK(read("").by_id.empty());
  CHECK(read_mappings(nullptr).by_id.empty());
}
