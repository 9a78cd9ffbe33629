// False alarms are bugs of the first rank: every VM of fixtures/healthy, alone on its host, gives no warning and no error.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "../support/temporary.hpp"
#include "config/boot_config.hpp"
#include "diag/render.hpp"
#include "host/snapshot.hpp"
#include "rules/lint.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/healthy";

Host load(const fs::path& path) {
  Sink sink;
  auto host = read_snapshot(make_source(path.filename(), test::read_file(path)), sink);
  for (const Diagnostic& d : sink.diagnostics) MESSAGE(render_text(d, false));
  REQUIRE(host);
  return *host;
}

/// The warnings and errors of a lint, as text.
std::string alarms(const Host& host, std::vector<Vm> vms) {
  Mappings mappings;
  if (const std::string* text = host.file("/etc/pve/mapping/pci.cfg")) mappings = read_mappings(make_source("/etc/pve/mapping/pci.cfg", *text));
  BootConfig boot = read_boot_config(host.files);
  Facts facts = make_facts(host, mappings, boot, vms);
  std::vector<Diagnostic> found = lint(facts, {});
  std::erase_if(found, [](const Diagnostic& d) { return d.severity == Severity::info; });
  return found.empty() ? "" : render_text(make_report(found, vms.size(), 0), false);
}

std::vector<fs::path> sorted(const fs::path& directory, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.path().extension() == extension) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

TEST_CASE("healthy VMs on healthy hosts give no warning and no error") {
  std::size_t count = 0;
  for (const fs::path& path : sorted(folder, ".yaml")) {
    Host host = load(path);
    CHECK(alarms(host, {}) == "");
    for (const fs::path& conf : sorted(folder / path.stem(), ".conf")) {
      ++count;
      Vm vm = read_vm(make_source("/etc/pve/qemu-server/" + conf.filename().string(), test::read_file(conf)));
      CHECK_MESSAGE(alarms(host, {vm}) == "", conf.string());
    }
  }
  CHECK(count >= 60);
}
