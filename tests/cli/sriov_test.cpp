// `sriov` below roots that a real kernel was recorded in: what it shows, refuses, would write, keeps for every boot.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci;
using test::Ran;
using test::read_file;
using test::run_hostpci;

namespace json = boost::json;

namespace {

constexpr const char* rules = "etc/udev/rules.d/70-hostpci.rules";
const std::string card = "sys/bus/pci/devices/0000:01:00.0/", shown_card = "/sys/bus/pci/devices/0000:01:00.0/";

/// A card of 4 functions, none of which exist, or two: 01:00.1 on vfio-pci, 01:00.2 without a driver.
class Recorded {
 public:
  explicit Recorded(const std::string& capture) {
    test::unpack("captures/" + capture + ".tar.xz", root());
    directory_.write("etc/hostname", "pve1\n");
    directory_.write("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
    directory_.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  }

  const std::string& root() const { return directory_.path(); }
  void write(const std::string& relative, std::string_view bytes) const { directory_.write(relative, bytes); }
  std::string read(const std::string& relative) const { return read_file(root() + "/" + relative); }
  bool has(const std::string& relative) const { return std::filesystem::exists(root() + "/" + relative); }

  Ran run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--root", root()});
    return run_hostpci(words);
  }
  Ran sriov(std::vector<std::string> words) const {
    words.insert(words.begin(), "sriov");
    return run(words);
  }

 private:
  test::TemporaryDirectory directory_;
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr const char* rule_start =
    R"(ACTION=="add|bind", SUBSYSTEM=="pci", KERNEL=="0000:01:00.0", DRIVER=="?*", ATTR{sriov_numvfs}=="0", )";

}  // namespace

TEST_CASE("the table of cards, and of a card's functions") {
  Recorded host("sriov-vfs");
  Ran all = host.sriov({});
  CHECK(all.status == 0);
  CHECK_MESSAGE(says(all.out, "nvme    2/4  no         -\n"), all.out);
  CHECK(!says(all.out, "FUNCTION"));
  host.write("etc/pve/qemu-server/100.conf", "hostpci0: 0000:01:00.2\n");
  Ran one = host.sriov({"01:00.0"});
  CHECK_MESSAGE(says(one.out,
                     "\nFUNCTION      DRIVER    GROUP  USED BY\n0000:01:00.1  vfio-pci  7      -\n0000:01:00.2  -      "
                     "   8      VM 100\n"),
                one.out);
  CHECK(host.sriov({"01:00"}).out == one.out);
  json::value object = json::parse(host.sriov({"01:00.0", "--format", "json"}).out);
  const json::value& found = object.at("cards").at(0);
  CHECK(found.at("total") == 4);
  CHECK(found.at("enabled") == 2);
  CHECK(found.at("autoprobe") == false);
  CHECK(found.at("atBoot").at("own").is_null());
  CHECK(found.at("functions").at(1).at("vms").at(0) == 100);
  CHECK(found.at("functions").at(1).at("heldBy").is_null());
}

TEST_CASE("what makes functions at every boot is named") {
  Recorded host("sriov-boot");
  CHECK(says(host.sriov({}).out, "0/4  yes        -\n"));
  host.write("etc/sysfs.d/vf.conf", "bus/pci/devices/0000:01:00.0/sriov_numvfs = 2\n");
  CHECK(says(host.sriov({}).out, "0/4  yes        /etc/sysfs.d/vf.conf\n"));
  host.write(rules, std::string("# Made by hostpci: x\n") + rule_start + "ATTR{sriov_numvfs}=\"3\"\n");
  CHECK(says(host.sriov({}).out, "0/4  yes        3 (hostpci), /etc/sysfs.d/vf.conf\n"));
}

TEST_CASE("no card, no device, no number") {
  Recorded host("sriov-vfs"), other("clean-boot");
  CHECK(other.sriov({}).out == "no device here makes virtual functions (SR-IOV)\n");
  Ran none = other.sriov({"01:00.0"});
  CHECK(none.status == 3);
  CHECK_MESSAGE(says(none.err, "has no SR-IOV capability (`" + shown_card + "sriov_totalvfs` does not exist, or is 0)"),
                none.err);
  CHECK(other.sriov({"01:00.0", "1", "--dry-run"}).err == none.err);
  CHECK(host.sriov({"01:00.1"}).err ==
        "hostpci: `0000:01:00.1 (NVMe, 1b36:0010)` is itself a virtual function, of 0000:01:00.0\n");
  CHECK(host.sriov({"09:00.0", "1", "--dry-run"}).status == 3);
  CHECK(host.sriov({"x", "1", "--dry-run"}).status == 2);
  for (const char* count : {"two", "-1", "1.0", "70000", ""}) {
    Ran wrong = host.sriov({"01:00.0", count});
    CHECK(wrong.status == 2);
    CAPTURE(wrong.err);
  }
  CHECK(host.sriov({"01:00.0", "--persist"}).err == "hostpci: `--persist` goes with a number of virtual functions\n");
  CHECK(host.sriov({"01:00.0", "--no-probe"}).status == 2);
}

TEST_CASE("above the card's limit") {
  Recorded host("sriov-vfs");
  for (auto words : {std::vector<std::string>{"01:00.0", "5", "--dry-run"}, {"01:00.0", "5", "--persist", "--yes"}}) {
    Ran ran = host.sriov(words);
    CHECK(ran.status == 3);
    CHECK(ran.err == "hostpci: `0000:01:00.0 (NVMe, 1b36:0010)` makes at most 4 virtual functions, not 5 (`" +
                         shown_card + "sriov_totalvfs`)\n");
  }
  CHECK(!host.has("var/lib/hostpci"));
}

TEST_CASE("the writes that a number takes, of a root and of a snapshot") {
  Recorded boot("sriov-boot"), vfs("sriov-vfs");
  const std::string number = shown_card + "sriov_numvfs\n", probe = shown_card + "sriov_drivers_autoprobe\n";
  for (bool snapshot : {false, true}) {
    CAPTURE(snapshot);
    auto run = [&](const Recorded& host, std::vector<std::string> words) {
      words.insert(words.end(), {"--dry-run"});
      if (!snapshot) return host.sriov(words);
      std::string file = host.root() + "/host.yaml";
      REQUIRE(host.run({"snapshot", "-o", file}).status == 0);
      words.insert(words.begin(), {"--host", file, "sriov"});
      return run_hostpci(words);
    };
    CHECK(run(boot, {"01:00.0", "2"}).out == "write `2` to " + number);
    CHECK(run(boot, {"01:00.0", "2", "--no-probe"}).out ==
          "write `0` to " + probe + "write `2` to " + number + "write `1` to " + probe);
    CHECK(run(boot, {"01:00.0", "0"}).out == "0000:01:00.0: has no virtual functions already\n");
    Ran other = run(vfs, {"01:00.0", "3"});
    CHECK(other.status == 0);
    CHECK(other.out == "write `0` to " + number + "write `3` to " + number);
    CHECK_MESSAGE(says(other.err,
                       "info[device-pf-has-vfs]: `0000:01:00.1 (NVMe, 1b36:0010)` goes; it is on vfio-pci, and nobody "
                       "has it open"),
                  other.err);
    Ran same = run(vfs, {"01:00.0", "2", "--no-probe"});
    CHECK(same.out == "0000:01:00.0: has 2 virtual functions already\n");
    CHECK(same.err == "hostpci: `--no-probe` is for functions that are made: these keep what they have\n");
  }
  Ran kept = boot.sriov({"01:00.0", "2", "--persist", "--dry-run"});
  REQUIRE(boot.run({"snapshot", "-o", boot.root() + "/host.yaml"}).status == 0);
  CHECK(run_hostpci({"--host", boot.root() + "/host.yaml", "sriov", "01:00.0", "2", "--persist", "--dry-run"}).out ==
        kept.out);
  CHECK_MESSAGE(says(kept.out, std::string("+") + rule_start + "ATTR{sriov_numvfs}=\"2\"\n"), kept.out);
  CHECK(says(kept.out, "\nPlan: 1 file to make.\nwrite `2` to " + number));
  json::value object = json::parse(boot.sriov({"01:00.0", "2", "--dry-run", "--format", "json"}).out);
  CHECK(object.at("before") == 0);
  CHECK(object.at("after") == 2);
  CHECK(object.at("writes").at(0).at("value") == "2");
}

TEST_CASE("VMs whose function will not be there are named") {
  Recorded host("sriov-vfs");
  host.write("etc/pve/qemu-server/100.conf", "machine: q35\nhostpci1: 0000:01:00.2\n");
  Ran ran = host.sriov({"01:00.0", "1", "--dry-run"});
  CHECK(ran.status == 0);
  CHECK_MESSAGE(says(ran.err,
                     "warning[device-vf-not-created]: VM 100 takes `0000:01:00.2`, which will not be there (hostpci1)\n"
                     "  --> /etc/pve/qemu-server/100.conf\n"),
                ran.err);
  CHECK(!says(host.sriov({"01:00.0", "3", "--dry-run"}).err, "VM 100"));
}

TEST_CASE("the running kernel is acted on nowhere else") {
  Recorded host("sriov-boot");
  Ran below = host.sriov({"01:00.0", "2", "--yes"});
  CHECK(below.status == 3);
  CHECK(says(below.err, "not below `--root`"));
  REQUIRE(host.run({"snapshot", "-o", host.root() + "/host.yaml"}).status == 0);
  Ran snapshot = run_hostpci({"--host", host.root() + "/host.yaml", "sriov", "01:00.0", "2", "--persist", "--yes"});
  CHECK(snapshot.status == 2);
  CHECK(snapshot.err == "hostpci: a rule for every boot can be shown for a snapshot, not written\n");
  CHECK(host.read(card + "sriov_numvfs") == "0\n");
}

TEST_CASE("a card on vfio-pci makes none, whatever is asked for") {
  Recorded host("sriov-boot");
  std::filesystem::remove(host.root() + "/" + card + "driver");
  std::string uevent = host.read(card + "uevent");
  host.write(card + "uevent", "DRIVER=vfio-pci" + uevent.substr(uevent.find('\n')));
  std::filesystem::create_symlink("../../../../bus/pci/drivers/vfio-pci", host.root() + "/" + card + "driver");
  Ran ran = host.sriov({"01:00.0", "2", "--dry-run", "--persist"});
  CHECK(ran.status == 3);
  CHECK_MESSAGE(says(ran.err,
                     "error[device-pf-on-vfio]: `0000:01:00.0 (NVMe, 1b36:0010)` is on vfio-pci, which makes no "
                     "virtual functions\n  --> " +
                         shown_card + "driver\n"),
                ran.err);
  CHECK(says(ran.err, "hostpci unbind 0000:01:00.0"));
}

TEST_CASE("for every boot, below a root: written, changed, needing no plan, taken out, taken back") {
  Recorded host("sriov-boot");
  Ran asked = host.sriov({"01:00.0", "2", "--persist"});
  CHECK(asked.status == 2);
  CHECK(says(asked.err, "nobody to ask"));
  CHECK(!host.has(rules));
  Ran made = host.sriov({"01:00.0", "2", "--persist", "--yes"});
  CHECK_MESSAGE(made.status == 0, made.err);
  CHECK(says(made.out,
             "+ /etc/udev/rules.d/70-hostpci.rules\n    2 virtual functions of `0000:01:00.0 (NVMe, 1b36:0010)` at "
             "every boot\n"));
  CHECK(says(made.out, "\nundo: hostpci --root "));
  CHECK(says(made.err, "below `--root` nothing is done now: it counts at the next boot\n"));
  CHECK(says(host.read(rules), std::string(rule_start) + "ATTR{sriov_numvfs}=\"2\"\n"));
  CHECK(host.read(card + "sriov_numvfs") == "0\n");
  CHECK(host.sriov({"01:00.0", "2", "--persist", "--yes"}).out == "at every boot: so already\n");

  host.write("etc/pve/qemu-server/100.conf", "machine: q35\nhostpci0: 0000:01:00.1,pcie=1\n");
  std::string plan = host.run({"plan", "100"}).out;
  CHECK_MESSAGE(!says(plan, "70-hostpci.rules"), plan);

  CHECK(host.sriov({"01:00.0", "3", "--persist", "--no-probe", "--yes"}).status == 0);
  CHECK(says(host.read(rules),
             std::string(rule_start) + R"(ATTR{sriov_drivers_autoprobe}="0", ATTR{sriov_numvfs}="3")" + "\n"));
  CHECK(says(host.read(rules),
             R"(ATTR{physfn/uevent}=="*PCI_SLOT_NAME=0000:01:00.0*", ATTR{driver_override}="vfio-pci")"));
  CHECK(!says(host.read(rules), "ATTR{sriov_numvfs}=\"2\""));
  CHECK(says(host.sriov({}).out, "3 for vfio-pci (hostpci)\n"));
  CHECK(says(host.run({"history"}).out, "sriov 01:00.0 3 --no-probe --persist"));
  CHECK(host.run({"rollback", "--yes"}).status == 0);
  CHECK(says(host.read(rules), "ATTR{sriov_numvfs}=\"2\""));
  CHECK(host.sriov({"01:00.0", "0", "--persist", "--yes"}).status == 0);
  CHECK(!host.has(rules));
}

TEST_CASE("a VM that needs more functions than the rule makes keeps them without a driver") {
  Recorded host("sriov-boot");
  REQUIRE(host.sriov({"01:00.0", "1", "--persist", "--no-probe", "--yes"}).status == 0);
  host.write("etc/pve/qemu-server/100.conf", "machine: q35\nhostpci0: 0000:01:00.2,pcie=1\n");
  std::string plan = host.run({"plan", "100"}).out;
  CHECK_MESSAGE(
      says(plan, std::string("+") + rule_start + R"(ATTR{sriov_drivers_autoprobe}="0", ATTR{sriov_numvfs}="2")"), plan);
}

TEST_CASE("what else makes functions at boot stands in the way, and nothing changes") {
  Recorded host("sriov-boot");
  host.write("etc/udev/rules.d/60-vf.rules", "ACTION==\"add\", KERNEL==\"0000:01:00.0\", ATTR{sriov_numvfs}=\"4\"\n");
  for (const char* count : {"2", "0"}) {
    Ran ran = host.sriov({"01:00.0", count, "--persist", "--yes"});
    CHECK(ran.status == 3);
    CHECK_MESSAGE(says(ran.err,
                       "`/etc/udev/rules.d/60-vf.rules` creates virtual functions of `0000:01:00.0 (NVMe, 1b36:0010)` "
                       "at every boot: "),
                  ran.err);
    CHECK(says(ran.err, "hostpci: nothing was changed\n"));
  }
  CHECK(!host.has(rules));
}

TEST_CASE("an option that names no card is told, and no obstacle") {
  Recorded host("sriov-boot");
  host.write("etc/modprobe.d/igb.conf", "options igb max_vfs=7\n");
  CHECK(says(host.sriov({}).out, "0/4  yes        perhaps /etc/modprobe.d/igb.conf\n"));
  Ran ran = host.sriov({"01:00.0", "2", "--persist", "--yes"});
  CHECK(ran.status == 0);
  CHECK_MESSAGE(
      says(ran.out, "/etc/modprobe.d/igb.conf may create virtual functions of `0000:01:00.0 (NVMe, 1b36:0010)`, too"),
      ran.out);
}

TEST_CASE("a line that nothing reads gives way to the rule") {
  Recorded host("sriov-boot");
  host.write("var/lib/dpkg/status", "Package: qemu-server\nStatus: install ok installed\nVersion: 8.3.8\n\n");
  host.write("etc/sysfs.conf", "# mine\nbus/pci/devices/0000:01:00.0/sriov_numvfs = 4\n");
  Ran ran = host.sriov({"01:00.0", "2", "--persist", "--yes"});
  CHECK_MESSAGE(ran.status == 0, ran.err);
  CHECK(host.read("etc/sysfs.conf") == "# mine\n");
  CHECK(says(host.read(rules), "ATTR{sriov_numvfs}=\"2\""));
}

TEST_CASE("a rules file that is not hostpci's is left alone") {
  Recorded host("sriov-boot");
  host.write(rules, "ACTION==\"add\", SUBSYSTEM==\"pci\"\n");
  Ran ran = host.sriov({"01:00.0", "2", "--persist", "--yes"});
  CHECK(ran.status == 3);
  CHECK_MESSAGE(says(ran.err, "70-hostpci.rules"), ran.err);
  CHECK(host.read(rules) == "ACTION==\"add\", SUBSYSTEM==\"pci\"\n");
}

TEST_CASE("numbers of the card are offered while one types") {
  Recorded host("sriov-boot");
  Ran words = run_hostpci({"completion", "--words", "--", "--root", host.root(), "sriov", "01:00.0", ""});
  CHECK_MESSAGE(words.out == "0\tno virtual functions\n4\tall that the card makes\n", words.out);
}
