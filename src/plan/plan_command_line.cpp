// The kernel command line: what this kernel and processor need, and dead advice taken out. `iommu=pt` is a matter of
// taste and left alone; so is an `intel_iommu=on` that is the default, for an older kernel may be booted again.
#include <algorithm>

#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/setup.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Rules whose findings name an argument that does nothing, or does harm, and is to go.
constexpr std::string_view dead_rules[] = {"setup-amd-iommu-on",       "setup-wrong-vendor-iommu", "setup-iommu-value",
                                           "setup-video-off-obsolete", "setup-video-comma",        "setup-nomodeset",
                                           "host-iommu-cmdline-off"};
/// Rules whose fix spells an argument as it was meant.
constexpr std::string_view misspelt_rules[] = {"setup-param-case", "setup-intel-iommu-value"};

/// The configured argument that a finding is about, as it is written; empty if it stands on the running kernel's
/// command line only.
std::string argument_of(const Facts& facts, const Diagnostic& finding) {
  for (const BootArgument& a : boot_arguments(facts)) {
    bool label = std::any_of(finding.labels.begin(), finding.labels.end(), [&](const Label& l) {
      return l.place.source == a.place.source && l.place.span == a.place.span;
    });
    bool here = finding.place.source && finding.place.file() == a.place.file() && finding.place.span == a.place.span;
    bool exact = a.configured && a.configured->exact,
         named = finding.message.find("`" + std::string(a.argument.text) + "`") != std::string::npos;
    if (a.configured && (here || label) && (exact || named)) return std::string(a.argument.text);
  }
  return {};
}

void take_out(Workspace& work, std::string_view rule) {
  for (int round = 0; round < 32; ++round) {
    std::string argument;
    for (const Diagnostic& finding : findings_of_rule(work, rule))
      if (argument = argument_of(work.facts(), finding); !argument.empty()) break;
    if (argument.empty()) return;
    std::string reason = "take out `" + argument + "` (" + std::string(rule) + ")";
    if (!work.arrange([&](BootDraft& draft) { return draft.remove_argument(argument); }, reason)) return;
    work.reboot("`" + argument + "` is gone from the kernel command line");
    if (rule == "host-iommu-cmdline-off") work.iommu_comes();
  }
}

/// Proxmox VE's kernels since 6.8 turn VT-d on unasked. Source: pve-docs qm-pci-passthrough.adoc.
bool intel_is_default(const Facts& facts) {
  auto version = kernel_version(facts);
  return is_pve_kernel(facts) && version && *version >= std::pair{6, 8};
}

void spell_right(Workspace& work, std::string_view rule) {
  for (int round = 0; round < 32; ++round) {
    std::string wrong, right;
    for (const Diagnostic& finding : findings_of_rule(work, rule)) {
      wrong = argument_of(work.facts(), finding);
      right = finding.fix && !finding.fix->edits.empty() ? finding.fix->edits.front().text : "";
      if (!wrong.empty() && !right.empty()) break;
    }
    if (wrong.empty() || right.empty()) return;
    bool useless = right == "intel_iommu=on" && intel_is_default(work.facts());
    auto operation = [&](BootDraft& draft) {
      Refused refused = draft.remove_argument(wrong);
      if (useless) return refused;
      for (std::string_view word : words(right))
        if (!refused) refused = draft.add_argument(word);
      return refused;
    };
    std::string what = useless ? "take out `" + wrong + "`, this kernel turns VT-d on by itself"
                               : "write `" + right + "` for `" + wrong + "`";
    if (!work.arrange(operation, what + " (" + std::string(rule) + ")")) return;
    work.reboot(useless ? "`" + wrong + "` is gone from the kernel command line"
                        : "`" + right + "` stands on the kernel command line");
  }
}

bool asks_for_intel(const std::vector<KernelArgument>& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const KernelArgument& a) {
    return same_parameter(a.name, "intel_iommu") && lists(a.value, "on");
  });
}

/// Intel's IOMMU is off unless asked for: before kernel 6.8, where the firmware offers one, and where none runs without
/// being asked. Source: pve-docs qm-pci-passthrough.adoc; the kernels' CONFIG_INTEL_IOMMU_DEFAULT_ON.
bool must_ask_for_intel(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  auto version = kernel_version(facts);
  if (!is_intel(facts) || kernel.dmar_table != true || !version || *version >= std::pair{6, 8}) return false;
  bool runs_unasked = kernel.iommus && !kernel.iommus->empty() && !asks_for_intel(running_arguments(facts));
  return kernel.command_line && !runs_unasked;
}

void add_intel_iommu(Workspace& work) {
  if (work.vms().empty() || !must_ask_for_intel(work.facts())) return;
  bool was_there = work.boot().has_argument("intel_iommu=on");
  std::string release = *work.host().kernel.release;
  if (!work.arrange([](BootDraft& draft) { return draft.add_argument("intel_iommu=on"); },
                    "kernel " + release + " does not turn VT-d on by itself (host-iommu-intel-default-off)"))
    return;
  bool off = work.host().kernel.iommus && work.host().kernel.iommus->empty();
  if (!was_there || off) work.reboot("`intel_iommu=on` stands on the kernel command line");
  if (!off) return;
  work.reboot("the IOMMU is on");
  work.iommu_comes();
}

std::vector<std::string> configured_now(const Facts& facts) {
  std::vector<std::string> texts;
  for (const BootArgument& a : boot_arguments(facts))
    if (a.configured) texts.emplace_back(a.argument.text);
  return texts;
}

bool same_place(const Diagnostic& a, const Diagnostic& b) {
  return a.place.file() == b.place.file() && a.place.span == b.place.span;
}

/// Something that the running kernel has and the next one will not have; nobody misses what does nothing.
void tell_vanishing(Workspace& work, const Diagnostic& finding, const std::vector<std::string>& configured) {
  for (const auto& [source, file] : work.facts().boot->grub)
    if (work.facts().bootloader == Bootloader::grub && !file.problems.empty()) return;  // what it says is not known
  std::string argument(slice(finding.place.source->text, finding.place.span));
  if (std::find(configured.begin(), configured.end(), argument) != configured.end()) return;  // this plan takes it out
  for (std::string_view rule : dead_rules)
    for (const Diagnostic& dead : findings_of_rule(work, rule))
      if (same_place(dead, finding)) return;
  work.obstacle("", 0,
                "the next boot will not have `" + printable(argument) + "`: the running kernel has it, but " +
                    next_file(work.facts()) + " does not configure it");
}

/// What differs from the running kernel's, other than what was told already.
void tell_difference(Workspace& work, const std::vector<std::string>& configured) {
  for (const Diagnostic& finding : findings_of_rule(work, "setup-cmdline-not-running")) {
    if (finding.place.source && finding.place.file() == "/proc/cmdline") {
      tell_vanishing(work, finding, configured);
      continue;
    }
    auto about = [&](const std::string& line) {
      std::size_t end = line.find('`', 1);
      return line[0] == '`' && end != line.npos && finding.message.find(line.substr(0, end + 1)) != std::string::npos;
    };
    const auto& told = work.plan.reboot;
    if (std::none_of(told.begin(), told.end(), about)) work.reboot(finding.message);
  }
}

/// Switches of the IOMMU in a file that the boot loader does not read: nobody misses them where the IOMMU is on.
void forgive_stray(Workspace& work) {
  const auto& iommus = work.host().kernel.iommus;
  if (!iommus || iommus->empty()) return;
  for (const Diagnostic& finding : findings_of_rule(work, "setup-wrong-bootloader-file"))
    if (finding.fix && finding.fix->safety == Safety::safe) work.mended(finding.rule, finding.message);
}

}  // namespace

void plan_command_line(Workspace& work) {
  std::vector<std::string> configured = configured_now(work.facts());
  for (std::string_view rule : dead_rules) take_out(work, rule);
  for (std::string_view rule : misspelt_rules) spell_right(work, rule);
  add_intel_iommu(work);
  tell_difference(work, configured);
  forgive_stray(work);
}

}  // namespace hostpci
