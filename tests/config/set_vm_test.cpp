// `set` as a function of texts.
#include "config/set_vm.hpp"

#include <doctest/doctest.h>

#include "config/vm.hpp"
#include "text/digest.hpp"

using namespace hostpci;

namespace {

using Sets = std::vector<SetRequest::Assignment>;

SetOutcome run(const std::string& text, const SetRequest& request, bool running = false) {
  return set_vm(read_vm(make_source("/etc/pve/qemu-server/100.conf", text)), request, running);
}

SetRequest sets(Sets values) {
  SetRequest request;
  request.sets = std::move(values);
  return request;
}

SetRequest deletes(std::vector<std::string> keys) {
  SetRequest request;
  request.deletes = std::move(keys);
  return request;
}

SetRequest reverts(std::vector<std::string> keys) {
  SetRequest request;
  request.reverts = std::move(keys);
  return request;
}

}  // namespace

TEST_CASE("a stopped VM: the key is written where it belongs, all else stays") {
  std::string text = "# my notes\r\nzeta\r\nname: t\r\nunknown: 1\r\n";
  CHECK(run(text, sets({{"hostpci0", "01:00,pcie=on"}})).text ==
        "# my notes\r\nzeta\r\nhostpci0: 01:00,pcie=1\r\nname: t\r\nunknown: 1\r\n");
}

TEST_CASE("several keys are one text, in the order of the file") {
  CHECK(run("name: t\n", sets({{"machine", "q35"}, {"hostpci2", "02:00"}, {"hostpci10", "0a:00"}})).text ==
        "hostpci10: 0a:00\nhostpci2: 02:00\nmachine: q35\nname: t\n");
}

TEST_CASE("a running VM: the change waits in [PENDING]") {
  SetOutcome outcome = run("machine: q35\nname: t\n\n[s1]\nname: t\n", sets({{"hostpci0", "01:00"}}), true);
  CHECK(outcome.text == "machine: q35\nname: t\n\n[PENDING]\nhostpci0: 01:00\n\n[s1]\nname: t\n");
  REQUIRE(outcome.notes.size() == 1);
  CHECK(outcome.notes[0].find("next start") != std::string::npos);
  CHECK(run("hostpci0: 01:00\n", deletes({"hostpci0"}), true).text ==
        "hostpci0: 01:00\n\n[PENDING]\ndelete: hostpci0\n");
}

TEST_CASE("what takes effect at once on a running VM is written at once") {
  CHECK(run("name: t\n", sets({{"onboot", "yes"}, {"memory", "4096"}, {"description", "a\nb"}}), true).text ==
        "#a\n#b\nname: t\nonboot: 1\n\n[PENDING]\nmemory: 4096\n");
  CHECK(run("name: t\ntags: a\n", deletes({"tags"}), true).text == "name: t\n");
}

TEST_CASE("-force marks the deletion") {
  SetRequest request = deletes({"hostpci0", "vga"});
  request.force = true;
  CHECK(run("hostpci0: 01:00\nvga: none\n", request, true).text ==
        "hostpci0: 01:00\nvga: none\n\n[PENDING]\ndelete: !hostpci0,!vga\n");
}

TEST_CASE("setting the current value again takes the pending one away") {
  CHECK(run("hostpci0: 01:00\n\n[PENDING]\nhostpci0: 02:00\n", sets({{"hostpci0", "01:00"}}), true).text ==
        "hostpci0: 01:00\n");
  CHECK(run("onboot: yes\n", sets({{"onboot", "1"}})).text == "onboot: yes\n");
}

TEST_CASE("a set takes back a pending deletion, a deletion a pending set") {
  CHECK(run("hostpci0: 01:00\n\n[PENDING]\ndelete: hostpci0,vga\n", sets({{"hostpci0", "02:00"}}), true).text ==
        "hostpci0: 01:00\n\n[PENDING]\nhostpci0: 02:00\n");
  CHECK(run("name: t\n\n[PENDING]\nhostpci0: 02:00\n", deletes({"hostpci0"}), true).text == "name: t\n");
}

TEST_CASE("a stopped VM: all pending entries are applied, also those of others") {
  CHECK(run("machine: q35\nname: t\n\n[PENDING]\n#pending notes\ndelete: name\nmemory: 2048\nnet0: "
            "virtio\n\n[s1]\nname: t\n",
            sets({{"hostpci0", "01:00"}}))
            .text == "#pending notes\nhostpci0: 01:00\nmachine: q35\nmemory: 2048\nnet0: virtio\n\n[s1]\nname: t\n");
}

TEST_CASE("lines in [PENDING] that PVE drops are not lost") {
  CHECK(run("name: t\n\n[PENDING]\nhostpci0: 01:00\nbogus: 1\n", sets({{"machine", "q35"}})).text ==
        "hostpci0: 01:00\nmachine: q35\nname: t\n\n[PENDING]\nbogus: 1\n");
}

TEST_CASE("of two [PENDING] the last one counts; when it is empty it still hides the first") {
  std::string text = "name: t\n\n[PENDING]\nhostpci0: 01:00\n\n[pending]\nmemory: 512\n\n[s1]\nname: t\n";
  std::string applied = run(text, sets({{"onboot", "1"}})).text;
  CHECK(applied ==
        "memory: 512\nname: t\nonboot: 1\n\n[PENDING]\nhostpci0: 01:00\n\n[pending]\n\n[s1]\nname: t\n");
  CHECK(run(applied, sets({{"onboot", "1"}})).text == applied);
}

TEST_CASE("white space around a value is not stored, so that the same call again changes nothing") {
  std::string once = run("name: t\n", sets({{"args", "  -foo bar\t"}})).text;
  CHECK(once == "args: -foo bar\nname: t\n");
  CHECK(run(once, sets({{"args", "  -foo bar\t"}})).text == once);
}

TEST_CASE("a drive that goes leaves its volume as unused") {
  std::string text =
      "efidisk0: local-lvm:vm-100-disk-0,efitype=4m\nscsi0: local-lvm:vm-100-disk-1\nunused0: "
      "local-lvm:vm-100-disk-7\n";
  SetOutcome outcome = run(text, deletes({"efidisk0"}));
  CHECK(outcome.text ==
        "scsi0: local-lvm:vm-100-disk-1\nunused0: local-lvm:vm-100-disk-7\nunused1: local-lvm:vm-100-disk-0\n");
  CHECK(outcome.notes.size() == 1);
  CHECK(run("ide2: local:iso/x.iso,media=cdrom\n", deletes({"cdrom"})).text == "");
  CHECK(run("ide2: local-lvm:vm-100-cloudinit,media=cdrom\n", deletes({"ide2"})).text ==
        "ide2: local-lvm:vm-100-cloudinit,media=cdrom\n\n[PENDING]\ndelete: ide2\n");
  CHECK(run("scsi0: local-lvm:vm-100-disk-1\n\n[PENDING]\ndelete: !scsi0\n", sets({{"machine", "q35"}})).text ==
        "machine: q35\nscsi0: local-lvm:vm-100-disk-1\n\n[PENDING]\ndelete: !scsi0\n");
  CHECK(run(text, sets({{"efidisk0", "local-lvm:vm-100-disk-0,efitype=2m"}})).text.find("unused1") ==
        std::string::npos);
}

TEST_CASE("a deleted device leaves the boot order") {
  CHECK(run("boot: order=hostpci0;net0\nhostpci0: 01:00\n", deletes({"hostpci0"})).text == "boot: order=net0\n");
  CHECK(run("boot: order=hostpci0\nhostpci0: 01:00\nname: t\n", deletes({"hostpci0"})).text == "boot: \nname: t\n");
  CHECK(run("boot: order=net0\nhostpci0: 01:00\n", deletes({"hostpci0"}), true).text ==
        "boot: order=net0\nhostpci0: 01:00\n\n[PENDING]\ndelete: hostpci0\n");
  CHECK(run("boot: order=net0;hostpci0\nhostpci0: 01:00\n", deletes({"hostpci0"}), true).text ==
        "boot: order=net0;hostpci0\nhostpci0: 01:00\n\n[PENDING]\nboot: order=net0\ndelete: hostpci0\n");
  CHECK(run("boot: order=hostpci0,legacy=cdn\nhostpci0: 01:00\n", deletes({"hostpci0"})).text ==
        "boot: legacy=cdn\n");
  CHECK(run("boot: legacy=cdn,order=hostpci0\nhostpci0: 01:00\n", deletes({"hostpci0"})).text ==
        "boot: legacy=cdn\n");
}

TEST_CASE("`boot` deleted together with a device of its order is gone") {
  std::string text = "boot: order=hostpci0;net0\nhostpci0: 01:00\nname: t\n";
  for (const auto& keys : {std::vector<std::string>{"boot", "hostpci0"}, {"hostpci0", "boot"}}) {
    CHECK(run(text, deletes(keys)).text == "name: t\n");
    CHECK(run(text, deletes(keys), true).text == text + "\n[PENDING]\ndelete: boot,hostpci0\n");
  }
}

TEST_CASE("deleting what is not set is told, and done nothing about") {
  SetOutcome outcome = run("name: t\n", deletes({"hostpci0"}));
  CHECK(outcome.verdict == SetVerdict::accepted);
  CHECK(outcome.text == "name: t\n");
  REQUIRE(outcome.notes.size() == 1);
  CHECK(outcome.notes[0] == "cannot delete `hostpci0`: not set in the current configuration");
}

TEST_CASE("a line of the key that PVE drops can be deleted and overwritten") {
  CHECK(run("hostpci0: zz\nname: t\n", deletes({"hostpci0"})).text == "name: t\n");
  CHECK(run("hostpci0: zz\nname: t\n", deletes({"hostpci0"}), true).text == "name: t\n");
  CHECK(run("hostpci0: zz\nname: t\n", sets({{"hostpci0", "01:00"}})).text == "hostpci0: 01:00\nname: t\n");
}

TEST_CASE("revert drops what is pending") {
  std::string text = "hostpci0: 01:00\nvga: none\n\n[PENDING]\ndelete: vga\nhostpci0: 02:00\nhostpci1: 03:00\n";
  CHECK(run(text, reverts({"hostpci0"}), true).text ==
        "hostpci0: 01:00\nvga: none\n\n[PENDING]\ndelete: vga\nhostpci1: 03:00\n");
  CHECK(run(text, reverts({"hostpci0", "hostpci1", "vga"}), true).text == "hostpci0: 01:00\nvga: none\n");
  CHECK(run(text, reverts({"hostpci0"})).text == "hostpci0: 01:00\nhostpci1: 03:00\n");
}

TEST_CASE("a locked VM and another digest are refused") {
  SetRequest request = sets({{"hostpci0", "01:00"}});
  SetOutcome locked = run("lock: backup\n", request);
  CHECK(locked.verdict == SetVerdict::refused);
  CHECK(locked.errors == std::vector<std::string>{"VM is locked (backup)"});
  request.skiplock = true;
  CHECK(run("lock: backup\n", request).text == "hostpci0: 01:00\nlock: backup\n");
  request.digest = "0123456789012345678901234567890123456789";
  CHECK(run("name: t\n", request).verdict == SetVerdict::refused);
  request.digest = sha1_hex("name: t\n");
  CHECK(run("name: t\n", request).verdict == SetVerdict::accepted);
}

TEST_CASE("wrong calls") {
  auto wrong = [](const SetRequest& request) { return run("name: t\n", request).verdict == SetVerdict::usage; };
  CHECK(wrong({}));
  CHECK(wrong(sets({{"hostpci0", ""}})));
  CHECK(wrong(sets({{"hostpci0", " "}})));
  CHECK(wrong(sets({{"hostpci0", "01:00,pcie=2"}})));
  CHECK(wrong(sets({{"hostpci0", "01:00\n"}})));
  CHECK(wrong(sets({{"net0", "virtio"}})));
  CHECK(wrong(sets({{"efidisk0", "local-lvm:1"}})));
  CHECK(wrong(sets({{"efidisk0", "1"}})));
  CHECK(wrong(deletes({"hostpci16"})));
  CHECK(wrong(deletes({"unused0"})));
  CHECK(wrong(reverts({"foo"})));
  SetRequest both = sets({{"hostpci0", "01:00"}});
  both.deletes = {"hostpci0"};
  CHECK(wrong(both));
  SetRequest force = sets({{"hostpci0", "01:00"}});
  force.force = true;
  CHECK(wrong(force));
  CHECK(check_request(deletes({"hostpc0"})).front().find("did you mean `hostpci0`?") != std::string::npos);
}

TEST_CASE("a call is told as PVE tells it") {
  SetRequest request = sets({{"machine", "q35"}, {"hostpci0", "01:00"}});
  request.deletes = {"vga", "args"};
  request.skiplock = true;
  CHECK(describe(request) == "-delete vga,args -hostpci0 01:00 -machine q35 -skiplock 1");
}
