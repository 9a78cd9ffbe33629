// Rules about kernel arguments and modules of the host's graphics: framebuffers, GVT-g, SR-IOV of Intel's graphics, BAR
// space.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(const BootArgument& a) { return "`" + std::string(a.argument.text) + "`"; }

bool is_framebuffer(std::string_view name) {
  constexpr std::string_view names[] = {"efifb", "vesafb", "simplefb", "simpledrm", "vesa", "astdrmfb"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// "efifb:off" -> "off": what is behind the first colon.
std::string_view behind_colon(std::string_view value) {
  std::size_t colon = value.find(':');
  return colon == value.npos ? std::string_view() : value.substr(colon + 1);
}

bool turns_framebuffer_off(const KernelArgument& a) {
  return is_framebuffer(a.value.substr(0, a.value.find(':'))) && behind_colon(a.value).substr(0, 3) == "off";
}

void video_off_obsolete(const Facts& facts, Findings& findings) {
  auto version = kernel_version(facts);
  if (!is_pve_kernel(facts) || !version || *version < std::pair{5, 15}) return;
  for (const BootArgument& a : boot_arguments(facts, "video")) {
    if (!turns_framebuffer_off(a.argument)) continue;
    Diagnostic& d = findings.add(a.place, quoted(a) + " has no effect on kernel " + *facts.host->kernel.release);
    d.notes.push_back(
        "since 5.15 the firmware's framebuffer is a simple-framebuffer device, which does not read this option");
    d.help.push_back("bind the graphics card to vfio-pci at boot (`options vfio-pci ids=`): that frees its memory");
    offer_removal(d, a, facts);
  }
}

void video_comma(const Facts& facts, Findings& findings) {
  for (const BootArgument& a : boot_arguments(facts, "video")) {
    if (!is_framebuffer(a.argument.value.substr(0, a.argument.value.find(':')))) continue;
    auto parts = split(behind_colon(a.argument.value), ',');
    auto second = std::find_if(parts.begin(), parts.end(), [](std::string_view p) { return p.find(':') != p.npos; });
    if (second == parts.end()) continue;
    Diagnostic& d = findings.add(a.place, "`" + std::string(*second) + "` is not read: one `video=` names one driver");
    d.notes.push_back("what stands behind the first colon is that driver's option");
    offer_removal(d, a, facts);
  }
}

void sysfb_blacklist(const Facts& facts, Findings& findings) {
  for (const BootArgument& a : boot_arguments(facts, "initcall_blacklist")) {
    if (!lists(a.argument.value, "sysfb_init")) continue;
    Diagnostic& d =
        findings.add(a.place, quoted(a) + " leaves the host without a screen until a graphics driver takes one");
    const Fact<std::string>& bootfb = facts.host->kernel.bootfb;
    if (bootfb && !bootfb->empty()) d.notes.push_back("/proc/iomem: " + *bootfb + ": it did not work here");
    d.help.push_back("a VGA card (class 0300) that is bound to vfio-pci at boot does not need it");
  }
}

/// The line takes a virtual function of Intel's graphics, or a GVT-g device.
bool needs_intel_graphics(const Assignment& assignment) {
  for (const Device* device : assignment.devices)
    if (device->is_gpu() && device->id && device->id->vendor == 0x8086 && (device->is_vf() || assignment.is_mdev()))
      return true;
  return false;
}

const Assignment* user_of_intel_graphics(const Facts& facts) {
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& assignment : vm.assignments)
      if (needs_intel_graphics(assignment)) return &assignment;
  return nullptr;
}

void nomodeset(const Facts& facts, Findings& findings) {
  const Assignment* user = user_of_intel_graphics(facts);
  if (!user) return;
  for (const BootArgument& a : boot_arguments(facts, "nomodeset")) {
    Diagnostic& d = findings.add(a.place, "`nomodeset` keeps i915 and xe from loading: no virtual functions, no GVT-g");
    d.labels.push_back({Findings::place(*user), "this line needs them"});
    offer_removal(d, a, facts, Safety::unsafe);
  }
}

constexpr std::uint64_t unset = 0x20000000, memory = 0x200;  // linux/ioport.h IORESOURCE_UNSET, IORESOURCE_MEM

const Device* with_unassigned_bar(const Host& host) {
  for (const auto& [address, device] : host.devices) {
    if (!device.bars || device.is_bridge()) continue;
    for (const Bar& bar : *device.bars)
      if ((bar.flags & unset) && (bar.flags & memory) && bar.size()) return &device;
  }
  return nullptr;
}

void realloc_off(const Facts& facts, Findings& findings) {
  const Device* device = with_unassigned_bar(*facts.host);
  if (!device) return;
  for (const BootArgument& a : boot_arguments(facts, "pci")) {
    if (!lists(a.argument.value, "realloc=off")) continue;
    Diagnostic& d = findings.add(a.place, quoted(a) + " forbids the kernel to make room for memory that is missing");
    d.labels.push_back(
        {Place(device_path(device->address, "resource")), "a memory BAR of " + describe(*device) + " has no address"});
    d.help.push_back("write `pci=realloc`, or take it out; " + refresh_help(facts));
  }
}

void gvt_guc_conflict(const Facts& facts, Findings& findings) {
  auto gvt = module_parameter(facts, "i915", "enable_gvt", false),
       guc = module_parameter(facts, "i915", "enable_guc", false);
  if (!is_true(gvt) || !guc) return;
  auto mask = number(guc->value);
  if (!mask || *mask % 2 == 0) return;
  Diagnostic& d = findings.add(
      guc->place, "`enable_guc=" + guc->value + "` and `enable_gvt=1` exclude each other: i915 refuses GVT-g");
  d.labels.push_back({gvt->place, "GVT-g is asked for here"});
  d.help.push_back("write `enable_guc=0` for GVT-g; 3 is for SR-IOV only");
}

/// Intel's integrated graphics of the 5th to 10th generation by the device id's upper byte (i915 intel_gvt.c).
bool may_have_gvt(const Device& device) {
  if (!device.is_gpu() || !device.id || device.id->vendor != 0x8086 || device.is_vf()) return false;
  constexpr std::uint8_t families[] = {0x16, 0x19, 0x1a, 0x59, 0x5a, 0x3e, 0x87, 0x9b};
  return std::find(std::begin(families), std::end(families), device.id->device >> 8) != std::end(families);
}

void kvmgt_missing(const Facts& facts, Findings& findings) {
  auto gvt = module_parameter(facts, "i915", "enable_gvt", true);
  if (!is_true(gvt) || !facts.host->kernel.modules || is_loaded(facts, "kvmgt") || is_builtin(facts, "kvmgt")) return;
  if (!is_loaded(facts, "i915") || is_listed(facts.boot->boot_modules, "kvmgt")) return;
  for (const auto& [address, device] : facts.host->devices) {
    if (!may_have_gvt(device) || device.driver != "i915") continue;
    Diagnostic& d = findings.add(gvt->place, "GVT-g is enabled, but the module `kvmgt` is not loaded");
    d.labels.push_back({Place("/proc/modules"), "no `kvmgt`: " + describe(device) + " offers no types"});
    std::vector<FileEdit> edits;
    if (SourcePtr modules = facts.boot->source("/etc/modules")) edits = {append_line(modules, "kvmgt")};
    mend(d, "add `kvmgt` to /etc/modules, then `modprobe kvmgt`", Safety::safe, std::move(edits));
  }
}

void xe_vs_i915(const Facts& facts, Findings& findings) {
  auto vfs = module_parameter(facts, "i915", "max_vfs", true);
  if (!vfs || is_blacklisted(facts, "xe")) return;
  for (const auto& [address, device] : facts.host->devices) {
    if (!device.is_gpu() || device.is_vf() || device.driver != "xe") continue;
    Diagnostic& d = findings.add(vfs->place, "`i915.max_vfs` is set, but the driver xe has taken the graphics");
    d.labels.push_back({Place(device_path(device.address, "driver")), describe(device) + ": xe"});
    d.help.push_back("`module_blacklist=xe` gives it back to i915; or use xe's own SR-IOV");
  }
}

/// The parameter exists in Intel's out-of-tree module only.
bool lacks_max_vfs(const Facts& facts) {
  const auto& parameters = facts.host->kernel.parameters;
  return parameters && !parameters->count("i915.max_vfs") && is_loaded(facts, "i915");
}

void i915_sriov_dkms(const Facts& facts, Findings& findings) {
  auto vfs = module_parameter(facts, "i915", "max_vfs", true);
  if (!vfs || vfs->value == "0" || !lacks_max_vfs(facts)) return;
  for (const auto& [address, device] : facts.host->devices) {
    if (!device.is_gpu() || device.is_vf() || device.driver != "i915") continue;
    Diagnostic& d = findings.add(vfs->place, "the i915 that is loaded knows no `max_vfs`: no virtual functions");
    d.labels.push_back({Place("/sys/module/i915/parameters"), "no max_vfs: it is the kernel's own module"});
    std::string release = facts.host->kernel.release.value_or("$(uname -r)");
    d.help.push_back("build i915-sriov-dkms for this kernel: `apt install proxmox-headers-" + release +
                     "`, `dkms autoinstall`, " + initramfs_help(facts));
    return;
  }
}

constexpr Rule table[] = {
    {.id = "setup-video-off-obsolete",
     .severity = Severity::warning,
     .summary = "`video=efifb:off` and its kin have no effect",
     .why = "Since kernel 5.15 the firmware's framebuffer is a simple-framebuffer device, driven by simpledrm, which "
            "does not "
            "read these options. The kernel takes it off a VGA card by itself when vfio-pci binds the card.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet video=efifb:off\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet video=1920x1080\"\n",
     .fix = "take it out and bind the card early",
     .fixable = Fixable::automatic,
     .source = "pve-kernel debian/rules (SYSFB_SIMPLEFB, DRM_SIMPLEDRM); linux drivers/firmware/sysfb.c",
     .host = video_off_obsolete},
    {.id = "setup-video-comma",
     .severity = Severity::info,
     .summary = "one `video=` is meant for several drivers",
     .why = "The text before the first colon is the driver, all behind it is that driver's option: of "
            "`video=vesafb:off,efifb:off` efifb sees nothing.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet video=vesafb:off,efifb:off\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet video=vesafb:off video=efifb:off\"\n",
     .fix = "take it out: on current kernels none of them works",
     .fixable = Fixable::automatic,
     .source = "linux drivers/video/cmdline.c",
     .host = video_comma},
    {.id = "setup-sysfb-blacklist",
     .severity = Severity::info,
     .summary = "the firmware's framebuffer is switched off",
     .why = "`initcall_blacklist=sysfb_init` frees the memory of a card whose screen the firmware used. Without "
            "another driver "
            "the host then has no screen. A class 0300 card that vfio-pci takes at boot does not need it.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet initcall_blacklist=sysfb_init\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n",
     .fix = "take it out where the card is bound at boot; keep it for cards that are bound late",
     .fixable = Fixable::assisted,
     .source = "linux drivers/vfio/pci/vfio_pci_core.c",
     .host = sysfb_blacklist},
    {.id = "setup-nomodeset",
     .severity = Severity::warning,
     .summary = "`nomodeset` blocks the graphics driver that a VM's device needs",
     .why = "DRM drivers refuse to load with it: i915 and xe then offer neither virtual functions nor GVT-g types.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet nomodeset\"\n"
            "# /etc/pve/qemu-server/100.conf\nhostpci0: 00:02.0,mdev=i915-GVTg_V5_4\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
             "# /etc/pve/qemu-server/100.conf\nhostpci0: 00:02.0,mdev=i915-GVTg_V5_4\n",
     .fix = "take it out",
     .fixable = Fixable::automatic,
     .source = "linux drivers/gpu/drm",
     .host = nomodeset},
    {.id = "setup-realloc-off",
     .severity = Severity::info,
     .summary = "`pci=realloc=off` while memory of a device is missing",
     .why = "The kernel may then not move bridge windows to make room, which large BARs and virtual functions need.",
     .bad = "# /sys/bus/pci/devices/0000:04:00.0/resource\n0x0-0xfffffff 0x20140204\n"
            "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet pci=realloc=off\"\n",
     .good = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet pci=realloc=off\"\n",
     .fix = "write `pci=realloc`, or take it out",
     .fixable = Fixable::assisted,
     .source = "linux drivers/pci/setup-bus.c",
     .host = realloc_off},
    {.id = "setup-gvt-guc-conflict",
     .severity = Severity::error,
     .summary = "GVT-g and GuC submission are both asked for",
     .why = "i915 refuses GVT-g when GuC submission is on (an odd enable_guc): no types appear.",
     .bad = "# /etc/modprobe.d/i915.conf\noptions i915 enable_gvt=1 enable_guc=3\n",
     .good = "# /etc/modprobe.d/i915.conf\noptions i915 enable_gvt=1 enable_guc=0\n",
     .fix = "write `enable_guc=0`",
     .fixable = Fixable::automatic,
     .source = "linux drivers/gpu/drm/i915/intel_gvt.c",
     .host = gvt_guc_conflict},
    {.id = "setup-kvmgt-missing",
     .severity = Severity::warning,
     .summary = "GVT-g is enabled, but kvmgt is not loaded",
     .why = "Nothing loads kvmgt by itself; without it the graphics offer no mediated types.",
     .bad = "# /proc/modules\ni915 vfio vfio_pci\n# /etc/modules\nvfio_pci\n",
     .good = "# /proc/modules\ni915 kvmgt vfio vfio_pci\n# /etc/modules\nkvmgt\n",
     .fix = "add kvmgt to /etc/modules",
     .fixable = Fixable::automatic,
     .source = "pve-docs qm-pci-passthrough.adoc",
     .host = kvmgt_missing},
    {.id = "setup-i915-sriov-dkms",
     .severity = Severity::error,
     .summary = "`i915.max_vfs` is set, but the module that knows it is not loaded",
     .why = "Virtual functions of Intel's graphics come from i915-sriov-dkms on these kernels. After a kernel upgrade "
            "without headers it is not built, and the kernel's own i915 passes over the parameter.",
     .bad = "# /sys/module/i915/parameters\nenable_guc\n# /etc/modprobe.d/i915.conf\noptions i915 max_vfs=7\n",
     .good = "# /sys/module/i915/parameters\nenable_guc\nmax_vfs\n"
             "# /etc/modprobe.d/i915.conf\noptions i915 max_vfs=7\n",
     .fix = "install the kernel's headers and build the module, or boot a kernel that has it",
     .fixable = Fixable::assisted,
     .source = "i915-sriov-dkms README",
     .host = i915_sriov_dkms},
    {.id = "setup-xe-vs-i915",
     .severity = Severity::warning,
     .summary = "xe took the graphics that i915's SR-IOV module was meant for",
     .why = "Newer kernels bind xe to the graphics that i915-sriov-dkms serves; i915.max_vfs then has no effect.",
     .bad = "# /sys/bus/pci/devices/0000:00:02.0/driver\nxe\n# /etc/modprobe.d/i915.conf\noptions i915 max_vfs=7\n",
     .good = "# /etc/modprobe.d/i915.conf\noptions i915 max_vfs=7\n",
     .fix = "add `module_blacklist=xe`, or use xe's own SR-IOV",
     .fixable = Fixable::assisted,
     .source = "i915-sriov-dkms README",
     .host = xe_vs_i915},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_graphics_rules = table;

}  // namespace hostpci
