// `plan`, `apply`, `history` and `rollback` together, below a root that a real kernel was recorded in.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "../support/process.hpp"
#include "../support/temporary.hpp"

using namespace hostpci;
using test::Ran;
using test::read_file;
using test::run_hostpci;

namespace fs = std::filesystem;

namespace {

constexpr const char* vm_file = "etc/pve/qemu-server/100.conf";
constexpr const char* vm_text = "bios: seabios\nmemory: 1024\nhostpci0: 01:00,pcie=1,x-vga=1\n";

/// A host with a graphics card that its own driver has, a VM that wants it, and GRUB.
class Machine {
 public:
  Machine() {
    test::unpack("captures/gpu-boot.tar.xz", root());
    directory_.write(vm_file, vm_text);
    directory_.write("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet amd_iommu=on\"\n");
    directory_.write("etc/hostname", "pve1\n");
    directory_.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    directory_.write("proc/sys/kernel/random/boot_id", "first\n");
    before_ = files();
  }

  const std::string& root() const { return directory_.path(); }
  void write(const std::string& relative, std::string_view bytes) const { directory_.write(relative, bytes); }
  std::string read(const std::string& relative) const { return read_file(root() + "/" + relative); }

  Ran run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--root", root()});
    return run_hostpci(words);
  }

  /// Every file below etc by path.
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root() + "/etc"))
      if (entry.is_regular_file()) found[entry.path().string()] = read_file(entry.path().string());
    return found;
  }
  bool untouched() const { return files() == before_; }

 private:
  test::TemporaryDirectory directory_;
  std::map<std::string, std::string> before_;
};

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The number in "undo: hostpci … rollback ID".
std::string id_in(const std::string& text) {
  std::size_t at = text.find("rollback ");
  REQUIRE(at != std::string::npos);
  return text.substr(at + 9, text.find('\n', at) - at - 9);
}

}  // namespace

TEST_CASE("what was applied needs no plan, and goes back byte for byte") {
  Machine machine;
  Ran applied = machine.run({"apply", "100", "--yes"});
  REQUIRE_MESSAGE(applied.status == 0, applied.err);
  CHECK(says(applied.out, "not run below --root; to be run there:\n  update-grub\n"));
  CHECK(says(machine.read(vm_file), "machine: q35\n"));
  CHECK(!says(machine.read("etc/default/grub"), "amd_iommu"));
  CHECK(says(machine.read("etc/modprobe.d/hostpci.conf"), "softdep radeon pre: vfio-pci\n"));
  Ran again = machine.run({"plan", "100"});
  CHECK_MESSAGE(!says(again.out, "+++"), again.out);
  Ran words = run_hostpci({"completion", "--words", "--", "--root", machine.root(), "rollback", ""});
  CHECK_MESSAGE(says(words.out, id_in(applied.out)), words.out);
  Ran history = machine.run({"history"});
  CHECK(says(history.out, "  done   apply 100  "));
  Ran back = machine.run({"rollback", "--yes"});
  CHECK_MESSAGE(back.status == 0, back.err);
  CHECK(machine.untouched());
  CHECK(says(machine.run({"history", "--format", "json"}).out, "\"state\":\"rolled back\""));
  CHECK(machine.run({"rollback", "--yes"}).status == 3);
}

TEST_CASE("nobody to ask: nothing is done") {
  Machine machine;
  for (auto words : {std::vector<std::string>{"apply"}, {"apply", "100"}}) {
    Ran ran = machine.run(words);
    CHECK(ran.status == 2);
    CHECK(says(ran.err, "nobody to ask"));
  }
  CHECK(machine.untouched());
  CHECK(!fs::exists(machine.root() + "/var/lib/hostpci/txn"));
}

TEST_CASE("on a terminal it asks, naming what the host loses, and takes only a yes") {
  Machine machine;
  auto answer = [&](const char* text) {
    return test::run_program({"script", "-qec", std::string(HOSTPCI) + " --root " + machine.root() + " apply 100", "/dev/null"}, text);
  };
  Ran asked = answer("n\n");
  CHECK_MESSAGE(says(asked.out, "The host loses console fb2 (VM 100), "), asked.out);
  CHECK(says(asked.out, "Apply this plan? [y/N]"));
  CHECK(answer("\n").status == 3);
  CHECK(answer("yy\n").status == 3);
  CHECK(machine.untouched());
  CHECK(answer("y\n").status == 0);
  CHECK(!machine.untouched());
}

TEST_CASE("a saved plan is carried out only if nothing changed that it was made from") {
  Machine machine;
  std::string plan = machine.root() + "/plan.json";
  REQUIRE(machine.run({"plan", "100", "-o", plan}).status == 0);
  machine.write("etc/modprobe.d/other.conf", "blacklist radeon\n");
  Ran ran = machine.run({"apply", plan, "--yes"});
  CHECK(ran.status == 3);
  CHECK_MESSAGE(says(ran.err, "/etc/modprobe.d/other.conf"), ran.err);
  fs::remove(machine.root() + "/etc/modprobe.d/other.conf");
  CHECK(machine.untouched());
  CHECK(machine.run({"apply", plan, "--yes"}).status == 0);
  CHECK(machine.run({"apply", plan, "--yes"}).status == 3);
}

TEST_CASE("a plan of another machine, a cut one and a forged one are refused") {
  Machine machine;
  std::string plan = machine.root() + "/plan.json";
  REQUIRE(machine.run({"plan", "100", "-o", plan}).status == 0);
  std::string text = read_file(plan);
  machine.write("cut.json", std::string_view(text).substr(0, text.size() / 2));
  std::string forged = text;
  forged.replace(forged.find("q35"), 3, "q36");
  machine.write("forged.json", forged);
  CHECK(machine.run({"apply", machine.root() + "/cut.json", "--yes"}).status == 3);
  CHECK(machine.run({"apply", machine.root() + "/forged.json", "--yes"}).status == 3);
  machine.write("etc/machine-id", "00000000000000000000000000000000\n");
  Ran foreign = machine.run({"apply", plan, "--yes"});
  CHECK(foreign.status == 3);
  machine.write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
  CHECK(machine.untouched());
}

TEST_CASE("a file that someone changed since is not rolled back, and no other either") {
  Machine machine;
  REQUIRE(machine.run({"apply", "100", "--yes"}).status == 0);
  machine.write(vm_file, machine.read(vm_file) + "onboot: 1\n");
  auto before = machine.files();
  Ran ran = machine.run({"rollback", "--yes"});
  CHECK(ran.status == 3);
  CHECK(says(ran.out, "what was changed since:"));
  CHECK(says(ran.out, "+onboot: 1\n"));
  CHECK(machine.files() == before);
}

TEST_CASE("the script of the journal undoes a change without hostpci") {
  Machine machine;
  Ran applied = machine.run({"apply", "100", "--yes"});
  std::string script = machine.root() + "/var/lib/hostpci/txn/" + id_in(applied.out) + "/undo.sh";
  Ran ran = test::run_program({"sh", script, machine.root()});
  CHECK_MESSAGE(ran.status == 0, ran.out);
  CHECK(machine.untouched());
  CHECK(says(ran.out, "update-grub"));
}

TEST_CASE("a change that is not confirmed after the boot is taken back") {
  Machine machine;
  Ran applied = machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10"});
  REQUIRE_MESSAGE(applied.status == 0, applied.err);
  CHECK(says(applied.out, "within 10 minutes"));
  CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 1);
  CHECK(!machine.untouched());
  machine.write("proc/sys/kernel/random/boot_id", "second\n");
  CHECK(machine.run({"rollback", "--unconfirmed", "--dry-run"}).status == 0);
  CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 0);
  CHECK(machine.untouched());
  CHECK(!fs::exists(machine.root() + "/var/lib/hostpci/unconfirmed"));
}

TEST_CASE("while a change waits to be confirmed, no other is made, and nothing is taken back twice") {
  Machine machine;
  REQUIRE(machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10"}).status == 0);
  auto guarded = machine.files();
  Ran second = machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10"});
  CHECK(second.status == 3);
  CHECK(says(second.err, "waits to be confirmed"));
  CHECK(machine.files() == guarded);
  machine.write("proc/sys/kernel/random/boot_id", "second\n");
  CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 0);
  for (const char* boot : {"third\n", "fourth\n"}) {
    machine.write("proc/sys/kernel/random/boot_id", boot);
    CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 1);
    CHECK(machine.untouched());
  }
}

TEST_CASE("the way back after the boot leaves a VM alone that changed since, not the boot set-up") {
  Machine machine;
  REQUIRE(machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10"}).status == 0);
  std::string changed = machine.read(vm_file) + "onboot: 1\n";
  machine.write(vm_file, changed);
  machine.write("proc/sys/kernel/random/boot_id", "second\n");
  Ran ran = machine.run({"rollback", "--unconfirmed", "--yes"});
  CHECK(ran.status == 0);
  CHECK(says(ran.err, "100.conf` was changed since and stays as it is"));
  CHECK(machine.read(vm_file) == changed);
  machine.write(vm_file, vm_text);
  CHECK(machine.untouched());
}

TEST_CASE("a change whose command failed is guarded all the same") {
  Machine machine;
  Ran applied = machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10", "--run-commands"});
  CHECK(applied.status == 1);
  machine.write("proc/sys/kernel/random/boot_id", "second\n");
  CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 0);
  CHECK(machine.untouched());
}

TEST_CASE("what a running VM was started with is not taken out of its file") {
  Machine machine;
  REQUIRE(machine.run({"set", "100", "-onboot", "1"}).status == 0);
  std::string set = machine.read(vm_file);
  machine.write("run/qemu-server/100.pid", "4242\n");
  fs::create_directories(machine.root() + "/var");
  fs::create_symlink("/run", machine.root() + "/var/run");
  std::string arguments;
  for (const char* word : {"/usr/bin/kvm", "-id", "100", "-pidfile", "/var/run/qemu-server/100.pid"}) arguments += word + std::string(1, '\0');
  machine.write("proc/4242/cmdline", arguments);
  Ran ran = machine.run({"rollback", "--yes"});
  CHECK(ran.status == 3);
  CHECK_MESSAGE(says(ran.err, "VM 100 runs with what would be taken back"), ran.err);
  CHECK(machine.read(vm_file) == set);
}

TEST_CASE("a change that is confirmed stays, and can still be rolled back by its number") {
  Machine machine;
  Ran applied = machine.run({"apply", "100", "--yes", "--confirm-after-boot", "10"});
  machine.write("proc/sys/kernel/random/boot_id", "second\n");
  CHECK(machine.run({"apply", "--confirm"}).status == 0);
  CHECK(machine.run({"apply", "--confirm"}).status == 3);
  CHECK(machine.run({"rollback", "--unconfirmed", "--yes"}).status == 1);
  CHECK(says(machine.read(vm_file), "machine: q35\n"));
  CHECK(machine.run({"rollback", id_in(applied.out), "--yes"}).status == 0);
  CHECK(machine.untouched());
}

TEST_CASE("wrong calls are told before anything is read or written") {
  Machine machine;
  CHECK(machine.run({"apply", "100", "--yes", "--confirm-after-boot", "0"}).status == 2);
  CHECK(machine.run({"apply", "100", "--yes", "--confirm-after-boot", "soon"}).status == 2);
  CHECK(machine.run({"apply", "101", "--yes"}).status == 3);
  for (auto words : {std::vector<std::string>{"apply", "5x"}, {"plan", "5x"}, {"export", "libvirt", "5x"}}) CHECK(machine.run(words).status == 2);
  CHECK(machine.run({"rollback", "20200101-000000-0001", "--yes"}).status == 3);
  CHECK(machine.run({"rollback", "../x", "--yes"}).status == 3);
  CHECK(run_hostpci({"--host", std::string(FIXTURES) + "/demo/host.yaml", "apply", "--yes"}).status == 2);
  CHECK(machine.untouched());
}
