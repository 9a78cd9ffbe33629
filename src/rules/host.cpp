// Rules about the running host: is there an IOMMU, why not, does it remap interrupts, are its groups true.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Known to have no IOMMU, and some VM wants one. An unknown list is told once, by host-iommu-absent.
bool lacks_iommu(const Facts& facts) {
  return uses_passthrough(facts) && facts.host->kernel.iommus && facts.host->kernel.iommus->empty();
}

bool known_without_tables(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  return (is_intel(facts) || is_amd(facts)) && kernel.dmar_table == false && kernel.ivrs_table == false;
}

bool is_guest(const Facts& facts) {
  const auto& flags = facts.host->kernel.cpu_flags;
  return flags && std::find(flags->begin(), flags->end(), "hypervisor") != flags->end();
}

std::string first_user(const Facts& facts) {
  for (const VmFacts& vm : facts.vms)
    if (!vm.foreign && !vm.assignments.empty())
      return vm_label(*vm.vm) + ", " + vm.assignments.front().key();
  return {};
}

std::string word(const KernelArgument& a) { return "`" + std::string(a.text) + "`"; }

void iommu_absent(const Facts& facts, Findings& findings) {
  if (!uses_passthrough(facts)) return;
  if (!facts.host->kernel.iommus) return findings.unknown("the host's IOMMUs", "/sys/class/iommu");
  if (!facts.host->kernel.iommus->empty()) return;
  Diagnostic& d =
      findings.add(Place("/sys/class/iommu"), "no IOMMU is active on this host, and VMs pass devices through");
  d.notes.push_back("/sys/class/iommu is empty (first line that needs it: " + first_user(facts) + ")");
  d.notes.push_back("PVE refuses the start: \"cannot prepare PCI pass-through, IOMMU not present\"");
  const Kernel& kernel = facts.host->kernel;
  if (kernel.dmar_table == true) d.notes.push_back("/sys/firmware/acpi/tables/DMAR exists: the firmware offers VT-d");
  if (kernel.ivrs_table == true) d.notes.push_back("/sys/firmware/acpi/tables/IVRS exists: the firmware offers AMD-Vi");
  d.help.push_back(
      "enable VT-d or AMD-Vi (IOMMU) in the firmware; on Intel with a kernel before 6.8 add `intel_iommu=on`");
}

void iommu_firmware(const Facts& facts, Findings& findings) {
  if (!lacks_iommu(facts) || !known_without_tables(facts) || !facts.host->kernel.cpu_flags || is_guest(facts)) return;
  std::string table = is_intel(facts) ? "DMAR" : "IVRS", name = is_intel(facts) ? "VT-d" : "AMD-Vi (IOMMU)";
  Diagnostic& d = findings.add(Place("/sys/firmware/acpi/tables/" + table),
                               "the firmware offers no IOMMU: " + name + " is switched off there");
  d.notes.push_back("there is neither a DMAR nor an IVRS table; kernel parameters cannot help");
  d.help.push_back("enable " + name + " in the firmware's set-up; renew the firmware if it has no such switch");
}

void is_a_guest(const Facts& facts, Findings& findings) {
  if (!lacks_iommu(facts) || !known_without_tables(facts) || !is_guest(facts)) return;
  Diagnostic& d = findings.add(Place("/proc/cpuinfo"), "this host is a virtual machine without an IOMMU");
  d.notes.push_back("/proc/cpuinfo: flag hypervisor; /sys/firmware/acpi/tables: neither DMAR nor IVRS");
  d.help.push_back("give it one outside: `qm set VMID -machine q35,viommu=intel` on the outer host");
}

/// "off" of a comma list, as the kernel compares: by its beginning.
bool says_off(std::string_view option) { return option.substr(0, 3) == "off"; }

/// The argument that switches the IOMMU off: the last on or off of the vendor's own parameter, any iommu=off.
std::optional<KernelArgument> switched_off(const Facts& facts) {
  std::optional<KernelArgument> off;
  std::string_view own = is_amd(facts) ? "amd_iommu" : "intel_iommu";
  for (const KernelArgument& argument : running_arguments(facts)) {
    bool general = same_parameter(argument.name, "iommu");
    if (!general && !same_parameter(argument.name, own)) continue;
    for (std::string_view option : split(argument.value, ',')) {
      if (says_off(option)) off = argument;
      if (!general && option.substr(0, 2) == "on" && off && !same_parameter(off->name, "iommu")) off.reset();
    }
  }
  return off;
}

void iommu_cmdline_off(const Facts& facts, Findings& findings) {
  if (!lacks_iommu(facts) || (!is_intel(facts) && !is_amd(facts))) return;
  std::optional<KernelArgument> off = switched_off(facts);
  if (!off) return;
  Diagnostic& d = findings.add(running_place(facts, off->span), word(*off) + " switches the IOMMU off");
  d.labels.push_back({Place("/sys/class/iommu"), "empty"});
  std::vector<FileEdit> edits;
  if (const auto* next = next_arguments(facts))
    for (const ConfiguredArgument& c : *next) {
      if (!same_argument(c.argument, *off)) continue;
      d.labels.push_back({Place(c.source, c.span()), "configured here"});
      edits = remove_argument(c);
    }
  mend(d, "take it out, " + refresh_help(facts), Safety::unsafe, std::move(edits));
}

bool asks_for_intel(const std::vector<KernelArgument>& arguments) {
  for (const KernelArgument& argument : arguments)
    if (same_parameter(argument.name, "intel_iommu") && lists(argument.value, "on")) return true;
  return false;
}

void iommu_intel_default_off(const Facts& facts, Findings& findings) {
  auto version = kernel_version(facts);
  const Kernel& kernel = facts.host->kernel;
  if (!lacks_iommu(facts) || !is_intel(facts) || kernel.dmar_table != true || !kernel.command_line) return;
  if (!version || *version >= std::pair{6, 8} || switched_off(facts) || asks_for_intel(running_arguments(facts)))
    return;
  Diagnostic& d =
      findings.add(running_place(facts, {0, std::uint32_t(kernel.command_line->size())}),
                   "kernel " + *kernel.release + " does not turn VT-d on by itself, and `intel_iommu=on` is missing");
  d.notes.push_back("/sys/firmware/acpi/tables/DMAR exists, /sys/class/iommu is empty");
  std::vector<KernelArgument> configured;
  if (const auto* next = next_arguments(facts))
    for (const ConfiguredArgument& c : *next) configured.push_back(c.argument);
  if (asks_for_intel(configured)) return d.help.push_back(next_file(facts) + " has it: " + refresh_help(facts));
  label_end(d, facts, "this is what the boot loader reads");
  mend(d, "add `intel_iommu=on`, " + refresh_help(facts) + "; or use a kernel from 6.8 on", Safety::safe,
       add_arguments(facts, "intel_iommu=on"));
}

/// A line that attaches a physical device; mediated ones need no remapping.
const Assignment* physical_user(const Facts& facts) {
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& assignment : vm.assignments)
      if (!vm.foreign && !assignment.is_mdev()) return &assignment;
  return nullptr;
}

/// allow_unsafe_interrupts, read or (module not loaded yet) configured.
bool allows_unsafe(const Facts& facts) {
  if (facts.host->kernel.unsafe_interrupts == true) return true;
  return is_true(module_parameter(facts, "vfio_iommu_type1", "allow_unsafe_interrupts", true));
}

void intremap_missing(const Facts& facts, Findings& findings) {
  const Kernel& kernel = facts.host->kernel;
  const Assignment* user = physical_user(facts);
  if (!user || !is_x86(facts) || !kernel.iommus || kernel.iommus->empty()) return;
  if (!kernel.interrupt_remapping) return findings.unknown("interrupt remapping", "/proc/interrupts");
  if (*kernel.interrupt_remapping || !facts.boot->modprobe_known || allows_unsafe(facts)) return;
  Diagnostic& d =
      findings.add(Place("/proc/interrupts"), "interrupts are not remapped: vfio refuses to attach devices");
  d.notes.push_back("/proc/interrupts: " + kernel.interrupt_chips.value_or("no chip") +
                    ", no name that begins with IR-");
  d.notes.push_back("QEMU says \"Failed to set iommu for container: Operation not permitted\"");
  d.labels.push_back({Findings::place(*user), "this line needs it"});
  for (const KernelArgument& a : running_arguments(facts))
    if ((a.name == "intremap" && lists(a.value, "off")) || same_parameter(a.name, "nointremap"))
      d.labels.push_back({running_place(facts, a.span), "may be why"});
  d.help.push_back("enable interrupt remapping or x2APIC in the firmware");
  d.help.push_back(
      "as a last resort `options vfio_iommu_type1 allow_unsafe_interrupts=1`: a guest may then inject interrupts");
}

void unsafe_interrupts(const Facts& facts, Findings& findings) {
  const Kernel& kernel = facts.host->kernel;
  if (kernel.unsafe_interrupts != true || kernel.interrupt_remapping != true) return;
  const std::string path = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
  auto parameter = module_parameter(facts, "vfio_iommu_type1", "allow_unsafe_interrupts", true);
  Diagnostic& d = findings.add(parameter ? parameter->place : Place(path),
                               "unsafe interrupts are allowed although they are remapped");
  if (parameter) d.labels.push_back({Place(path), "Y"});
  d.notes.push_back("/proc/interrupts: " + kernel.interrupt_chips.value_or("IR-"));
  std::vector<FileEdit> edits;
  for (const PlacedDirective& directive : facts.boot->directives(DirectiveKind::options, "vfio_iommu_type1")) {
    bool same = parameter && parameter->place.source == directive.source &&
                directive.directive->span.contains(parameter->place.span.begin);
    if (same && joined_words(directive).size() == 1)
      edits = {remove_lines(directive.source, directive.directive->span)};
  }
  mend(d, "take the option out, " + initramfs_help(facts), Safety::safe, std::move(edits));
}

void acs_override(const Facts& facts, Findings& findings) {
  if (!may_carry_acs_patch(facts)) return;
  for (const KernelArgument& argument : running_arguments(facts)) {
    if (!same_parameter(argument.name, "pcie_acs_override")) continue;
    std::vector<std::string_view> options = split(argument.value, ',');
    if (std::all_of(options.begin(), options.end(), [](std::string_view o) { return !acs_fault(o).empty(); })) continue;
    Diagnostic& d = findings.add(running_place(facts, argument.span),
                                 word(argument) + " splits IOMMU groups that the hardware does not isolate");
    d.notes.push_back("devices of one true group reach each other's memory, across VMs and the host");
    d.help.push_back(
        "take it out where the groups are good without it (`hostpci groups`); else name one device: `id:10de:1b80`");
  }
}

bool on_vfio(const Host& host) {
  auto bound = [](const auto& entry) { return entry.second.driver == "vfio-pci"; };
  return std::any_of(host.devices.begin(), host.devices.end(), bound);
}

void vfio_module(const Facts& facts, Findings& findings) {
  const Kernel& kernel = facts.host->kernel;
  const Assignment* user = physical_user(facts);
  if (!user || kernel.modules_directory != false || !kernel.release || !kernel.modules) return;
  if (is_loaded(facts, "vfio_pci") || is_builtin(facts, "vfio_pci") || on_vfio(*facts.host)) return;
  Diagnostic& d = findings.add(Place("/lib/modules/" + *kernel.release),
                               "vfio-pci cannot be loaded: the running kernel has no modules");
  d.labels.push_back({Place("/proc/modules"), "no vfio_pci"});
  d.labels.push_back({Findings::place(*user), "this line needs it"});
  d.notes.push_back(
      "the kernel's package was removed or replaced since the boot; PVE says \"Cannot find vfio-pci module!\"");
  d.help.push_back("reboot into an installed kernel");
}

constexpr Rule table[] = {
    {.id = "host-iommu-absent",
     .severity = Severity::error,
     .summary = "no IOMMU is active, and a VM has hostpci lines",
     .why = "PVE looks into /sys/class/iommu before it starts such a VM and refuses if it is empty, also for mediated "
            "devices.",
     .bad = "# /sys/class/iommu\n# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /sys/class/iommu\ndmar0\n# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "enable VT-d or AMD-Vi in the firmware, or `intel_iommu=on` on kernels before 6.8",
     .fixable = Fixable::manual,
     .source = "pve-common SysFSTools.pm check_iommu_support",
     .host = iommu_absent},
    {.id = "host-iommu-firmware",
     .severity = Severity::error,
     .summary = "VT-d or AMD-Vi is switched off in the firmware",
     .why = "Without the ACPI table DMAR (Intel) or IVRS (AMD) the kernel has nothing to turn on.",
     .bad = "# /sys/class/iommu\n# /sys/firmware/acpi/tables\nAPIC FACP\n# /etc/pve/qemu-server/100.conf\nhostpci0: "
            "01:00\n",
     .good = "# /sys/class/iommu\n# /sys/firmware/acpi/tables\nAPIC DMAR FACP\n# "
             "/etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "enable it in the firmware's set-up",
     .fixable = Fixable::manual,
     .source = "linux drivers/iommu/intel/dmar.c, drivers/iommu/amd/init.c",
     .host = iommu_firmware},
    {.id = "host-iommu-cmdline-off",
     .severity = Severity::error,
     .summary = "the IOMMU is switched off on the kernel command line",
     .why = "`intel_iommu=off`, `amd_iommu=off` and `iommu=off` are leftovers of other cures.",
     .bad = "# /sys/class/iommu\n# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet intel_iommu=off\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet intel_iommu=on\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "take it out",
     .fixable = Fixable::automatic,
     .source = "linux intel/iommu.c, amd/init.c, arch/x86/kernel/pci-dma.c",
     .host = iommu_cmdline_off},
    {.id = "host-iommu-intel-default-off",
     .severity = Severity::error,
     .summary = "an Intel host with a kernel before 6.8 lacks `intel_iommu=on`",
     .why = "Proxmox's kernels turn VT-d on by themselves since 6.8 only.",
     .bad = "# /sys/class/iommu\n# /proc/sys/kernel/osrelease\n6.5.13-6-pve\n"
            "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz-6.5.13-6-pve root=/dev/sda1 ro quiet\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /proc/sys/kernel/osrelease\n6.5.13-6-pve\n"
             "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz-6.5.13-6-pve root=/dev/sda1 ro quiet intel_iommu=on\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "add `intel_iommu=on`, or use a newer kernel",
     .fixable = Fixable::automatic,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = iommu_intel_default_off},
    {.id = "host-is-guest",
     .severity = Severity::error,
     .summary = "the host is a virtual machine without an IOMMU",
     .why = "Passing on a device needs an emulated IOMMU in the outer machine.",
     .bad = "# /sys/class/iommu\n# /sys/firmware/acpi/tables\nAPIC FACP\n"
            "# /proc/cpuinfo\nvendor_id : GenuineIntel\nflags : fpu hypervisor vmx\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /proc/cpuinfo\nvendor_id : GenuineIntel\nflags : fpu hypervisor vmx\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "`machine: q35,viommu=intel` on the outer host",
     .fixable = Fixable::manual,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = is_a_guest},
    {.id = "host-intremap-missing",
     .severity = Severity::error,
     .summary = "the host does not remap interrupts",
     .why = "vfio_iommu_type1 refuses devices without interrupt remapping unless unsafe interrupts are allowed.",
     .bad = "# /proc/interrupts\nPCI-MSI-0000:00:17.0\n# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /proc/interrupts\nIR-PCI-MSI-0000:00:17.0\n# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "enable interrupt remapping or x2APIC in the firmware",
     .fixable = Fixable::manual,
     .source = "linux drivers/vfio/vfio_iommu_type1.c",
     .host = intremap_missing},
    {.id = "host-vfio-module",
     .severity = Severity::error,
     .summary = "vfio-pci is not loaded and cannot be: the running kernel's modules are gone",
     .why = "PVE loads vfio-pci when a VM starts. Of a kernel that was removed or replaced since the boot there is "
            "nothing to load.",
     .bad = "# /lib/modules/6.8.12-4-pve\n# /proc/modules\nkvm\n# /sys/bus/pci/devices/0000:01:00.0/driver\nnouveau\n"
            "# /sys/bus/pci/devices/0000:01:00.1/driver\nsnd_hda_intel\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .good = "# /lib/modules/6.8.12-4-pve\nkernel\nmodules.dep\n# /proc/modules\nkvm\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 01:00\n",
     .fix = "reboot into an installed kernel",
     .fixable = Fixable::assisted,
     .source = "pve-common SysFSTools.pm",
     .host = vfio_module},
    {.id = "host-unsafe-interrupts",
     .severity = Severity::warning,
     .summary = "unsafe interrupts are allowed although the host remaps them",
     .why = "A guest may then inject interrupts into the host; with remapping nothing needs it.",
     .bad = "# /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts\nY\n"
            "# /etc/modprobe.d/vfio.conf\noptions vfio_iommu_type1 allow_unsafe_interrupts=1\n",
     .good = "# /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts\nN\n",
     .fix = "take the option out",
     .fixable = Fixable::automatic,
     .source = "linux drivers/vfio/vfio_iommu_type1.c; pve-docs qm-pci-passthrough.adoc",
     .host = unsafe_interrupts},
    {.id = "host-acs-override",
     .severity = Severity::warning,
     .summary = "the ACS override patch is in use: the IOMMU groups are not true",
     .why = "The patch tells the kernel that devices are isolated which are not: they reach each other's memory, "
            "across VMs, and "
            "a reset may hit a neighbour.",
     .bad = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro pcie_acs_override=downstream,multifunction\n",
     .good = "# /proc/cmdline\nBOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro\n",
     .fix = "take it out, or name single devices",
     .fixable = Fixable::assisted,
     .source = "pve-kernel patches 0004-pci-Enable-overrides-for-missing-ACS-capabilities",
     .host = acs_override},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> host_rules = table;

}  // namespace hostpci
