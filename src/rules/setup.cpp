// Rules about the files that make the kernel command line: the right file, a whole one, and one that took effect.
#include "rules/setup.hpp"

#include <algorithm>

#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted_list(const std::vector<const ConfiguredArgument*>& arguments) {
  std::string text;
  for (const ConfiguredArgument* a : arguments) text += (text.empty() ? "" : " ") + std::string(a->argument.text);
  return "`" + text + "`";
}

std::string texts(const std::vector<const ConfiguredArgument*>& arguments) {
  std::string quoted = quoted_list(arguments);
  return quoted.substr(1, quoted.size() - 2);
}

Place place_of(const ConfiguredArgument& argument) { return Place(argument.source, argument.span()); }

bool is_of_kernel(const ConfiguredArgument& a) { return !a.argument.for_init && a.argument.text != "--"; }

/// Passthrough arguments of `configured` that are none of `others`.
std::vector<const ConfiguredArgument*> missing_in(const std::vector<ConfiguredArgument>& configured,
                                                  const std::vector<KernelArgument>& others) {
  std::vector<const ConfiguredArgument*> missing;
  for (const ConfiguredArgument& c : configured)
    if (is_of_kernel(c) && is_passthrough_parameter(c.argument.name) && !contains(others, c.argument))
      missing.push_back(&c);
  return missing;
}

std::vector<KernelArgument> of_kernel(const std::vector<ConfiguredArgument>& configured) {
  std::vector<KernelArgument> arguments;
  for (const ConfiguredArgument& c : configured)
    if (is_of_kernel(c)) arguments.push_back(c.argument);
  return arguments;
}

std::string running_note(const Facts& facts) { return "/proc/cmdline: " + *facts.host->kernel.command_line; }

/// Only the IOMMU's own switches: they take no device from the host.
bool harmless(const std::vector<const ConfiguredArgument*>& arguments) {
  auto is_iommu = [](const ConfiguredArgument* a) {
    return same_parameter(a->argument.name, "intel_iommu") || same_parameter(a->argument.name, "iommu");
  };
  return std::all_of(arguments.begin(), arguments.end(), is_iommu);
}

void wrong_bootloader_file(const Facts& facts, Findings& findings) {
  const BootConfig& boot = *facts.boot;
  if (facts.bootloader == Bootloader::unknown || !facts.host->kernel.command_line) return;
  bool grub = facts.bootloader == Bootloader::grub;
  if (grub ? !boot.grub_known : facts.host->unreadable.count("/etc/kernel/cmdline") != 0) return;
  std::vector<KernelArgument> others = of_kernel(grub ? boot.grub_arguments : boot.kernel_cmdline);
  for (const KernelArgument& running : running_arguments(facts)) others.push_back(running);
  auto stray = missing_in(grub ? boot.kernel_cmdline : boot.grub_arguments, others);
  auto means_nothing = [](const ConfiguredArgument* a) {
    return same_parameter(a->argument.name, "amd_iommu") && a->argument.value == "on";
  };
  stray.erase(std::remove_if(stray.begin(), stray.end(), means_nothing), stray.end());
  if (stray.empty()) return;
  std::string loader = grub ? "GRUB" : "systemd-boot", file = next_file(facts);
  Diagnostic& d =
      findings.add(place_of(*stray.front()), quoted_list(stray) + " has no effect here: this host boots with " +
                                                 loader + ", which reads " + file);
  d.notes.push_back(facts.bootloader_evidence);
  label_end(d, facts, "this is what it reads");
  mend(d, "put it into " + file + ", " + refresh_help(facts), harmless(stray) ? Safety::safe : Safety::unsafe,
       add_arguments(facts, texts(stray)));
}

/// `linux` lines of GRUB's menu, if the menu that boots is the one that can be read.
std::vector<std::string_view> menu_lines(const Facts& facts) {
  std::vector<std::string_view> lines;
  const std::string* menu = facts.host->file("/boot/grub/grub.cfg");
  if (facts.bootloader != Bootloader::grub || !menu || facts.host->file("/etc/kernel/proxmox-boot-uuids")) return lines;
  for (std::string_view line : split(*menu, '\n'))
    if (auto parts = words(line); !parts.empty() && parts[0].substr(0, 5) == "linux") lines.push_back(line);
  return lines;
}

bool in_menu(const std::vector<std::string_view>& lines, const KernelArgument& argument) {
  for (std::string_view line : lines) {
    auto parts = words(line);
    if (std::find(parts.begin(), parts.end(), argument.text) != parts.end()) return true;
  }
  return false;
}

/// A word that GRUB's own quoting leaves alone.
bool is_plain(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:=/@+%";
  return text.find_first_not_of(plain) == text.npos;
}

std::vector<const ConfiguredArgument*> not_in_menu(const Facts& facts) {
  std::vector<const ConfiguredArgument*> stale;
  std::vector<std::string_view> lines = menu_lines(facts);
  if (lines.empty() || !facts.boot->grub_known || facts.host->unreadable.count("/etc/kernel/proxmox-boot-uuids"))
    return stale;
  for (const ConfiguredArgument& c : facts.boot->grub_arguments)
    if (is_plain(c.argument.text) && !in_menu(lines, c.argument)) stale.push_back(&c);
  return stale;
}

void grub_cfg_stale(const Facts& facts, Findings& findings) {
  auto stale = not_in_menu(facts);
  if (stale.empty()) return;
  Diagnostic& d = findings.add(place_of(*stale.front()), quoted_list(stale) + " is in no entry of /boot/grub/grub.cfg");
  d.labels.push_back({Place("/boot/grub/grub.cfg"), "no `linux` line has it"});
  d.help.push_back(refresh_help(facts));
}

void not_running(const Facts& facts, const std::vector<ConfiguredArgument>& next, Findings& findings) {
  auto missing = missing_in(next, running_arguments(facts));
  for (const ConfiguredArgument* stale : not_in_menu(facts))
    missing.erase(std::remove(missing.begin(), missing.end(), stale), missing.end());
  if (missing.empty()) return;
  Diagnostic& d = findings.add(place_of(*missing.front()),
                               quoted_list(missing) + " is configured, but the running kernel was started without it");
  d.notes.push_back(running_note(facts));
  d.help.push_back(refresh_help(facts));
}

/// The reverse: the running kernel has it, the next boot will not.
void not_configured(const Facts& facts, const std::vector<ConfiguredArgument>& next, Findings& findings) {
  std::vector<KernelArgument> configured = of_kernel(next);
  for (const KernelArgument& argument : running_arguments(facts)) {
    if (!is_passthrough_parameter(argument.name) || contains(configured, argument)) continue;
    Diagnostic& d =
        findings.add(running_place(facts, argument.span), "the running kernel has `" + std::string(argument.text) +
                                                              "`, but " + next_file(facts) + " does not configure it");
    d.notes.push_back("it is gone after the next boot, unless the boot menu's entry was made by hand");
  }
}

void cmdline_not_running(const Facts& facts, Findings& findings) {
  const auto* next = next_arguments(facts);
  if (!next || !facts.host->kernel.command_line) return;
  if (facts.bootloader == Bootloader::grub && !facts.boot->grub_known) return;
  not_running(facts, *next, findings);
  if (uses_passthrough(facts)) not_configured(facts, *next, findings);
}

/// An assignment that carries passthrough arguments and is replaced by a later one without them.
void replaced_assignments(const Facts& facts, Findings& findings) {
  for (const auto& [source, file] : facts.boot->grub)
    for (const ShellAssignment& a : file.assignments) {
      if (a.name.substr(0, 18) != "GRUB_CMDLINE_LINUX" || !a.plain || a.conditional) continue;
      for (const KernelArgument& argument : parse_kernel_command_line(a.value)) {
        auto same = [&](const ConfiguredArgument& c) { return same_parameter(c.argument.name, argument.name); };
        const auto& effective = facts.boot->grub_arguments;
        if (!is_passthrough_parameter(argument.name) || std::any_of(effective.begin(), effective.end(), same)) continue;
        Diagnostic& d =
            findings.add(Place(source, a.value_span), "`" + std::string(argument.text) + "` is lost: a later `" +
                                                          std::string(a.name) + "=` replaces this one");
        for (const auto& [other, shell] : facts.boot->grub)
          for (const ShellAssignment& later : shell.assignments)
            if (later.name == a.name && !later.appends && &later != &a)
              d.labels.push_back({Place(other, later.span), "also assigned here"});
        d.help.push_back("merge both into one assignment, " + refresh_help(facts));
        break;
      }
    }
}

void grub_syntax(const Facts& facts, Findings& findings) {
  if (facts.bootloader == Bootloader::systemd_boot) return;
  bool broken = false;
  for (const auto& [source, file] : facts.boot->grub)
    for (const ShellProblem& problem : file.problems) {
      broken = true;
      Diagnostic& d = findings.add(Place(source, problem.span), problem.message);
      d.notes.push_back("update-grub sources this file with sh");
      d.help.push_back("correct the line, " + refresh_help(facts));
    }
  if (!broken && facts.boot->grub_known) replaced_assignments(facts, findings);
}

bool is_comment(std::string_view line) { return trim(line).substr(0, 1) == "#"; }

/// Lines after the first that hold something; comments there are seen as such by people only.
std::vector<Span> further_lines(const Source& source) {
  std::vector<Span> lines;
  for (std::size_t at = source.text.find('\n'); at != std::string::npos && ++at < source.text.size();
       at = source.text.find('\n', at)) {
    Span line = source.line_at(std::uint32_t(at));
    std::string_view text = slice(source.text, line);
    if (!trim(text).empty() && !is_comment(text)) lines.push_back(line);
  }
  return lines;
}

/// Why the first line is no plain list of arguments; empty if it is.
std::string format_fault(std::string_view line) {
  if (is_comment(line))
    return "the first line is a comment: the kernel would get its words, and the lines after it are not read";
  if (line.find("GRUB_CMDLINE") != line.npos) return "`GRUB_CMDLINE…=` is GRUB's: the file holds the bare arguments";
  if (!line.empty() && line.front() == '"') return "the line is quoted: the file holds the bare arguments";
  return {};
}

void kernel_cmdline_format(const Facts& facts, Findings& findings) {
  SourcePtr source = facts.boot->source("/etc/kernel/cmdline");
  if (facts.bootloader != Bootloader::systemd_boot || !source) return;
  Span first = source->line_at(0);
  if (std::string fault = format_fault(trim(slice(source->text, first))); !fault.empty()) {
    findings.add(Place(source, first), fault)
        .help.push_back("write all arguments into the first line, " + refresh_help(facts));
    return;
  }
  auto further = further_lines(*source);
  if (further.empty()) return;
  Diagnostic& d = findings.add(Place(source, further.front()), "only the first line of /etc/kernel/cmdline is read");
  std::uint32_t end = std::uint32_t(source->text.find_last_not_of(" \t\r", first.end ? first.end - 1 : 0)) + 1;
  std::vector<FileEdit> edits;
  if (further.size() == 1) edits = {{source->path, {end, further.front().begin}, " "}};
  mend(d, "join the lines, " + refresh_help(facts), Safety::unsafe, std::move(edits));
}

void kernel_cmdline_no_root(const Facts& facts, Findings& findings) {
  SourcePtr source = facts.boot->source("/etc/kernel/cmdline");
  if (facts.bootloader != Bootloader::systemd_boot || !source) return;
  Span first = source->line_at(0);
  if (!format_fault(trim(slice(source->text, first))).empty()) return;
  auto is_root = [](const ConfiguredArgument& c) { return c.argument.name == "root"; };
  const auto& arguments = facts.boot->kernel_cmdline;
  if (std::any_of(arguments.begin(), arguments.end(), is_root)) return;
  Diagnostic& d =
      findings.add(Place(source, first), "/etc/kernel/cmdline has no `root=`: proxmox-boot-tool refuses to refresh");
  d.notes.push_back("the entries of before still boot");
  std::vector<FileEdit> edits;
  for (const KernelArgument& running : running_arguments(facts))
    if (running.name == "root") {
      d.notes.push_back("/proc/cmdline: " + std::string(running.text));
      edits = {{source->path, {0, 0}, std::string(running.text) + (first.size() ? " " : "")}};
    }
  mend(d, "put the root device in front, " + refresh_help(facts), Safety::safe, std::move(edits));
}

constexpr Rule table[] = {
    {.id = "setup-wrong-bootloader-file",
     .severity = Severity::error,
     .summary = "kernel parameters stand in a file that the boot loader does not read",
     .why =
         "A host that boots with systemd-boot (ZFS on UEFI) takes its command line from /etc/kernel/cmdline; one that "
         "boots with GRUB, also on Proxmox's own EFI partitions, from /etc/default/grub. The other file has no effect.",
     .bad = "# /etc/kernel/cmdline\nroot=ZFS=rpool/ROOT/pve-1 boot=zfs pcie_acs_override=downstream\n",
     .good = "# /etc/kernel/cmdline\nroot=ZFS=rpool/ROOT/pve-1 boot=zfs\n",
     .fix = "put the parameters into the file that is read, refresh the boot entries, reboot",
     .fixable = Fixable::automatic,
     .source = "pve-docs system-booting.adoc; proxmox-kernel-helper zz-proxmox-boot",
     .host = wrong_bootloader_file},
    {.id = "setup-cmdline-not-running",
     .severity = Severity::warning,
     .summary = "the configured and the running kernel command line differ in passthrough parameters",
     .why = "A reboot is pending, update-grub or proxmox-boot-tool refresh was forgotten, or another entry was booted: "
            "what the file says is not what the kernel does.",
     .bad = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve root=/dev/mapper/pve-root ro quiet\n",
     .good = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz-6.8.12-4-pve root=/dev/mapper/pve-root ro quiet "
             "intel_iommu=on iommu=pt i915.enable_gvt=1\n",
     .fix = "refresh the boot entries and reboot",
     .fixable = Fixable::automatic,
     .source = "pve-docs system-booting.adoc",
     .host = cmdline_not_running},
    {.id = "setup-grub-cfg-stale",
     .severity = Severity::warning,
     .summary = "/etc/default/grub was changed, but GRUB's menu was not made anew",
     .why = "GRUB boots what /boot/grub/grub.cfg says; update-grub writes it out of /etc/default/grub.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt pcie_aspm=off\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on iommu=pt\"\n",
     .fix = "run update-grub",
     .fixable = Fixable::automatic,
     .source = "pve-docs system-booting.adoc; grub-mkconfig 10_linux",
     .host = grub_cfg_stale},
    {.id = "setup-grub-syntax",
     .severity = Severity::error,
     .summary = "/etc/default/grub is broken, or a later assignment replaces it",
     .why =
         "The file and those of grub.d are sourced by sh, in order: an unterminated quote stops update-grub, and the "
         "last assignment of a variable is the one that counts.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n",
     .fix = "close the quote, or merge the assignments into one",
     .fixable = Fixable::assisted,
     .source = "grub-mkconfig sources /etc/default/grub and grub.d with sh",
     .host = grub_syntax},
    {.id = "setup-kernel-cmdline-format",
     .severity = Severity::error,
     .summary = "/etc/kernel/cmdline is not one plain line",
     .why =
         "Its first line goes behind `options` of the boot entry as it stands; further lines are not read, and GRUB's "
         "quotes and variable names have no place in it.",
     .bad = "# /proc/cmdline\ninitrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1\n"
            "# /etc/kernel/cmdline\nroot=ZFS=rpool/ROOT/pve-1 boot=zfs\nintel_iommu=on\n",
     .good = "# /proc/cmdline\ninitrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1\n"
             "# /etc/kernel/cmdline\nroot=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on\n",
     .fix = "write all arguments into the first line, without quotes",
     .fixable = Fixable::automatic,
     .source = "proxmox-kernel-helper zz-proxmox-boot; pve-docs system-booting.adoc",
     .host = kernel_cmdline_format},
    {.id = "setup-kernel-cmdline-no-root",
     .severity = Severity::error,
     .summary = "/etc/kernel/cmdline names no root device",
     .why =
         "proxmox-boot-tool refresh stops at such a file: no later change reaches the boot entries, and an entry made "
         "of it could not boot.",
     .bad = "# /proc/cmdline\ninitrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1\n"
            "# /etc/kernel/cmdline\nintel_iommu=on iommu=pt\n",
     .good = "# /proc/cmdline\ninitrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1\n"
             "# /etc/kernel/cmdline\nroot=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on iommu=pt\n",
     .fix = "put the root device back, as /proc/cmdline has it",
     .fixable = Fixable::automatic,
     .source = "proxmox-kernel-helper zz-proxmox-boot",
     .host = kernel_cmdline_no_root},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_rules = table;

}  // namespace hostpci
