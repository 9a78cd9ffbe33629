// Arguments, edits and kernel facts for the checks of the boot set-up.
#include <algorithm>

#include "rules/boot_homes.hpp"
#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view passthrough_names[] = {
    "intel_iommu",        "amd_iommu", "iommu", "pcie_acs_override", "initcall_blacklist", "module_blacklist",
    "nomodeset",          "video",     "pci",   "intremap",          "modprobe.blacklist", "rd.driver.pre",
    "rd.driver.blacklist"};
constexpr std::string_view passthrough_modules[] = {"vfio", "vfio_pci", "vfio_pci_core", "vfio_iommu_type1", "i915",
                                                    "xe",   "nouveau",  "nvidia",        "amdgpu",           "radeon",
                                                    "kvm",  "pci_stub"};

std::string_view module_name(std::string_view name) { return name.substr(0, name.find('.')); }

struct DriverModule {
  std::string_view driver, module;
};
constexpr DriverModule driver_modules[] = {
    {"xhci_hcd", "xhci_pci"}, {"ehci-pci", "ehci_pci"},   {"ohci-pci", "ohci_pci"},   {"uhci_hcd", "uhci_hcd"},
    {"e1000", "e1000"},       {"i801_smbus", "i2c_i801"}, {"sdhci-pci", "sdhci_pci"}, {"virtio-pci", "virtio_pci"}};

bool listed(const Fact<std::vector<std::string>>& modules, std::string_view module) {
  if (!modules) return false;
  auto same = [&](const std::string& m) { return same_module(m, module); };
  return std::any_of(modules->begin(), modules->end(), same);
}

std::optional<ArgumentEnd> next_end(const Facts& facts) {
  if (facts.bootloader == Bootloader::grub) return facts.boot->grub_end();
  if (facts.bootloader == Bootloader::systemd_boot) return facts.boot->kernel_cmdline_end();
  return {};
}

/// An active one whose name begins so.
bool has_iommu(const Facts& facts, std::string_view name = {}) {
  const auto& iommus = facts.host->kernel.iommus;
  auto named = [&](const std::string& i) { return i.compare(0, name.size(), name) == 0; };
  return iommus && std::any_of(iommus->begin(), iommus->end(), named);
}

bool is_hex(std::string_view text) { return !text.empty() && text.size() <= 4 && number(text, 16); }

bool has_blank(std::string_view text, std::size_t at) {
  return at < text.size() && (text[at] == ' ' || text[at] == '\t');
}

}  // namespace

bool uses_passthrough(const Facts& facts) {
  auto has_lines = [](const VmFacts& vm) { return !vm.foreign && !vm.assignments.empty(); };
  return std::any_of(facts.vms.begin(), facts.vms.end(), has_lines);
}

const std::vector<ConfiguredArgument>* next_arguments(const Facts& facts) {
  const BootConfig& boot = *facts.boot;
  if (facts.bootloader == Bootloader::grub && !boot.grub.empty()) return &boot.grub_arguments;
  if (facts.bootloader == Bootloader::systemd_boot && boot.has_kernel_cmdline) return &boot.kernel_cmdline;
  return nullptr;
}

std::string next_file(const Facts& facts) {
  return facts.bootloader == Bootloader::systemd_boot ? "/etc/kernel/cmdline" : "/etc/default/grub";
}

std::vector<KernelArgument> running_arguments(const Facts& facts) {
  if (!facts.host->kernel.command_line) return {};
  std::vector<KernelArgument> arguments = parse_kernel_command_line(*facts.host->kernel.command_line);
  auto for_init = [](const KernelArgument& a) { return a.for_init || a.text == "--"; };
  arguments.erase(std::remove_if(arguments.begin(), arguments.end(), for_init), arguments.end());
  return arguments;
}

Place running_place(const Facts& facts, Span span) {
  return Place(make_source("/proc/cmdline", facts.host->kernel.command_line.value_or("")), span);
}

bool same_argument(const KernelArgument& a, const KernelArgument& b) {
  return same_parameter(a.name, b.name) && a.value == b.value && a.has_value == b.has_value;
}

bool contains(const std::vector<KernelArgument>& arguments, const KernelArgument& argument) {
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const KernelArgument& a) { return same_argument(a, argument); });
}

std::vector<BootArgument> boot_arguments(const Facts& facts) {
  std::vector<BootArgument> result;
  std::vector<KernelArgument> configured;
  if (const auto* next = next_arguments(facts))
    for (const ConfiguredArgument& c : *next) {
      if (c.argument.for_init || c.argument.text == "--") continue;
      configured.push_back(c.argument);
      result.push_back({c.argument, Place(c.source, c.span()), &c});
    }
  for (const KernelArgument& argument : running_arguments(facts))
    if (!contains(configured, argument)) result.push_back({argument, running_place(facts, argument.span), nullptr});
  return result;
}

std::vector<BootArgument> boot_arguments(const Facts& facts, std::string_view name) {
  std::vector<BootArgument> result = boot_arguments(facts);
  auto other = [&](const BootArgument& a) { return !same_parameter(a.argument.name, name); };
  result.erase(std::remove_if(result.begin(), result.end(), other), result.end());
  return result;
}

bool is_passthrough_parameter(std::string_view name) {
  auto same = [&](std::string_view n) { return same_parameter(n, name); };
  if (std::any_of(std::begin(passthrough_names), std::end(passthrough_names), same)) return true;
  auto of_module = [&](std::string_view m) { return same_parameter(m, module_name(name)); };
  return name.find('.') != name.npos &&
         std::any_of(std::begin(passthrough_modules), std::end(passthrough_modules), of_module);
}

bool is_iommu_switch(std::string_view name) {
  return same_parameter(name, "intel_iommu") || same_parameter(name, "amd_iommu") || same_parameter(name, "iommu");
}

std::optional<ModuleParameter> module_parameter(const Facts& facts, std::string_view module, std::string_view name,
                                                bool running) {
  std::optional<ModuleParameter> found;
  for (const PlacedText& word : facts.boot->options(module)) {
    std::size_t equals = std::min(word.text.find('='), word.text.size());
    if (!same_parameter(std::string_view(word.text).substr(0, equals), name)) continue;
    std::string value = equals < word.text.size() ? word.text.substr(equals + 1) : "1";
    found = ModuleParameter{std::move(value), Place(word.source, word.span)};
  }
  bool next = !running && next_arguments(facts);
  for (const BootArgument& a : boot_arguments(facts)) {
    std::size_t dot = a.argument.name.find('.');
    if (dot == a.argument.name.npos || !same_module(a.argument.name.substr(0, dot), module)) continue;
    if (!same_parameter(a.argument.name.substr(dot + 1), name)) continue;
    bool counts = next ? a.configured != nullptr : contains(running_arguments(facts), a.argument);
    if (counts) found = ModuleParameter{a.argument.has_value ? std::string(a.argument.value) : "1", a.place};
  }
  return found;
}

bool is_true(const std::optional<ModuleParameter>& parameter) {
  if (!parameter || parameter->value.empty()) return false;
  return std::string_view("1yYtT").find(parameter->value.front()) != std::string_view::npos || parameter->value == "on";
}

std::vector<FileEdit> remove_argument(const ConfiguredArgument& argument) {
  if (!argument.exact) return {};
  Span span = argument.argument.span;
  std::string_view text = argument.source->text;
  if (span.begin > 0 && has_blank(text, span.begin - 1))
    --span.begin;
  else if (has_blank(text, span.end))
    ++span.end;
  return {{argument.source->path, span, ""}};
}

std::vector<FileEdit> add_arguments(const Facts& facts, std::string_view text) {
  std::optional<ArgumentEnd> end = next_end(facts);
  if (!end) return {};
  return {{end->source->path, {end->offset, end->offset}, (end->blank ? " " : "") + std::string(text)}};
}

void label_end(Diagnostic& diagnostic, const Facts& facts, std::string message) {
  if (auto end = next_end(facts))
    diagnostic.labels.push_back({Place(end->source, end->source->line_at(end->offset)), std::move(message)});
}

FileEdit remove_lines(const SourcePtr& source, Span span) {
  std::uint32_t begin = source->line_at(span.begin).begin;
  std::uint32_t end = source->line_at(span.end > span.begin ? span.end - 1 : span.begin).end;
  if (end < source->text.size()) ++end;
  return {source->path, {begin, end}, ""};
}

FileEdit append_line(const SourcePtr& source, std::string_view line) {
  std::uint32_t end = std::uint32_t(source->text.size());
  bool open = end > 0 && source->text.back() != '\n';
  return {source->path, {end, end}, (open ? "\n" : "") + std::string(line) + "\n"};
}

void mend(Diagnostic& diagnostic, std::string title, Safety safety, std::vector<FileEdit> edits) {
  if (edits.empty())
    diagnostic.help.push_back(std::move(title));
  else
    diagnostic.fix = Fix{std::move(title), safety, std::move(edits)};
}

void offer_removal(Diagnostic& diagnostic, const BootArgument& argument, const Facts& facts, Safety safety) {
  auto edits = argument.configured ? remove_argument(*argument.configured) : std::vector<FileEdit>();
  mend(diagnostic, "take it out, " + refresh_help(facts), safety, std::move(edits));
}

std::string refresh_help(const Facts& facts) {
  std::vector<std::string> commands = command_line_refresh(facts);
  return commands.empty() ? "then reboot" : "run `" + join(commands, "`, then `") + "`, then reboot";
}

std::string initramfs_help(const Facts& facts) { return "run `" + initramfs_refresh(facts) + "`, then reboot"; }

std::optional<std::pair<int, int>> kernel_version(const Facts& facts) {
  if (!facts.host->kernel.release) return {};
  std::vector<std::string_view> parts = split(*facts.host->kernel.release, '.');
  if (parts.size() < 2) return {};
  auto major = number(parts[0]), minor = number(parts[1].substr(0, parts[1].find_first_not_of("0123456789")));
  if (!major || !minor) return {};
  return std::pair{int(*major), int(*minor)};
}

bool is_pve_kernel(const Facts& facts) {
  return facts.host->kernel.release && facts.host->kernel.release->find("pve") != std::string::npos;
}

bool may_carry_acs_patch(const Facts& facts) {
  const Fact<std::string>& release = facts.host->kernel.release;
  return !release || release->find("-amd64") == release->npos;
}

std::string acs_fault(std::string_view word) {
  for (std::string_view known : {"downstream", "multifunction"})
    if (word.substr(0, known.size()) == known) return {};  // the patch compares beginnings
  if (word.substr(0, 3) != "id:") return "`" + std::string(word) + "` is no value of pcie_acs_override";
  std::size_t colon = word.find(':', 3);
  bool sound = colon != word.npos && is_hex(word.substr(3, colon - 3)) && is_hex(word.substr(colon + 1).substr(0, 4));
  return sound ? "" : "`" + std::string(word) + "` is no id of the form `id:10de:1b80`";
}

bool is_intel(const Facts& facts) {
  if (has_iommu(facts)) return has_iommu(facts, "dmar");
  return facts.host->kernel.cpu_vendor == "GenuineIntel";
}

bool is_amd(const Facts& facts) {
  if (has_iommu(facts)) return has_iommu(facts, "ivhd");
  return facts.host->kernel.cpu_vendor == "AuthenticAMD" || facts.host->kernel.cpu_vendor == "HygonGenuine";
}

std::string module_of_driver(std::string_view driver) {
  for (const DriverModule& d : driver_modules)
    if (d.driver == driver) return std::string(d.module);
  std::string module(driver);
  std::replace(module.begin(), module.end(), '-', '_');
  return module;
}

bool is_x86(const Facts& facts) { return is_intel(facts) || is_amd(facts) || facts.host->architecture == "amd64"; }

bool lists(std::string_view value, std::string_view word) {
  std::vector<std::string_view> parts = split(value, ',');
  return std::find(parts.begin(), parts.end(), word) != parts.end();
}

bool is_blacklisted(const Facts& facts, std::string_view module) {
  if (!facts.boot->directives(DirectiveKind::blacklist, module).empty()) return true;
  for (std::string_view name : {"module_blacklist", "modprobe.blacklist"})
    for (const BootArgument& a : boot_arguments(facts, name))
      if (lists(a.argument.value, module)) return true;
  return false;
}

bool is_listed(const std::vector<ModuleEntry>& entries, std::string_view module) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const ModuleEntry& e) { return same_module(e.line.name, module); });
}

bool is_builtin(const Facts& facts, std::string_view module) { return listed(facts.host->kernel.builtin, module); }

bool is_loaded(const Facts& facts, std::string_view module) { return listed(facts.host->kernel.modules, module); }

bool is_passed(const Facts& facts, const PciAddress& address) {
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& assignment : vm.assignments)
      for (const std::vector<PciAddress>& choice : assignment.resolved.choices)
        if (std::find(choice.begin(), choice.end(), address) != choice.end()) return true;
  return facts.users.count(address) != 0;
}

std::string text_of(const Use& use) { return use.detail.empty() ? use.name : use.name + " for " + use.detail; }

std::string critical_use(const Device& device) {
  if (!device.uses) return {};
  for (const Use& use : *device.uses)
    if (use.critical) return text_of(use);
  return {};
}

}  // namespace hostpci
