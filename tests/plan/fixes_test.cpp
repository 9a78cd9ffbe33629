// Every fix is proved: on each case of fixtures/cases that offers one, the same lint is clean of what was fixed, and a
// second round finds nothing to do.
#include "plan/fixes.hpp"

#include <doctest/doctest.h>

#include <set>

#include "../support/linted.hpp"
#include "../support/temporary.hpp"
#include "rules/rule.hpp"

using namespace hostpci;
namespace fs = std::filesystem;

namespace {

/// The files of one case: VMs by path, the host's by theirs.
class Case {
 public:
  explicit Case(const fs::path& directory) : host_(test::load_host(directory / "host.yaml")) {
    for (const fs::path& path : test::sorted_entries(directory))
      if (std::uint32_t vmid = vmid_of_path(path.string()))
        vms_.push_back(test::make_vm(vmid, test::read_file(path.string())));
  }

  std::vector<Diagnostic> lint(const Texts& changed) const {
    Host host = host_;
    for (const auto& [path, text] : changed)
      if (auto file = host.files.find(path); file != host.files.end()) file->second = text;
    std::vector<Vm> vms;
    for (const Vm& vm : vms_) {
      auto text = changed.find(vm.source->path);
      vms.push_back(text == changed.end() ? vm : test::make_vm(vm.vmid, text->second));
    }
    return test::lint_report(host, vms).diagnostics;
  }

  const std::string* original(const std::string& path) const {
    for (const Vm& vm : vms_)
      if (vm.source->path == path) return &vm.source->text;
    return host_.file(path);
  }

 private:
  Host host_;
  std::vector<Vm> vms_;
};

bool has_edits(const Diagnostic& d) { return d.fix && !d.fix->edits.empty() && d.fix->safety != Safety::shown; }

std::size_t fixable(const std::vector<Diagnostic>& findings, const std::string& rule) {
  std::size_t n = 0;
  for (const Diagnostic& d : findings) n += d.rule == rule && has_edits(d);
  return n;
}

Fixed fix_all(const Case& files, const Texts& start) {
  FixChoice choice;
  choice.unsafe = true;
  auto relint = [&](const Texts& changed) {
    Texts texts = start;
    for (const auto& [path, text] : changed) texts[path] = text;
    return files.lint(texts);
  };
  auto original = [&](const std::string& path) {
    auto text = start.find(path);
    return text == start.end() ? files.original(path) : &text->second;
  };
  return carry_out_fixes(relint, original, choice);
}

}  // namespace

TEST_CASE("after a fix the same lint is clean of that finding, and a second run changes nothing") {
  std::size_t proved = 0;
  for (const fs::path& directory : test::sorted_entries(FIXTURES "/cases")) {
    std::string rule = directory.filename().string();
    CAPTURE(rule);
    Case files(directory);
    if (fixable(files.lint({}), rule) == 0) continue;
    ++proved;
    Fixed fixed = fix_all(files, {});
    CHECK(fixed.fixes > 0);
    CHECK(fixable(fixed.findings, rule) == 0);
    CHECK(fix_all(files, fixed.texts).texts.empty());
  }
  CHECK(proved >= 40);
}

TEST_CASE("a rule that the catalogue calls automatic offers an edit in its case") {
  // Mended by a command (a refresh, a rename) or by a choice between two parameters: the help says which.
  const std::set<std::string_view> commands = {"setup-cmdline-not-running", "setup-grub-cfg-stale", "setup-gvt-guc-conflict",
                                               "setup-initramfs-stale", "setup-modprobe-suffix"};
  for (const Rule* rule : catalogue()) {
    if (rule->fixable != Fixable::automatic) continue;
    std::vector<Diagnostic> findings = Case(fs::path(FIXTURES "/cases") / rule->id).lint({});
    CAPTURE(rule->id);
    if (!commands.count(rule->id)) CHECK(fixable(findings, std::string(rule->id)) > 0);
    else
      for (const Diagnostic& d : findings) CHECK((d.rule != rule->id || !d.help.empty()));
  }
}
