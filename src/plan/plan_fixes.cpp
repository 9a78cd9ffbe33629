// Which of lint's fixes a plan carries out, and the carrying out.
#include <algorithm>
#include <span>

#include "plan/parts.hpp"

namespace hostpci {
namespace {

/// Rules about files of the boot set-up whose fixes are edits of those files. What concerns the kernel command line,
/// lists of modules and new entries goes through the draft of the boot set-up instead, which knows every place where
/// they may stand.
constexpr std::string_view file_rules[] = {
    "setup-softdep-invalid",   "setup-ids-syntax",       "setup-ids-with-mdev",         "setup-blacklist-pattern",
    "setup-sysfs-conf-unused", "host-unsafe-interrupts", "setup-kernel-cmdline-format", "setup-kernel-cmdline-no-root"};

/// Of findings that are no errors, fixes that the guest notices and that a plan makes all the same: a pinned guest
/// cannot balloon.
constexpr std::string_view noticed_rules[] = {"vm-balloon-useless"};

bool holds(std::span<const std::string_view> list, std::string_view rule) {
  return std::find(list.begin(), list.end(), rule) != list.end();
}

/// Errors are mended, even where the guest notices: without it the VM does not start. All else only where it does not
/// notice.
bool wanted_of_vm(const Diagnostic& finding) {
  return finding.severity == Severity::error || finding.fix->safety == Safety::safe ||
         holds(noticed_rules, finding.rule);
}

bool takes(Workspace& work, const Diagnostic& finding) {
  if (finding.rule == "host-unsafe-interrupts" && work.goal.unsafe_interrupts) return false;
  return finding.vm ? work.wants(*finding.vm) && wanted_of_vm(finding) : holds(file_rules, finding.rule);
}

bool may_change(Workspace& work, const std::string& path) {
  if (!work.is_vm_file(path)) return work.text(path) != nullptr && path.starts_with("/etc/");
  const VmFacts* vm = work.facts().vm(vmid_of_path(path));
  return vm && work.may_change(*vm);
}

/// "set `balloon: 0` (vm-balloon-useless)"; the commands that a title ends with are the plan's own business.
std::string reason(const Diagnostic& finding) {
  std::string title = finding.fix->title;
  for (std::string_view tail : {", run `", "; run `", ", then `"})
    if (std::size_t at = title.find(tail); at != title.npos) title.erase(at);
  return title + " (" + finding.rule + ")";
}

std::vector<std::string> reasons_for(const std::string& path, const std::vector<Diagnostic>& mended) {
  std::vector<std::string> reasons;
  for (const Diagnostic& finding : mended) {
    const auto& edits = finding.fix->edits;
    if (std::any_of(edits.begin(), edits.end(), [&](const FileEdit& e) { return e.file == path; }))
      reasons.push_back(reason(finding));
  }
  return reasons;
}

}  // namespace

std::vector<Diagnostic> findings_of_rule(Workspace& work, std::string_view rule) {
  std::vector<Diagnostic> found;
  for (Diagnostic& finding : work.lint_with({}))
    if (finding.rule == rule) found.push_back(std::move(finding));
  return found;
}

void plan_fixes(Workspace& work) {
  FixChoice choice;
  choice.may_change = [&](const std::string& path) { return may_change(work, path); };
  choice.takes = [&](const Diagnostic& finding) { return takes(work, finding); };
  Fixed fixed = carry_out_fixes([&](const Texts& texts) { return work.lint_with(texts); },
                                [&](const std::string& path) { return work.text(path); }, choice);
  for (const auto& [path, text] : fixed.texts) work.put(path, text, reasons_for(path, fixed.mended));
}

}  // namespace hostpci
