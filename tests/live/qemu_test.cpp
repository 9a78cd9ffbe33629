// QEMU as it is tried: its arguments, an honest one, and ones that die, hang, print errors or speak no protocol.
#include "live/qemu.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "system/memory.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

/// A program in QEMU's place: a script for sh. `greeting` and `answer` (to the next question, its id counted) are
/// there.
struct FakeQemu {
  TemporaryDirectory directory;
  QemuTrial trial;

  explicit FakeQemu(const std::string& script, int milliseconds = 10000) {
    const std::string prelude = R"(n=0
greeting() { echo '{"QMP": {"version": {"qemu": {"micro": 4, "minor": 1, "major": 9}, "package": ""}, "capabilities": []}}'; }
answer() { read -r question; n=$((n + 1)); echo "{\"return\": $1, \"id\": $n}"; }
)";
    directory.write("qemu", "#!/bin/sh\necho $$ >" + directory.path() + "/pid\n" + prelude + script);
    trial.program = directory.path() + "/qemu";
    ::chmod(trial.program.c_str(), 0755);
    trial.milliseconds = milliseconds;
  }
  /// The process that was started is gone, its zombie too.
  bool is_gone() const {
    auto pid = number(trim(read_file(directory.path() + "/pid")));
    return pid && ::kill(pid_t(*pid), 0) != 0;
  }
};

QemuDevice network_card() {
  return {"vfio-pci",
          "hostpci0",
          {{"host", "0000:01:00.0", ""},
           {"bus", "ich9-pcie-port-1", ""},
           {"addr", "0x0.1", ""},
           {"rombar", "0", ""},
           {"x-pci-vendor-id", "0x10de", ""},
           {"multifunction", "on", ""}}};
}

/// The greeting, the capabilities, the state.
const std::string begin = "greeting\nanswer '{}'\nanswer '{\"status\": \"prelaunch\", \"running\": false}'\n";

double seconds_of(const QemuTrial& trial, QemuReport& report) {
  auto start = std::chrono::steady_clock::now();
  report = try_qemu(trial);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string argument_after(const QemuTrial& trial, const std::string& option) {
  auto at = std::find(trial.arguments.begin(), trial.arguments.end(), option);
  return at == trial.arguments.end() ? "" : *(at + 1);
}

bool has(const QemuTrial& trial, const std::string& argument) {
  return std::find(trial.arguments.begin(), trial.arguments.end(), argument) != trial.arguments.end();
}

}  // namespace

TEST_CASE("devices are read out of the arguments") {
  std::vector<QemuDevice> devices = qemu_devices(
      {"-device", "pcie-root-port,id=ich9-pcie-port-5,addr=10.0", "-device", "vfio-pci,host=0000:01:00.0,id=hostpci4"});
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].driver == "pcie-root-port");
  CHECK(devices[1].id == "hostpci4");
  REQUIRE(devices[1].properties.size() == 1);
  CHECK(devices[1].properties[0].name == "host");
  CHECK(devices[1].properties[0].wished == "0000:01:00.0");
}

TEST_CASE("an honest QEMU: version, state, and every property compared") {
  FakeQemu qemu(begin + R"(answer '"0000:01:00.0"'
answer '"/machine/peripheral/ich9-pcie-port-1/ich9-pcie-port-1"'
answer 1
answer 1
answer 4318
answer true
answer '"vfio-pci"'
answer '{}'
)");
  qemu.trial.devices = {network_card()};
  QemuReport report = try_qemu(qemu.trial);
  CHECK(report.failure == "");
  CHECK(report.version == "9.1.4");
  CHECK(report.state == "prelaunch");
  REQUIRE(report.devices.size() == 1);
  for (const QemuProperty& p : report.devices[0].properties) {
    CHECK_MESSAGE(p.differs() == (p.name == "rombar"), p.name << " " << p.found);
    if (p.name == "rombar") CHECK(p.found == "1");
  }
  CHECK(qemu.is_gone());
}

TEST_CASE("a property that it does not know is left open; a device that is not there is a failure") {
  FakeQemu knows(begin +
                 "read -r q; echo '{\"error\": {\"class\": \"GenericError\", \"desc\": \"no property\"}, \"id\": 3}'; "
                 "n=3\nanswer '\"vfio-pci\"'\nanswer '{}'\n");
  knows.trial.devices = {{"vfio-pci", "hostpci0", {{"x-new", "1", ""}}}};
  QemuReport report = try_qemu(knows.trial);
  CHECK(report.failure == "");
  CHECK(report.devices[0].properties[0].found == "");
  FakeQemu lacks(begin +
                 "read -r q; echo '{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"no such device\"}, \"id\": "
                 "3}'\nexec sleep 60\n");
  lacks.trial.devices = {{"vfio-pci", "hostpci0", {}}};
  CHECK(try_qemu(lacks.trial).failure == "QEMU refuses `qom-get`: no such device");
  CHECK(lacks.is_gone());
}

TEST_CASE("noise on the monitor is passed over: events, garbage bytes, broken JSON") {
  FakeQemu qemu(R"(printf '\377\376\000garbage\n[1,2\n\n"text"\n{"event": "RESUME"}\n')"
                "\n" +
                begin + "printf '{\"return\": 5, \"id\": 77}\\n'\nanswer '{}'\n");
  QemuReport report = try_qemu(qemu.trial);
  CHECK(report.failure == "");
  CHECK(report.state == "prelaunch");
}

TEST_CASE("it dies early, and what it said is kept line by line") {
  FakeQemu qemu(
      "echo 'qemu: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: failed to open /dev/vfio/14: No such file or "
      "directory' >&2\necho >&2\nprintf 'last\\033[31m' >&2\nexit 1\n");
  QemuReport report = try_qemu(qemu.trial);
  CHECK(report.failure == "QEMU ended with status 1");
  REQUIRE(report.said.size() == 2);
  CHECK(report.said[0].ends_with("No such file or directory"));
  CHECK(report.said[1] == "last\x1b[31m");
  CHECK(qemu.is_gone());
}

TEST_CASE("a crash, and a program that is not there") {
  FakeQemu crash("kill -SEGV $$\n");
  CHECK(try_qemu(crash.trial).failure == "QEMU was ended by signal 11");
  FakeQemu absent("");
  absent.trial.program = absent.directory.path() + "/nothing";
  QemuReport report = try_qemu(absent.trial);
  CHECK(report.failure == "QEMU ended with status 127");
  REQUIRE_FALSE(report.said.empty());
  CHECK(report.said[0].ends_with("No such file or directory"));
}

TEST_CASE("it hangs: killed when the time is over, wherever that is") {
  QemuReport report;
  for (const std::string& script :
       {std::string("exec sleep 60\n"), std::string("greeting\nexec sleep 60\n"),
        begin + "trap '' TERM INT HUP\nexec sleep 60\n", std::string("exec 0<&- 1>&-\nexec sleep 60\n"),
        std::string("while :; do echo '{\"event\": \"X\"}'; done\n")}) {
    FakeQemu qemu(script, 1000);
    qemu.trial.devices = {network_card()};
    double seconds = seconds_of(qemu.trial, report);
    CHECK_MESSAGE(report.failure != "", script);
    CHECK_MESSAGE(seconds < 5, script);
    CHECK_MESSAGE(seconds > 0.8, script);
    CHECK(qemu.is_gone());
  }
  FakeQemu silent("exec sleep 60\n", 1000);
  CHECK(try_qemu(silent.trial).failure == "QEMU does not answer within 1 second: it was killed");
}

TEST_CASE("it ends with the program that started it, whatever ends that") {
  FakeQemu qemu("greeting\nexec sleep 60\n", 60000);
  pid_t starter = ::fork();
  if (starter == 0) {
    try_qemu(qemu.trial);
    ::_exit(0);
  }
  const std::string pid_file = qemu.directory.path() + "/pid";
  for (int i = 0; i < 500 && read_file(pid_file).empty(); ++i) ::usleep(10000);
  ::kill(starter, SIGKILL);
  ::waitpid(starter, nullptr, 0);
  auto pid = number(trim(read_file(pid_file)));
  REQUIRE(pid);
  // what it becomes a child of may be slow to take its zombie
  auto lives = [&] { return !read_file("/proc/" + std::to_string(*pid) + "/cmdline").empty(); };
  for (int i = 0; i < 500 && lives(); ++i) ::usleep(10000);
  CHECK_FALSE(lives());
}

TEST_CASE("a process that the kernel does not end is not waited for") {
  FakeQemu qemu("while [ ! -e \"$0-seized\" ]; do sleep 0.05; done\nexec sleep 60\n", 1500);
  const std::string pid_file = qemu.directory.path() + "/pid", seized = qemu.trial.program + "-seized";
  pid_t tracer = ::fork();  // what ended belongs to its tracer first, which never takes it
  if (tracer == 0) {
    while (read_file(pid_file).find('\n') == std::string::npos) ::usleep(10000);
    bool got = ::ptrace(PTRACE_SEIZE, std::stoi(read_file(pid_file)), nullptr, nullptr) == 0;
    std::ofstream(seized) << got;
    for (;;) ::pause();
  }
  QemuReport report;
  double seconds = seconds_of(qemu.trial, report);
  bool got = read_file(seized) == "1";
  ::kill(tracer, SIGKILL);
  ::waitpid(tracer, nullptr, 0);
  if (!got) {
    MESSAGE("left out: no process may be traced here");
    return;
  }
  const std::string pid(trim(read_file(pid_file)));
  CHECK(report.failure == "QEMU (process " + pid + ") was killed, and the kernel has not ended it yet: a device may keep it");
  CHECK(seconds > 3);
  CHECK(seconds < 6);
  CHECK(::waitpid(std::stoi(pid), nullptr, 0) == std::stoi(pid));
}

TEST_CASE("it does not end after `quit`: killed") {
  FakeQemu qemu(begin + "answer '{}'\nexec sleep 60\n", 1500);
  QemuReport report = try_qemu(qemu.trial);
  CHECK(report.failure == "");
  CHECK(qemu.is_gone());
}

TEST_CASE("endless talk costs no memory without end") {
  FakeQemu line("head -c 9000000 /dev/zero\nexec sleep 60\n", 20000);
  CHECK(try_qemu(line.trial).failure == "what QEMU's monitor says has no end");
  CHECK(line.is_gone());
  FakeQemu errors("head -c 9000000 /dev/zero | tr '\\0' 'x' >&2\nexit 3\n");
  QemuReport report = try_qemu(errors.trial);
  CHECK(report.failure == "QEMU ended with status 3");
  REQUIRE(report.said.size() == 1);
  CHECK(report.said[0].size() == 65536);
}

TEST_CASE("the machine around the lines: PVE's buses where its file is not installed") {
  MemoryFileSystem system;
  system.put("/usr/bin/qemu-system-x86_64", "");
  const std::vector<std::string> port1{"-device",
                                       "vfio-pci,host=0000:01:00.0,id=hostpci0,bus=ich9-pcie-port-1,addr=0x0"};
  QemuTrial q35 = qemu_trial(system, make_vm(100, "machine: pc-q35-8.1+pve0\nmemory: 2048\n"), port1, 2048);
  CHECK(q35.program == "/usr/bin/qemu-system-x86_64");
  CHECK(argument_after(q35, "-machine") == "pc-q35-8.1");
  CHECK(argument_after(q35, "-m") == "2048");
  CHECK(has(q35, "-S"));
  CHECK(has(q35, "-nodefaults"));
  CHECK(argument_after(q35, "-device").starts_with("pcie-root-port,id=ich9-pcie-port-1,"));
  CHECK(q35.arguments.back() == port1.back());

  const std::vector<std::string> bridge{"-device", "vfio-pci,host=0000:01:00.0,id=hostpci4,bus=pci.2,addr=0xd"};
  QemuTrial behind = qemu_trial(system, make_vm(100, "machine: q35\n"), bridge, 512);
  CHECK(has(behind, "i82801b11-bridge,id=pcidmi,bus=pcie.0,addr=1e.0"));
  CHECK(has(behind, "pci-bridge,id=pci.2,bus=pcidmi,addr=3.0,chassis_nr=3,shpc=off"));
  QemuTrial pc = qemu_trial(system, make_vm(100, "hostpci4: 0000:01:00.0\n"), bridge, 512);
  CHECK(argument_after(pc, "-machine") == "pc");
  CHECK(has(pc, "pci-bridge,id=pci.2,chassis_nr=2,bus=pci.0,addr=0x1f"));
  QemuTrial igd = qemu_trial(
      system, make_vm(100, "vga: none\nhostpci0: 0000:00:02.0,legacy-igd=1\nhostpci4: 0000:01:00.0\n"), bridge, 512);
  CHECK(has(igd, "pci-bridge,id=pci.2,chassis_nr=2,bus=pci.1,addr=0x1e"));
  CHECK(has(igd, "pci-bridge,id=pci.1,chassis_nr=1,bus=pci.0,addr=0x1e"));

  system.put("/usr/share/qemu-server/pve-q35-4.0.cfg", "");
  system.put("/usr/bin/kvm", "");
  QemuTrial installed = qemu_trial(system, make_vm(100, "machine: q35\n"), port1, 512);
  CHECK(installed.program == "/usr/bin/kvm");
  CHECK(argument_after(installed, "-readconfig") == "/usr/share/qemu-server/pve-q35-4.0.cfg");
  CHECK(argument_after(installed, "-device") == port1.back());
}

TEST_CASE("the installed QEMU makes PVE's machines, with a device of its own in the place of one of the host's") {
  auto system = real_file_system("/");
  REQUIRE(system);
  if (qemu_program(**system).empty()) {
    MESSAGE("left out: no QEMU is installed");
    return;
  }
  struct Machine {
    const char *vm, *bus, *address;
  };
  for (const Machine& m : {Machine{"machine: q35\n", "ich9-pcie-port-2", "0x0"},
                           Machine{"machine: q35\n", "pci.0", "0x10"}, Machine{"machine: q35\n", "pci.2", "0xd"},
                           Machine{"memory: 128\n", "pci.0", "0x1c"}, Machine{"memory: 128\n", "pci.2", "0xd"},
                           Machine{"vga: none\nhostpci0: 0000:00:02.0,legacy-igd=1\n", "pci.2", "0xd"}}) {
    std::string device =
        std::string("pci-testdev,id=hostpci0,bus=") + m.bus + ",addr=" + m.address + ",rombar=0,multifunction=on";
    QemuTrial trial = qemu_trial(**system, make_vm(100, m.vm), {"-device", device}, 128);
    QemuReport report = try_qemu(trial);
    CHECK_MESSAGE(report.failure == "", m.vm << join(report.said, "\n"));
    for (const std::string& line : report.said)
      CHECK_MESSAGE(line.find("-device") == line.npos, line);  // of the processor it may warn
    CHECK(report.state == "prelaunch");
    REQUIRE(report.devices.size() == 1);
    for (const QemuProperty& p : report.devices[0].properties)
      CHECK_MESSAGE(p.found == p.wished, p.name << "=" << p.found);
  }
}

TEST_CASE("the installed QEMU refuses what is not there, in its own words") {
  auto system = real_file_system("/");
  REQUIRE(system);
  if (qemu_program(**system).empty()) return;  // told above
  QemuTrial trial = qemu_trial(**system, make_vm(100, "machine: q35\n"),
                               {"-device", "vfio-pci,host=ffff:ff:1f.7,id=hostpci0,bus=pcie.0,addr=0x10"}, 64);
  QemuReport report = try_qemu(trial);
  CHECK(report.failure == "QEMU ended with status 1");
  REQUIRE_FALSE(report.said.empty());
  CHECK(report.said.back().find("ffff:ff:1f.7") != std::string::npos);
}
