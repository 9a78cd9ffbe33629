// Rules about kernel arguments that switch the IOMMU: wrong names, values that mean nothing, the other vendor's switch.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(const BootArgument& a) { return "`" + std::string(a.argument.text) + "`"; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// The kernel compares the beginnings of words.
bool begins_with_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view w) { return word.substr(0, w.size()) == w; });
}

bool is_yes(std::string_view word) {
  return is_one_of(lower(word), {"on", "1", "yes", "y", "true", "enable", "enabled"});
}

void replace_argument(Diagnostic& d, const BootArgument& a, const Facts& facts, const std::string& text,
                      Safety safety) {
  std::vector<FileEdit> edits;
  if (a.configured && a.configured->exact) edits = {{a.configured->source->path, a.argument.span, text}};
  mend(d, "write `" + text + "`, " + refresh_help(facts), safety, std::move(edits));
}

/// Does the boot loader hand this very word to the kernel?
bool is_configured(const Facts& facts, const std::string& word) {
  const auto* next = next_arguments(facts);
  return next && std::any_of(next->begin(), next->end(), [&](const ConfiguredArgument& c) { return c.argument.text == word; });
}

void param_case(const Facts& facts, Findings& findings) {
  for (const BootArgument& a : boot_arguments(facts)) {
    std::string name = lower(a.argument.name);
    if (is_passthrough_parameter(a.argument.name) || !is_passthrough_parameter(name)) continue;
    Diagnostic& d = findings.add(a.place, quoted(a) + " is no kernel parameter: names are case-sensitive");
    std::string rest(a.argument.text.substr(std::min(a.argument.text.size(), a.argument.name.size())));
    if (a.argument.text.substr(0, a.argument.name.size()) != a.argument.name) continue;
    Safety safety = is_iommu_switch(name) ? Safety::safe : Safety::unsafe;
    if (is_configured(facts, name + rest))
      offer_removal(d, a, facts, safety);
    else
      replace_argument(d, a, facts, name + rest, safety);
  }
}

void amd_iommu_on(const Facts& facts, Findings& findings) {
  if (is_intel(facts)) return;
  for (const BootArgument& a : boot_arguments(facts, "amd_iommu")) {
    if (!is_yes(a.argument.value)) continue;
    Diagnostic& d =
        findings.add(a.place, quoted(a) + " does nothing: the AMD IOMMU has no such option, it is on by default");
    d.notes.push_back("the kernel logs \"AMD-Vi: Unknown option - '" + std::string(a.argument.value) + "'\"");
    offer_removal(d, a, facts);
  }
}

void wrong_vendor_iommu(const Facts& facts, Findings& findings) {
  if (!is_intel(facts) && !is_amd(facts)) return;
  for (const BootArgument& a : boot_arguments(facts, is_amd(facts) ? "intel_iommu" : "amd_iommu")) {
    Diagnostic& d = findings.add(a.place, quoted(a) + " has no effect on this processor");
    const Kernel& kernel = facts.host->kernel;
    if (kernel.cpu_vendor) d.notes.push_back("/proc/cpuinfo: vendor_id " + *kernel.cpu_vendor);
    offer_removal(d, a, facts);
  }
}

bool is_intel_option(std::string_view word) {
  return is_one_of(word, {"on", "off", "igfx_off", "forcedac", "strict", "sp_off", "sm_on", "sm_off", "tboot_noforce",
                          "relax_rmrr"});
}

/// What was meant by an intel_iommu= value with `pt`, `1` or a semicolon in it; empty if that is not clear.
std::string intended_intel(std::string_view value) {
  std::string options, rest;
  for (std::string_view word : split(value, ',')) {
    std::size_t semicolon = word.find(';');
    if (semicolon != word.npos && word.substr(semicolon + 1) == "iommu=pt")
      word = word.substr(0, semicolon), rest = " iommu=pt";
    if (word == "pt") {
      rest = " iommu=pt";
      continue;
    }
    if (!is_intel_option(word) && !is_yes(word)) return {};
    options += (options.empty() ? "" : ",") + std::string(is_intel_option(word) ? word : "on");
  }
  return "intel_iommu=" + (options.empty() ? "on" : options) + rest;
}

void intel_iommu_value(const Facts& facts, Findings& findings) {
  if (is_amd(facts)) return;
  for (const BootArgument& a : boot_arguments(facts, "intel_iommu")) {
    std::vector<std::string_view> options = split(a.argument.value, ',');
    auto bad = std::find_if(options.begin(), options.end(), [](std::string_view o) { return !is_intel_option(o); });
    if (bad == options.end() && !options.empty()) continue;
    std::string what =
        options.empty() ? "`intel_iommu` needs a value" : "`" + std::string(*bad) + "` is no value of intel_iommu";
    Diagnostic& d = findings.add(a.place, what + ": the kernel passes over it");
    if (std::string text = intended_intel(a.argument.value); !text.empty())
      replace_argument(d, a, facts, text, Safety::safe);
  }
}

bool is_iommu_option(std::string_view word) {
  return begins_with_one_of(
      word, {"off",         "force", "noforce",    "biomerge", "panic",   "nopanic", "merge", "nomerge",
             "allowdac",    "nodac", "usedac",     "soft",     "pt",      "nopt",    "leak",  "fullflush",
             "nofullflush", "noagp", "noaperture", "allowed",  "memaper", "calgary", "gart"});
}

void iommu_value(const Facts& facts, Findings& findings) {
  if (!is_x86(facts)) return;
  for (const BootArgument& a : boot_arguments(facts, "iommu")) {
    std::vector<std::string_view> options = split(a.argument.value, ',');
    auto bad = std::find_if(options.begin(), options.end(), [](std::string_view o) { return !is_iommu_option(o); });
    if (bad == options.end()) continue;
    Diagnostic& d =
        findings.add(a.place, "`" + std::string(*bad) + "` is no value of iommu: the kernel passes over it");
    if (options.size() == 1) offer_removal(d, a, facts);
    d.notes.push_back(
        "what people mean is `intel_iommu=on`, or `iommu=pt`; neither is needed for passthrough on current kernels");
  }
}

void intel_iommu_redundant(const Facts& facts, Findings& findings) {
  auto version = kernel_version(facts);
  if (!is_intel(facts) || !is_pve_kernel(facts) || !version || *version < std::pair{6, 8}) return;
  for (const BootArgument& a : boot_arguments(facts, "intel_iommu"))
    if (a.argument.value == "on")
      findings.add(a.place, "`intel_iommu=on` is the default of kernel " + *facts.host->kernel.release)
          .help.push_back("keep it or take it out: it makes no difference");
}

void acs_value(const Facts& facts, Findings& findings) {
  if (!may_carry_acs_patch(facts)) return;
  bool given = false;
  for (const BootArgument& a : boot_arguments(facts)) {
    if (given && !a.argument.has_value && is_one_of(a.argument.text, {"downstream", "multifunction"}))
      findings.add(a.place, quoted(a) + " stands alone: values of pcie_acs_override are joined by commas");
    if (!same_parameter(a.argument.name, "pcie_acs_override")) continue;
    given = true;
    for (std::string_view word : split(a.argument.value, ','))
      if (std::string fault = acs_fault(word); !fault.empty()) {
        Diagnostic& d = findings.add(a.place, fault + ": the kernel passes over it");
        d.help.push_back("values are `downstream`, `multifunction` and `id:VENDOR:DEVICE`; better is to do without");
      }
  }
}

constexpr Rule table[] = {
    {.id = "setup-param-case",
     .severity = Severity::error,
     .summary = "a kernel parameter is written with capitals",
     .why =
         "Names of kernel parameters are case-sensitive ('-' and '_' are equal): the kernel hands the word to init and "
         "does nothing with it. Translated and auto-corrected guides write `Intel_iommu=on`.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet Intel_iommu=on\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n",
     .fix = "write the name in lower case",
     .fixable = Fixable::automatic,
     .source = "linux kernel/params.c",
     .host = param_case},
    {.id = "setup-amd-iommu-on",
     .severity = Severity::info,
     .summary = "`amd_iommu=on` does nothing",
     .why = "The option takes off, fullflush, force_isolation, force_enable, pgtbl_v1, pgtbl_v2 and some more, but no "
            "\"on\": the AMD IOMMU is on by default when the firmware enables it.",
     .bad = "# /sys/class/iommu\nivhd0\n# /proc/cpuinfo\nvendor_id : AuthenticAMD\n"
            "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet amd_iommu=on\"\n",
     .good = "# /sys/class/iommu\nivhd0\n# /proc/cpuinfo\nvendor_id : AuthenticAMD\n"
             "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=pt\"\n",
     .fix = "take it out",
     .fixable = Fixable::automatic,
     .source = "linux drivers/iommu/amd/init.c parse_amd_iommu_options",
     .host = amd_iommu_on},
    {.id = "setup-wrong-vendor-iommu",
     .severity = Severity::info,
     .summary = "the IOMMU switch of the other processor vendor is set",
     .why = "intel_iommu= means nothing on AMD, amd_iommu= nothing on Intel. The former still prints \"DMAR: IOMMU "
            "enabled\", which misleads.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet amd_iommu=on\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n",
     .fix = "take it out",
     .fixable = Fixable::automatic,
     .source = "linux drivers/iommu/intel/iommu.c intel_iommu_setup",
     .host = wrong_vendor_iommu},
    {.id = "setup-intel-iommu-value",
     .severity = Severity::error,
     .summary = "`intel_iommu=` has a value that the kernel does not know",
     .why = "It takes on, off, igfx_off, forcedac, strict, sp_off, sm_on, sm_off, tboot_noforce and, with Proxmox's "
            "patch, "
            "relax_rmrr, joined by commas. `iommu=pt` is a parameter of its own.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=pt\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt\"\n",
     .fix = "write `intel_iommu=on iommu=pt`",
     .fixable = Fixable::automatic,
     .source = "linux drivers/iommu/intel/iommu.c intel_iommu_setup; pve-kernel patch 0009",
     .host = intel_iommu_value},
    {.id = "setup-iommu-value",
     .severity = Severity::warning,
     .summary = "`iommu=` has a value that the kernel does not know",
     .why =
         "On x86 it takes off, force, noforce, soft, pt, nopt and some older words. There is no \"on\" and no \"1\".",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=on\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet iommu=pt\"\n",
     .fix = "take it out",
     .fixable = Fixable::automatic,
     .source = "linux arch/x86/kernel/pci-dma.c iommu_setup",
     .host = iommu_value},
    {.id = "setup-intel-iommu-redundant",
     .severity = Severity::info,
     .summary = "`intel_iommu=on` is the default since kernel 6.8",
     .why = "Proxmox's kernels turn VT-d on by themselves since 6.8. The parameter does no harm.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n",
     .good = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz root=/dev/mapper/pve-root ro quiet\n"
             "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n",
     .fix = "keep it or take it out",
     .fixable = Fixable::manual,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = intel_iommu_redundant},
    {.id = "setup-acs-value",
     .severity = Severity::error,
     .summary = "`pcie_acs_override=` has a value that the patch does not know",
     .why = "It takes downstream, multifunction and id:VENDOR:DEVICE, joined by commas. Of other words nothing "
            "happens: the "
            "groups stay as they are.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet pcie_acs_override=on\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet pcie_acs_override=downstream,multifunction\"\n",
     .fix = "write `downstream,multifunction`, or better do without",
     .fixable = Fixable::assisted,
     .source = "pve-kernel ACS override patch, pcie_acs_override_setup",
     .host = acs_value},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_iommu_rules = table;

}  // namespace hostpci
