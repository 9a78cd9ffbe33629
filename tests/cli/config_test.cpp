// `config`: the JSON contract, the text form, sections asked for, and what is refused.
#include <doctest/doctest.h>

#include "../support/process.hpp"
#include "../support/temporary.hpp"
#include "text/digest.hpp"

using namespace hostpci;
using test::Ran;

namespace {

constexpr const char* text =
    "#first: line\n#second\nname: t\nhostpci0: 01:00\nhostpci0: zz\nonboot: yes\nargs: \"-foo bar\"\nscsi0: "
    "a:b\nscsi0: c:d\n"
    "\n[PENDING]\ndelete: onboot\nhostpci0: 02:00\nhostpci1: 03:00\n\n[before-upgrade]\nname: "
    "old\n\n[special:fleecing]\nfleecing-images: local:x\n";

Ran config(const test::TemporaryDirectory& root, std::vector<std::string> words) {
  words.insert(words.begin(), {"--root", root.path(), "config"});
  return test::run_hostpci(std::move(words));
}

}  // namespace

TEST_CASE("config as JSON holds every section as PVE reads it") {
  test::TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", text);
  Ran ran = config(root, {"100", "--format", "json"});
  CHECK(ran.status == 0);
  CHECK(
      ran.out ==
      "{\"version\":1,\"vmid\":100,\"file\":\"/etc/pve/qemu-server/100.conf\",\"digest\":\"" + sha1_hex(text) +
          "\",\"sections\":["
          "{\"kind\":\"main\",\"name\":\"\",\"values\":{\"args\":\"-foo bar\",\"description\":\"first: line\\nsecond\","
          "\"hostpci0\":\"01:00\",\"name\":\"t\",\"onboot\":\"1\",\"scsi0\":\"c:d\"}},"
          "{\"kind\":\"pending\",\"name\":\"\",\"values\":{\"delete\":\"onboot\",\"hostpci0\":\"02:00\",\"hostpci1\":"
          "\"03:00\"}},"
          "{\"kind\":\"special\",\"name\":\"fleecing\",\"values\":{\"fleecing-images\":\"local:x\"}},"
          "{\"kind\":\"snapshot\",\"name\":\"before-upgrade\",\"values\":{\"name\":\"old\"}}]}\n");
}

TEST_CASE("config as text") {
  test::TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", text);
  CHECK(config(root, {"100"}).out ==
        "args: -foo bar\ndescription: first%3A line%0Asecond\nhostpci0: 01:00\nname: t\nonboot: 1\nscsi0: c:d\n");
  CHECK(config(root, {"100", "--pending"}).out ==
        "args: -foo bar\ndescription: first%3A line%0Asecond\nhostpci0: 02:00\nhostpci1: 03:00\nname: t\nscsi0: c:d\n");
  CHECK(config(root, {"100", "--snapshot", "before-upgrade"}).out == "name: old\n");
}

TEST_CASE("config refuses what is not there") {
  test::TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", text);
  root.write("etc/pve/nodes/pve2/qemu-server/300.conf", text);
  Ran snapshot = config(root, {"100", "--snapshot", "before_upgrade"});
  CHECK(snapshot.status == 3);
  CHECK(snapshot.err.find("did you mean `before-upgrade`?") != std::string::npos);
  Ran missing = config(root, {"101"});
  CHECK(missing.status == 3);
  CHECK(missing.err.find("no such VM: 101; did you mean 100?") != std::string::npos);
  CHECK(config(root, {"300"}).err.find("it is on node `pve2`") != std::string::npos);
  CHECK(config(root, {"nonsense"}).status == 2);
  CHECK(config(root, {"100", "--pending", "--snapshot", "x"}).status == 2);
  CHECK(config(root, {}).status == 2);
}

TEST_CASE("a file without passthrough, or empty, or of any bytes, is shown") {
  using namespace std::string_literals;
  test::TemporaryDirectory root;
  root.write("etc/pve/qemu-server/100.conf", "");
  root.write("etc/pve/qemu-server/101.conf", "\0\xff\x1b[31m\nname: x\nargs: \x1b[31m\xff\n"s);
  CHECK(config(root, {"100", "--format", "json"})
            .out.find("\"sections\":[{\"kind\":\"main\",\"name\":\"\",\"values\":{}}]") != std::string::npos);
  Ran ran = config(root, {"101"});
  CHECK(ran.status == 0);
  CHECK(ran.out == "args: \\x1b[31m\\xff\nname: x\n");
}
