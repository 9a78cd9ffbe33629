// fixtures/cases/RULE: a host and VMs for which the rule speaks, with the whole report, and a clean pair for which
// nothing does. HOSTPCI_BLESS=1 rewrites every expected.txt, HOSTPCI_BLESS=vm-args those of rules that begin so.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "diag/render.hpp"
#include "rules/rule.hpp"
#include "text/words.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

const fs::path folder = FIXTURES "/cases";

bool blessing(const std::string& rule) {
  const char* which = std::getenv("HOSTPCI_BLESS");
  return which && (std::string(which) == "1" || rule.compare(0, std::string(which).size(), which) == 0);
}

/// The directory's VMs: files that are called VMID.conf.
std::vector<Vm> vms_in(const fs::path& directory) {
  std::vector<Vm> vms;
  for (const fs::path& path : test::sorted_entries(directory))
    if (std::uint32_t vmid = vmid_of_path(path.string()))
      vms.push_back(test::make_vm(vmid, test::read_file(path.string())));
  return vms;
}

Report report_of(const fs::path& directory, const fs::path& host) {
  return test::lint_report(test::load_host(host), vms_in(directory));
}

void check_failing(const fs::path& directory, const std::string& rule) {
  Report report = report_of(directory, directory / "host.yaml");
  std::string text = render_text(report, false);
  fs::path expected = directory / "expected.txt";
  if (blessing(rule)) std::ofstream(expected, std::ios::binary) << text;
  CHECK_MESSAGE(test::count_rule(report, rule) > 0, text);
  CHECK(text == test::read_file(expected.string()));
}

void check_clean(const fs::path& directory, const std::string& rule) {
  fs::path own = directory / "clean/host.yaml";
  Report report = report_of(directory / "clean", fs::exists(own) ? own : directory / "host.yaml");
  std::string text = render_text(report, false);
  CHECK_MESSAGE(test::count_rule(report, rule) == 0, text);
  CHECK_MESSAGE(report.summary.errors == 0, text);
  CHECK_MESSAGE(report.summary.warnings == 0, text);
}

}  // namespace

TEST_CASE("every case says what is expected, and its clean pair is silent") {
  for (const fs::path& directory : test::sorted_entries(folder)) {
    std::string rule = directory.filename().string();
    CAPTURE(rule);
    CHECK_MESSAGE(find_rule(rule), "a case for a rule that does not exist");
    check_failing(directory, rule);
    CHECK(fs::is_directory(directory / "clean"));
    if (fs::is_directory(directory / "clean")) check_clean(directory, rule);
  }
}

TEST_CASE("every rule has a case") {
  for (const Rule* rule : catalogue()) CHECK_MESSAGE(fs::is_directory(folder / rule->id), std::string(rule->id));
}

// udev loads the drivers there before the list is read (tests/boot, host `cards`).
TEST_CASE("that the initramfs lists vfio-pci is no order of drivers") {
  fs::path directory = folder / "setup-softdep-missing";
  Host host = test::load_host(directory / "host.yaml");
  host.files["/etc/initramfs-tools/modules"] = "vfio-pci\n";
  Report report = test::lint_report(host, vms_in(directory));
  CHECK_MESSAGE(test::count_rule(report, "setup-softdep-missing") == 2, render_text(report, false));
}
