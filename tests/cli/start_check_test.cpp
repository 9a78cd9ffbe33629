// `start-check` as it is run: lines, JSON in doctor's form, exit statuses, where QEMU may not be started, bytes of a
// stranger.
#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "../support/process.hpp"
#include "../support/schema.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

const std::string fixtures = FIXTURES;

/// The example host with one VM.
Ran start_check(const std::string& vm, std::vector<std::string> more = {}) {
  TemporaryDirectory directory;
  directory.write("etc/pve/qemu-server/100.conf", vm);
  std::vector<std::string> arguments{
      "--root", directory.path(), "--host", fixtures + "/hosts/example.yaml", "start-check", "100"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_hostpci(arguments);
}

constexpr const char* gpu = "machine: q35\nmemory: 4096\nhostpci0: 0000:01:00,pcie=1,romfile=gtx1080.rom\n";

}  // namespace

TEST_CASE("a VM that would start, judged by a snapshot: what is not known is said") {
  Ran ran = start_check(gpu);
  CHECK(ran.status == 0);
  CHECK(ran.err == "");
  for (const char* line :
       {"PASS     vm             VM 100 does not run", "PASS     configuration  Proxmox VE takes 1 hostpci line",
        "PASS     rom            every ROM file",
        "a prediction, for this is not the running host [/dev/vfio/2: not asked]",
        "UNKNOWN  memory         4096 MiB to pin; how much is free is not known"})
    CHECK_MESSAGE(ran.out.find(line) != std::string::npos, line << " in\n" << ran.out);
  CHECK(ran.out.ends_with("nothing speaks against a start, 1 unknown\n"));
}

TEST_CASE("a VM that not ready to start: exit status 1, JSON as doctor's") {
  Ran ran = start_check("hostpci0: 0000:01:00,pcie=1\nhostpci1: 0000:00:17.0\n", {"--format", "json"});
  CHECK(ran.status == 1);
  CHECK(schema_faults(std::string(SOURCE_DIR) + "/schemas/doctor.schema.json", ran.out) == "");
  json::value all = json::parse(ran.out);
  CHECK(all.at("vmid") == 100);
  CHECK(all.at("verdict").at("status") == "FAIL");
  CHECK(all.at("verdict").at("ready") == false);
  CHECK(all.at("checks").at(1).at("rules").at(0) == "vm-pcie-needs-q35");
}

TEST_CASE("pending changes count, as the next start applies them") {
  CHECK(start_check("machine: q35\nhostpci0: 0000:09:00.0\n[PENDING]\nhostpci0: 0000:01:00,pcie=1\n").status == 0);
  CHECK(start_check(std::string(gpu) + "[PENDING]\nmachine: pc\n").status == 1);
}

TEST_CASE("a template, and a VM without a hostpci line") {
  Ran template_vm = start_check(std::string(gpu) + "template: 1\n");
  CHECK(template_vm.status == 1);
  CHECK(template_vm.out.ends_with("not ready to start: VM 100 is a template: it is cloned, never started\n"));
  CHECK(start_check("name: plain\n").out.find("VM 100 has no hostpci line") != std::string::npos);
}

TEST_CASE("wrong usage and what is refused") {
  CHECK(run_hostpci({"start-check"}).status == 2);
  CHECK(start_check(gpu, {"--timeout", "soon"}).status == 2);
  Ran elsewhere = start_check(gpu, {"--qemu"});
  CHECK(elsewhere.status == 3);
  CHECK(elsewhere.out == "");
  CHECK(elsewhere.err.find("starts a QEMU on the running host") != std::string::npos);
  TemporaryDirectory empty;
  CHECK(run_hostpci({"--root", empty.path(), "start-check", "100"}).status == 3);
}

TEST_CASE("no byte of a configuration reaches the terminal as a command to it") {
  Ran ran = start_check("machine: q35\nlock: \x1b]0;x\x07\nhostpci0: 0000:01:00\n");
  CHECK(ran.out.find('\x1b') == std::string::npos);
  CHECK(ran.out.find("\\x1b") != std::string::npos);
}

TEST_CASE("this host: a VM without lines is tried on the installed QEMU, and nothing is left behind") {
  TemporaryDirectory directory;
  directory.write("900.conf", "machine: q35\nmemory: 64\n");
  Ran ran = run_hostpci({"start-check", directory.path() + "/900.conf", "--qemu", "--timeout", "60"});
  if (ran.out.find("none is installed") != std::string::npos ||
      ran.out.find("only machines of x86_64") != std::string::npos) {
    MESSAGE("left out: no QEMU for this host is installed");
    return;
  }
  CHECK_MESSAGE(ran.status == 0, ran.out);
  CHECK(ran.out.find("took every device; it stood at `prelaunch`") != std::string::npos);
  CHECK(run_program({"pgrep", "-f", "qmp stdio -m 64 -machine q35"}).out == "");
}
