// pci.cfg changed: new lines as PVE writes them, all others as they stood, and nothing that PVE could not write again.
#include "config/mapping_edit.hpp"

#include <doctest/doctest.h>

#include "config/mapping.hpp"
#include "text/diff.hpp"

using namespace hostpci;

namespace {

const std::string a = "id=10de:2684,iommugroup=14,node=pveA,path=0000:41:00,subsystem-id=10de:167c";
const std::string b = "id=10de:2684,iommugroup=20,node=pveB,path=0000:01:00.0";
const std::string c = "id=8086:1572,node=pveA,path=0000:05:00.1";

/// As PVE writes it.
const std::string written = "gpu0\n\tmap " + a + "\n\tmap " + b + "\n\tdescription big gpu\n\tmdev 1\n\nnic\n\tmap " + c + "\n\n";

std::string text(const Result<std::string>& result) { return result ? *result : "(" + result.error().message + ")"; }

std::string changed(const std::string& from, const std::string& part, const std::string& by) {
  std::string text = from;
  REQUIRE(text.find(part) != text.npos);
  return text.replace(text.find(part), part.size(), by);
}

MappingChange change(std::string id) {
  MappingChange change;
  change.id = std::move(id);
  return change;
}

MappingChange options(std::string id, std::map<std::string, std::optional<std::string>> options) {
  MappingChange change = ::change(std::move(id));
  change.options = std::move(options);
  return change;
}

}  // namespace

TEST_CASE("a new mapping goes to the end, as PVE writes it") {
  MappingChange nic = options("nic", {{"mdev", "1"}, {"description", "two ports"}, {"live-migration-capable", "0"}});
  nic.maps = {{a, c}};
  const std::string section =
      "nic\n\tmap " + a + "\n\tmap " + c + "\n\tdescription two ports\n\tlive-migration-capable 0\n\tmdev 1\n\n";
  const std::string gpu = "gpu0\n\tmap " + b + "\n";
  CHECK(text(add_mapping("", nic)) == section);
  CHECK(text(add_mapping(gpu + "\n", nic)) == gpu + "\n" + section);
  CHECK(text(add_mapping(gpu, nic)) == gpu + "\n" + section);
  CHECK(text(add_mapping("gpu0\n\tmap " + b, nic)) == gpu + "\n" + section);
  CHECK(text(add_mapping(gpu + "# mine\n", nic)) == gpu + "# mine\n\n" + section);
  CHECK(text(add_mapping(gpu + "\n# mine\n", nic)) == gpu + "\n# mine\n" + section);
  CHECK(text(add_mapping("# only this", nic)) == "# only this\n" + section);
  CHECK(text(add_mapping(written, nic)) == "(mapping `nic` is already defined)");
}

TEST_CASE("entries of one node are replaced, those of others stay") {
  MappingChange set = change("gpu0");
  set.node = "pveB", set.node_maps = {"id=1,x"};
  CHECK(check_mapping_change(set).size() == 1);
  const std::string other = "id=10de:2684,node=pveB,path=0000:02:00";
  set.node_maps = {other};
  CHECK(text(set_mapping(written, set)) == changed(written, b, other));
  set.node_maps = {b, other};
  CHECK(text(set_mapping(written, set)) == changed(written, b + "\n", b + "\n\tmap " + other + "\n"));
  set.node = "pveC";
  CHECK(text(set_mapping(written, set)) == changed(written, b + "\n", b + "\n\tmap " + b + "\n\tmap " + other + "\n"));
  set.node = "pveA", set.node_maps = {a};
  CHECK(text(set_mapping(written, set)) == written);
}

TEST_CASE("all entries are replaced") {
  MappingChange set = change("gpu0");
  set.maps = {{c}};
  CHECK(text(set_mapping(written, set)) == changed(written, a + "\n\tmap " + b, c));
  set.maps = {{a, b, c}};
  CHECK(text(set_mapping(written, set)) == changed(written, b + "\n", b + "\n\tmap " + c + "\n"));
  set.id = "gpu1";
  CHECK(text(set_mapping(written, set)) == "(there is no mapping `gpu1`)");
}

TEST_CASE("options: changed in place, put where PVE puts them, taken out") {
  CHECK(text(set_mapping(written, options("gpu0", {{"mdev", "0"}}))) == changed(written, "mdev 1", "mdev 0"));
  CHECK(text(set_mapping(written, options("gpu0", {{"mdev", "1"}, {"description", "big gpu"}}))) == written);
  CHECK(text(set_mapping(written, options("gpu0", {{"live-migration-capable", "1"}}))) ==
        changed(written, "\tmdev 1", "\tlive-migration-capable 1\n\tmdev 1"));
  CHECK(text(set_mapping(written, options("nic", {{"mdev", "1"}, {"description", "d"}}))) ==
        changed(written, c + "\n", c + "\n\tdescription d\n\tmdev 1\n"));
  CHECK(text(set_mapping(written, options("gpu0", {{"mdev", std::nullopt}, {"description", "x"}}))) ==
        changed(written, "description big gpu\n\tmdev 1\n", "description x\n"));
  CHECK(text(set_mapping("gpu0\n\tmap " + b, options("gpu0", {{"mdev", "1"}}))) == "gpu0\n\tmap " + b + "\n\tmdev 1");
}

TEST_CASE("lines go and come in one change") {
  CHECK(text(set_mapping(written, options("gpu0", {{"description", std::nullopt}, {"live-migration-capable", "1"}}))) ==
        changed(written, "description big gpu", "live-migration-capable 1"));
  MappingChange set = options("gpu0", {{"description", std::nullopt}, {"mdev", std::nullopt}, {"live-migration-capable", "0"}});
  set.maps = {{c}};
  CHECK(text(set_mapping(written, set)) ==
        changed(written, a + "\n\tmap " + b + "\n\tdescription big gpu\n\tmdev 1", c + "\n\tlive-migration-capable 0"));
  const std::string open = "gpu0\n\tmap " + a + "\n\tmdev 1";
  CHECK(text(set_mapping(open, options("gpu0", {{"mdev", std::nullopt}, {"description", "d"}}))) == "gpu0\n\tmap " + a + "\n\tdescription d");
}

TEST_CASE("options as a person may have written them") {
  const std::string bare = "gpu0\n  mdev\n\tmap " + b + "\n\n";
  CHECK(text(set_mapping(bare, options("gpu0", {{"mdev", "1"}}))) == bare);
  CHECK(text(set_mapping(bare, options("gpu0", {{"mdev", "0"}}))) == changed(bare, "mdev", "mdev 0"));
  const std::string wrong = "gpu0\n\tmap " + b + "\n\tmdev yes\n\tmdev 1\n\n";
  CHECK(text(set_mapping(wrong, options("gpu0", {{"mdev", "0"}}))) == changed(wrong, "mdev 1", "mdev 0"));
  CHECK(text(set_mapping(changed(wrong, "\tmdev 1\n", ""), options("gpu0", {{"mdev", "0"}}))) ==
        "gpu0\n\tmap " + b + "\n\tmdev 0\n\n");
  CHECK(text(set_mapping(wrong, options("gpu0", {{"mdev", std::nullopt}}))) == "gpu0\n\tmap " + b + "\n\n");
}

TEST_CASE("comments, blanks, unknown keys, carriage returns and a missing last line feed stay") {
  const std::string odd = "# mine\n\n\ngpu0  \r\n   # inside\n   map   " + b + "  \r\n\tcolour red\n\n\n# end\nnic\n\tmap " + c;
  MappingChange set = options("gpu0", {{"mdev", "1"}});
  set.node = "pveB", set.node_maps = {a};
  CHECK(text(set_mapping(odd, set)) == changed(changed(odd, b, a), "red\n", "red\n\tmdev 1\n"));
  MappingChange last = change("nic");
  last.maps = {{c, a}};
  CHECK(text(set_mapping(odd, last)) == odd + "\n\tmap " + a);
  last.maps = {{b}};
  CHECK(text(set_mapping(odd, last)) == changed(odd, c, b));
}

TEST_CASE("a mapping goes with its last entry") {
  const std::string nic = "nic\n\tmap " + c + "\n\n";
  CHECK(text(delete_mapping(written, "gpu0")) == nic);
  CHECK(text(delete_mapping(written, "nic", "pveA")) == changed(written, nic, ""));
  CHECK(text(delete_mapping(written, "gpu0", "pveA")) == changed(written, "\tmap " + a + "\n", ""));
  CHECK(text(delete_mapping(written, "gpu0", "pveC")) == "(mapping `gpu0` has no entry for node `pveC`)");
  CHECK(text(delete_mapping(written, "gpu")) == "(there is no mapping `gpu`)");
  CHECK(text(delete_mapping("# mine\n" + nic + "# end\n", "nic")) == "# mine\n# end\n");
  CHECK(text(delete_mapping("nic\n\tmap " + c, "nic")) == "");
  CHECK(text(delete_mapping(nic + "gpu\n\tmap " + a, "gpu")) == "nic\n\tmap " + c + "\n");
}

TEST_CASE("a mapping that stands twice goes altogether; the last one is changed") {
  const std::string twice = "nic\n\tmap " + a + "\n\nnic\n\tmap " + c + "\n\n";
  CHECK(text(delete_mapping(twice, "nic")) == "");
  CHECK(text(set_mapping(twice, options("nic", {{"mdev", "1"}}))) == changed(twice, c + "\n", c + "\n\tmdev 1\n"));
}

TEST_CASE("no file that PVE could not write again") {
  const std::string broken = "empty\n\tmdev 1\n\n" + written;
  const std::string why = "(mapping `empty` has no `map` line that PVE accepts: PVE could not write the file any more)";
  MappingChange fresh = change("new");
  fresh.maps = {{a}};
  CHECK(text(add_mapping(broken, fresh)) == why);
  CHECK(text(set_mapping(broken, options("gpu0", {{"mdev", "0"}}))) == why);
  CHECK(text(delete_mapping(broken, "gpu0")) == why);
  CHECK(text(delete_mapping(broken, "empty")) == written);
  fresh.id = "empty";
  CHECK(text(set_mapping(broken, fresh)) == "empty\n\tmap " + a + "\n\tmdev 1\n\n" + written);
  MappingChange none = change("gpu0");
  none.maps.emplace();
  CHECK(check_mapping_change(none) == std::vector<std::string>{"a mapping needs a `map`"});
  CHECK_FALSE(set_mapping(written, none).has_value());
  CHECK(text(delete_mapping("xx\n\tmap bad\n\n" + written, "nic")).find("mapping `xx`") != std::string::npos);
}

TEST_CASE("a section that swallowed the next one is not touched") {
  const std::string merged = "gpu0\n\tmap " + a + "\nnic\n\tmap " + c + "\n\nlast\n\tmap " + b + "\n\n";
  const std::string why =
      "(line 3 of pci.cfg, in mapping `gpu0`, is one that PVE ignores (an empty line may be missing above it): mend it first)";
  CHECK(text(delete_mapping(merged, "gpu0")) == why);
  CHECK(text(delete_mapping(merged, "gpu0", "pveA")) == why);
  CHECK(text(set_mapping(merged, options("gpu0", {{"mdev", "1"}}))) == why);
  CHECK(text(set_mapping(merged, options("last", {{"mdev", "1"}}))) == changed(merged, b + "\n", b + "\n\tmdev 1\n"));
}

TEST_CASE("values are checked as PVE checks them") {
  MappingChange wrong = options("g", {{"mdev", "yes"}, {"description", "two\nlines"}, {"live-migration-capable", ""}});
  wrong.maps = {{"node=a,path=0000:01:00", "node=a,id=10de:2684,path=01:00.0", "node=a,id=10de:2684,path=0000:01:00,description=x\ty"}};
  auto messages = check_mapping_change(wrong);
  REQUIRE(messages.size() == 7);
  CHECK(messages[0] == "`g` is no name of a mapping: two or more of a-z 0-9 _ -, a letter first");
  CHECK(messages[3].find("control character") != std::string::npos);
  CHECK(messages[4] == "`description` is one line without control characters");
  CHECK(messages[5] == "`live-migration-capable` is 0 or 1, not ``");
  CHECK(messages[6] == "`mdev` is 0 or 1, not `yes`");
  CHECK(check_mapping_change(options("gg", {{"description", std::string(4097, 'x')}})).size() == 1);
  CHECK(check_mapping_change(options("gg", {{"description", " "}})).size() == 1);
  CHECK(check_mapping_change(options("G_-1", {{"description", std::nullopt}})).empty());
}

TEST_CASE("what is added and taken out again leaves every byte") {
  for (const std::string& before : {std::string(), written, std::string("# note\n\n") + written, written + "# end\n"}) {
    MappingChange fresh = options("fresh", {{"mdev", "1"}});
    fresh.maps = {{a}};
    Result<std::string> added = add_mapping(before, fresh);
    REQUIRE(added.has_value());
    CHECK(text(delete_mapping(*added, "fresh")) == before);
  }
}
