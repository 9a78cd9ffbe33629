// The checks of `doctor`, in the order in which a host comes up, and the verdict over them.
#include "rules/readiness.hpp"

#include <algorithm>
#include <set>

#include "rules/boot_homes.hpp"
#include "rules/lint.hpp"
#include "rules/readiness_parts.hpp"
#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Checks that are lint's findings under these rules, in the words of the rules.
struct RuleCheck {
  std::string_view name;
  std::string_view clean;  ///< what to say if there is no finding
  std::vector<std::string_view> rules;
};

const std::vector<RuleCheck>& rule_checks() {
  static const std::vector<RuleCheck> all = {
      {"boot-files",
       "sound, and read by the boot loader that is in use",
       {"setup-grub-syntax", "setup-kernel-cmdline-format", "setup-kernel-cmdline-no-root",
        "setup-grub-old-menu", "setup-wrong-bootloader-file"}},
      {"command-line",
       "the running kernel has what is configured",
       {"setup-cmdline-not-running", "setup-grub-cfg-stale"}},
      {"parameters",
       "every passthrough parameter means something to the kernel",
       {"setup-acs-value", "setup-intel-iommu-value", "setup-iommu-value", "setup-param-case", "setup-video-comma"}},
      {"dead-advice",
       "none of what old guides advise and no longer works",
       {"setup-amd-iommu-on", "setup-pci-stub", "setup-vfio-virqfd", "setup-video-off-obsolete", "setup-wrong-vendor-iommu"}},
      {"vfio-ids",
       "`ids=` of vfio-pci takes no device that the host needs",
       {"setup-ids-catches-host", "setup-ids-split", "setup-ids-syntax", "setup-ids-unknown"}},
      {"devices",
       "",
       {"cluster-mapping-id", "cluster-mapping-iommugroup", "cluster-mapping-mdev-flag", "cluster-mapping-not-found",
        "cluster-mapping-path-gone", "cluster-mapping-subsystem", "device-boot-controller", "device-device-missing",
        "device-disks-in-use", "device-group-not-viable", "device-group-shared", "device-is-bridge", "device-mgmt-nic",
        "device-no-iommu-group", "device-vf-not-created"}},
  };
  return all;
}

bool is_unknown(const Diagnostic& d) {
  return d.message.size() > not_judged.size() &&
         d.message.compare(d.message.size() - not_judged.size(), not_judged.size(), not_judged) == 0;
}

Evidence evidence_of(const Diagnostic& d) {
  Evidence e{d.place.file(), ""};
  if (!d.place.source) return e;
  e.path += ":" + std::to_string(d.place.source->position(d.place.span.begin).line);
  std::string_view text = slice(d.place.source->text, d.place.span);
  e.value = std::string(text.substr(0, text.find('\n')));
  return e;
}

std::vector<std::string> commands_for(const Facts& facts, const Diagnostic& d) {
  const std::string& file = d.place.file();
  if (file.rfind("/etc/default/grub", 0) == 0 || file == "/etc/kernel/cmdline" || file == "/proc/cmdline")
    return refresh_commands(facts);
  if (file.rfind("/etc/modprobe.d", 0) == 0 || file.rfind("/etc/initramfs-tools", 0) == 0)
    return {initramfs_refresh(facts), "reboot"};
  return {"hostpci explain " + d.rule};
}

std::string mend_of(const Diagnostic& d) {
  if (!d.help.empty()) return d.help.front();
  if (d.fix && !d.fix->title.empty()) return d.fix->title;
  const Rule* rule = find_rule(d.rule);
  return rule ? std::string(rule->fix) : "";
}

/// The worst finding speaks; the others are counted, and each gives its place.
void tell(const Facts& facts, std::vector<Diagnostic>& found, Check& check) {
  std::stable_sort(found.begin(), found.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return a.severity > b.severity; });
  const Diagnostic& worst = found.front();
  check.status = worst.severity == Severity::error ? fault(facts) : CheckStatus::warn;
  check.message = worst.message;
  if (worst.vm) check.message = "VM " + std::to_string(*worst.vm) + ": " + check.message;
  if (found.size() > 1) check.message += "; " + std::to_string(found.size() - 1) + " more: `hostpci lint`";
  check.mend = mend_of(worst);
  check.commands = commands_for(facts, worst);
  std::set<std::string> rules;
  check.evidence.clear();
  for (const Diagnostic& d : found) {
    if (rules.insert(d.rule).second) check.rules.push_back(d.rule);
    Evidence e = evidence_of(d);
    if (check.evidence.size() < 3 && std::find(check.evidence.begin(), check.evidence.end(), e) == check.evidence.end())
      check.evidence.push_back(std::move(e));
  }
}

Check check_rules(const Facts& facts, const RuleCheck& row, const std::vector<Diagnostic>& all) {
  Check check = passed(row.name, std::string(row.clean), {});
  std::vector<Diagnostic> found;
  for (const Diagnostic& d : all) {
    if (std::find(row.rules.begin(), row.rules.end(), d.rule) == row.rules.end()) continue;
    if (!is_unknown(d))
      found.push_back(d);
    else if (check.status == CheckStatus::pass)
      check = unknown(row.name, d.message, d.place.file());
  }
  if (!found.empty()) tell(facts, found, check);
  return check;
}

std::vector<Evidence> files_of(const Facts& facts, std::string_view name) {
  const BootConfig& boot = *facts.boot;
  std::vector<Evidence> read;
  auto add = [&](const std::string& path) {
    if (boot.source(path)) read.push_back({path, "read"});
  };
  if (name == "vfio-ids") {
    std::vector<std::string> ids = boot.vfio_ids();
    return {{"/etc/modprobe.d", ids.empty() ? "no ids= for vfio-pci" : "ids=" + join(ids, ",")}};
  }
  if (name == "dead-advice") add("/etc/modules");
  add(next_file(facts));
  if (name != "boot-files" && facts.host->kernel.command_line) read.push_back({"/proc/cmdline", "read"});
  return read;
}

/// Is there a file that configures the command line, and is it known which?
Check no_file(const Facts& facts, std::string_view name) {
  std::string path = next_file(facts);
  std::string value = facts.host->unreadable.count(path) ? "could not be read"
                      : facts.host->file(path)           ? "there"
                                                         : "not there";
  if (facts.bootloader == Bootloader::unknown)
    return unknown(name, "not judged while the boot loader is not known", path, value);
  return unknown(name, "the file that configures the command line is not known", path, value);
}

/// Nothing was found; was there anything to look at?
void judge_sources(const Facts& facts, Check& check) {
  if (check.status != CheckStatus::pass) return;
  check.evidence = files_of(facts, check.name);
  bool needs_file = check.name == "boot-files" || check.name == "command-line";
  bool started = facts.host->kernel.command_line.has_value();
  if (check.name == "command-line" && !started)
    check = unknown(check.name, "what the running kernel was started with is not known", "/proc/cmdline");
  else if (needs_file && !next_arguments(facts))
    check = no_file(facts, check.name);
}

/// The lines of this node's VMs.
void judge_lines(const Facts& facts, const std::string& unread, Check& check) {
  std::size_t lines = 0, vms = 0;
  for (const VmFacts& vm : facts.vms)
    if (!vm.foreign && !vm.assignments.empty()) lines += vm.assignments.size(), ++vms;
  if (check.status != CheckStatus::pass) return;
  const std::string path = "/etc/pve/qemu-server";
  if (!unread.empty()) {
    check = unknown(check.name, "not every VM's configuration could be read: " + unread, path);
  } else if (lines == 0) {
    check.message = "no VM of this node has a hostpci line: nothing to judge";
    check.evidence = {{path, "no hostpci line"}};
  } else {
    check.message = "every device is there, and the host loses nothing that it needs";
    check.evidence = {{path, count(lines, "hostpci line") + " of " + count(vms, "VM")}};
  }
}

}  // namespace

std::string_view name(CheckStatus status) {
  constexpr std::string_view names[] = {"PASS", "WARN", "FAIL", "UNKNOWN"};
  return names[std::size_t(status)];
}

bool needs_passthrough(const Facts& facts) { return is_pve(facts) || uses_passthrough(facts); }

Check unknown(std::string_view name, std::string message, std::string path, std::string value) {
  return {name, CheckStatus::unknown, std::move(message), {{std::move(path), std::move(value)}}, "", {}, "", "", {}};
}

Check passed(std::string_view name, std::string message, std::vector<Evidence> evidence) {
  return {name, CheckStatus::pass, std::move(message), std::move(evidence), "", {}, "", "", {}};
}

CheckStatus fault(const Facts& facts) { return needs_passthrough(facts) ? CheckStatus::fail : CheckStatus::warn; }

bool is_pve(const Facts& facts) {
  const auto& p = facts.host->packages;
  return p.count("qemu-server") || p.count("pve-manager") || p.count("proxmox-ve");
}

bool in_container(const Facts& facts) { return !facts.host->kernel.container.value_or("").empty(); }

std::vector<std::string> readiness_rules() {
  std::vector<std::string> rules;
  for (const RuleCheck& row : rule_checks()) rules.insert(rules.end(), row.rules.begin(), row.rules.end());
  return rules;
}

std::vector<Check> check_readiness(const Facts& facts, const std::string& unread) {
  std::vector<Check> checks = check_running_host(facts);
  if (in_container(facts)) {
    auto of_host = [](const Check& c) { return c.name != "packages" && c.name != "guest"; };
    checks.erase(std::remove_if(checks.begin(), checks.end(), of_host), checks.end());
    return checks;
  }
  LintOptions options;
  options.select = readiness_rules();
  std::vector<Diagnostic> found = lint(facts, options);
  for (const RuleCheck& row : rule_checks()) {
    Check check = check_rules(facts, row, found);
    if (check.name == "devices")
      judge_lines(facts, unread, check);
    else
      judge_sources(facts, check);
    checks.push_back(std::move(check));
  }
  return checks;
}

Readiness judge(const Facts& facts, const std::vector<Check>& checks) {
  Readiness v;
  bool iommu_known = true, iommu_there = true;
  for (const Check& check : checks) {
    ++v.counts[std::size_t(check.status)];
    if (check.name != "iommu") continue;
    iommu_known = check.status != CheckStatus::unknown;
    iommu_there = check.status == CheckStatus::pass;
  }
  std::size_t fails = v.counts[std::size_t(CheckStatus::fail)], warns = v.counts[std::size_t(CheckStatus::warn)];
  std::size_t unknowns = v.counts[std::size_t(CheckStatus::unknown)];
  std::string rest =
      (warns ? ", " + count(warns, "warning") : "") + (unknowns ? ", " + std::to_string(unknowns) + " unknown" : "");
  v.status = fails          ? CheckStatus::fail
             : !iommu_known ? CheckStatus::unknown
             : warns        ? CheckStatus::warn
                            : CheckStatus::pass;
  if (fails)
    v.message = "not ready: " + std::to_string(fails) + " of " + count(checks.size(), "check") +
                (fails == 1 ? " fails" : " fail") + rest;
  else if (in_container(facts))
    v.message = "nothing judged: this is a container" + rest;
  else if (!iommu_known)
    v.message = "not known: whether there is an IOMMU could not be read" + rest;
  else if (!iommu_there)
    v.message = "no passthrough here as it stands; nothing on this host asks for it" + rest;
  else
    v.message = "ready for passthrough" + rest;
  if (v.ready() && iommu_there && !in_container(facts) && !uses_passthrough(facts)) v.message += "; no VM of this node uses it yet";
  return v;
}

}  // namespace hostpci
