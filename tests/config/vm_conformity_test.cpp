// What Proxmox VE reads in each recorded configuration, section by section, against what it would write back.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "../support/temporary.hpp"
#include "../support/vm_values.hpp"
#include "config/vm.hpp"
#include "text/digest.hpp"

using namespace hostpci;
using hostpci::test::Sections;

namespace {

/// Cases in which PVE's text, which it makes when it writes, is not what it has read; with the reason.
const std::map<std::string, std::string> deliberate = {
    {"1080-unused-readd",
     "PVE drops an unusedN whose volume is in use when it writes; `config` shows what stands in the file"},
    {"1031-bool-spellings", "acpi, autostart and freeze are no keys of `set`: shown as they stand, PVE writes 1 and 0"},
    {"1078-drive-bad",
     "scsiN is no key of `set`: the last line that parses is shown, PVE drops what its drive schema refuses"},
    {"1030-bad-values", "cpulimit is no key of `set`: shown as it stands, PVE drops a value that is no number"},
};

std::vector<std::filesystem::path> cases() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(FIXTURES "/corpus/vm-configs"))
    if (entry.path().extension() == ".conf") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

Vm read(const std::filesystem::path& path, std::string text) {
  std::string name = path.stem().string();
  return read_vm(make_source("/etc/pve/qemu-server/" + name.substr(0, 4) + ".conf", std::move(text)));
}

}  // namespace

TEST_CASE(
    "every recorded configuration reads as Proxmox VE reads it, or stands in the list of deliberate differences") {
  std::size_t compared = 0;
  std::set<std::string> different;
  for (const auto& path : cases()) {
    std::filesystem::path written = path;
    written.replace_extension(".roundtrip");
    if (!std::filesystem::exists(written)) continue;
    Vm vm = read(path, test::read_file(path.string()));
    Vm expected = read(path, test::read_file(written.string()));
    ++compared;
    if (test::sections_of(vm) == test::sections_of(expected)) continue;
    different.insert(path.stem().string());
    CHECK_MESSAGE(deliberate.count(path.stem().string()), path.stem().string(), ":\n", test::show(vm), "but PVE has:\n",
                  test::show(expected));
  }
  CHECK(compared >= 65);
  for (const auto& known : deliberate)
    CHECK_MESSAGE(different.count(known.first), known.first, " no longer differs (", known.second, ")");
}

TEST_CASE("the digest is the one that Proxmox VE computes") {
  for (const auto& path : cases()) {
    std::filesystem::path record = path;
    record.replace_extension(".json");
    std::string json = test::read_file(record.string());
    std::string digest = sha1_hex(test::read_file(path.string()));
    CHECK_MESSAGE(json.find("\"digest\":\"" + digest + "\"") != std::string::npos, path.stem().string());
  }
}

TEST_CASE("a line that Proxmox VE warns about is among the dropped ones") {
  for (const auto& path : cases()) {
    std::filesystem::path record = path;
    record.replace_extension(".json");
    bool warned = test::read_file(record.string()).find("\"warnings\":[]") == std::string::npos;
    Vm vm = read(path, test::read_file(path.string()));
    bool dropped =
        std::any_of(vm.sections.begin(), vm.sections.end(), [](const VmSection& s) { return !s.dropped.empty(); });
    bool duplicate = path.stem().string().find("dup") != std::string::npos;
    if (warned && !duplicate && !deliberate.count(path.stem().string())) CHECK_MESSAGE(dropped, path.stem().string());
    if (!warned) CHECK_MESSAGE(!dropped, path.stem().string(), "\n", test::show(vm));
  }
}
