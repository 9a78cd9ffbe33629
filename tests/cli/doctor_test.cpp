// `doctor` as it is run: lines, JSON against its schema, exit status, real kernels, an unreadable world.
#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "../support/process.hpp"
#include "../support/schema.hpp"
#include "../support/temporary.hpp"

using namespace hostpci::test;
namespace json = boost::json;

namespace {

const std::string fixtures = FIXTURES;

Ran demo(std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"--root", fixtures + "/demo", "--host", fixtures + "/demo/host.yaml", "doctor"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_hostpci(arguments);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The whole line of a check.
std::string line_of(const std::string& out, const std::string& check) {
  for (const std::string& line : lines_of(out))
    if (line.find("  " + check + " ") != std::string::npos) return line;
  return "";
}

Ran capture(const std::string& name, const TemporaryDirectory& directory, std::vector<std::string> more = {}) {
  unpack("captures/" + name + ".tar.xz", directory.path());
  std::vector<std::string> arguments{"--root", directory.path(), "doctor"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_hostpci(arguments);
}

}  // namespace

TEST_CASE("the demo host fails, one aligned line a check, and the verdict last") {
  Ran ran = demo();
  CHECK(ran.status == 1);
  CHECK(ran.err.empty());
  std::vector<std::string> lines = lines_of(ran.out);
  REQUIRE(lines.size() > 10);
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    bool status = false;
    for (const char* word : {"PASS     ", "WARN     ", "FAIL     ", "UNKNOWN  "}) status |= lines[i].starts_with(word);
    CHECK_MESSAGE(status, lines[i]);
    CHECK_MESSAGE(lines[i].substr(9 + 19, 2) == "  ", lines[i]);
    CHECK_MESSAGE(lines[i][9 + 19 + 2] != ' ', lines[i]);
  }
  CHECK(lines.back().starts_with("FAIL     not ready: "));
  CHECK(line_of(ran.out, "boot-files").find("mend: ") != std::string::npos);
  CHECK(line_of(ran.out, "dead-advice").find("/etc/modules:4: vfio_virqfd") != std::string::npos);
  CHECK(demo().out == ran.out);
}

TEST_CASE("a healthy host exits 0") {
  Ran ran = run_hostpci({"--host", fixtures + "/hosts/example.yaml", "doctor"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("FAIL") == std::string::npos);
  CHECK(lines_of(ran.out).back() == "PASS     ready for passthrough; no VM of this node uses it yet");
}

TEST_CASE("JSON agrees with the schema and with the text") {
  Ran ran = demo({"--format", "json"});
  CHECK(ran.status == 1);
  CHECK(schema_faults(std::string(SOURCE_DIR) + "/schemas/doctor.schema.json", ran.out) == "");
  json::object all = json::parse(ran.out).as_object();
  CHECK(all["verdict"].at("ready").as_bool() == false);
  std::string text = demo().out;
  std::size_t fails = 0;
  for (const json::value& check : all["checks"].as_array()) {
    std::string name(check.at("name").as_string());
    CHECK_MESSAGE(line_of(text, name).starts_with(std::string(check.at("status").as_string())), name);
    fails += check.at("status").as_string() == "FAIL";
  }
  CHECK(all["verdict"].at("fail").to_number<std::size_t>() == fails);
}

TEST_CASE("kernels with an IOMMU pass the check, of Intel and of AMD") {
  for (const auto& [name, iommu] : {std::pair{"clean-boot", "dmar0"}, {"amd-boot", "ivhd0"}}) {
    TemporaryDirectory directory;
    Ran ran = capture(name, directory);
    CHECK(ran.status == 0);
    CHECK_MESSAGE(line_of(ran.out, "iommu").starts_with("PASS"), ran.out);
    CHECK(line_of(ran.out, "iommu").find(std::string("/sys/class/iommu: ") + iommu) != std::string::npos);
  }
}

TEST_CASE("a kernel without an IOMMU: the reason, and a failure once a VM asks for one") {
  TemporaryDirectory directory;
  Ran ran = capture("noiommu-boot", directory);
  CHECK(ran.status == 0);
  CHECK(line_of(ran.out, "iommu").starts_with("WARN"));
  CHECK(line_of(ran.out, "iommu").find("itself a virtual machine") != std::string::npos);
  directory.write("etc/pve/qemu-server/100.conf", "hostpci0: 0000:01:00.0\n");
  Ran asked = run_hostpci({"--root", directory.path(), "doctor"});
  CHECK(asked.status == 1);
  CHECK(line_of(asked.out, "iommu").starts_with("FAIL"));
}

TEST_CASE("what makes a change count is the host's own: its boot entries, not update-grub") {
  Ran ran = run_hostpci({"--host", std::string(FIXTURES) + "/plans/boot-entries/host.yaml", "doctor"});
  CHECK(ran.out.find("`grubby --update-kernel=ALL --args=…|--remove-args=…") != std::string::npos);
  CHECK(ran.out.find("update-grub") == std::string::npos);
}

TEST_CASE("an empty root fails nothing") {
  TemporaryDirectory directory;
  Ran ran = run_hostpci({"--root", directory.path(), "doctor"});
  CHECK(ran.status == 0);
  CHECK(ran.out.find("FAIL") == std::string::npos);
  CHECK(lines_of(ran.out).back().starts_with("UNKNOWN  not known"));
}

TEST_CASE("the machine that runs the tests is judged without a message or a crash") {
  Ran ran = run_hostpci({"doctor"});
  CHECK(ran.status <= 1);
  bool container = ran.out.find("this is a container") != std::string::npos;
  CHECK(lines_of(ran.out).size() == (container ? 3 : lines_of(demo().out).size()));
}

TEST_CASE("control characters of files do not reach the terminal") {
  TemporaryDirectory directory;
  directory.write("proc/cmdline", "BOOT_IMAGE=/x pcie_acs_override=downstream\x1b[31m\n");
  directory.write("etc/default/grub", "GRUB_CMDLINE_LINUX=\"\"\n");
  for (const char* format : {"text", "json"}) {
    Ran ran = run_hostpci({"--root", directory.path(), "doctor", "--format", format});
    CHECK(ran.out.find("pcie_acs_override") != std::string::npos);
    CHECK(ran.out.find('\x1b') == std::string::npos);
  }
}
