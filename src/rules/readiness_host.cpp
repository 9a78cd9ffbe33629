// The readiness checks of the running host: packages, kernel, processor, IOMMU, interrupts, groups, vfio, boot loader.
#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "rules/readiness_parts.hpp"
#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool iommu_active(const Facts& facts) { return facts.host->kernel.iommus && !facts.host->kernel.iommus->empty(); }

Check check_packages(const Facts& facts) {
  const auto& packages = facts.host->packages;
  const std::string path = "/var/lib/dpkg/status";
  if (packages.empty())
    return unknown("packages", "whether Proxmox VE is installed is not known", path,
                   "could not be read, or is no list of packages");
  if (!is_pve(facts))
    return passed("packages", "Proxmox VE is not installed here", {{path, "no qemu-server, no pve-manager"}});
  std::vector<std::string> versions;
  for (std::string_view wanted : {"pve-manager", "qemu-server", "pve-qemu-kvm", "libpve-guest-common-perl"})
    if (auto at = packages.find(std::string(wanted)); at != packages.end())
      versions.push_back(at->first + " " + at->second);
  Check check = passed("packages", "Proxmox VE is installed", {{path, join(versions, ", ")}});
  if (packages.count("qemu-server")) return check;
  check.status = CheckStatus::warn;
  check.message = "Proxmox VE is installed without qemu-server: no VM can run";
  check.mend = "install it";
  check.commands = {"apt install proxmox-ve"};
  return check;
}

Check check_kernel(const Facts& facts) {
  const auto& release = facts.host->kernel.release;
  if (!release) return unknown("kernel", "its release is not known", "/proc/sys/kernel/osrelease");
  bool foreign = is_pve(facts) && !is_pve_kernel(facts);
  Check check = passed("kernel", is_pve_kernel(facts) ? "one of Proxmox's" : "not one of Proxmox's",
                       {{"/proc/sys/kernel/osrelease", *release}});
  if (!foreign) return check;
  check.status = CheckStatus::warn;
  check.mend = "boot one of Proxmox's kernels: others are not tested with it";
  check.commands = {"apt install proxmox-default-kernel", "reboot"};
  return check;
}

bool has_flag(const std::vector<std::string>& flags, std::string_view flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

Check check_processor(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  if (!kernel.cpu_flags) return unknown("processor", "whether it virtualizes is not known", "/proc/cpuinfo");
  for (std::string_view flag : {"vmx", "svm"})
    if (has_flag(*kernel.cpu_flags, flag))
      return passed("processor", "virtualizes", {{"/proc/cpuinfo", "flag " + std::string(flag)}});
  if (!is_x86(facts))
    return unknown("processor", "whether it virtualizes is not judged on this architecture", "/proc/cpuinfo");
  Check check = passed("processor", "shows no virtualization: VMs run without KVM, if at all",
                       {{"/proc/cpuinfo", "no flag vmx, no flag svm"}});
  check.status = CheckStatus::warn;
  bool guest = has_flag(*kernel.cpu_flags, "hypervisor");
  check.mend = guest
                   ? "switch nested virtualization on in the hypervisor around it; on an outer Proxmox VE: `cpu: host`"
                   : "switch VT-x or SVM on in the firmware's set-up";
  if (!guest) check.commands = {kernel.efi == true ? "systemctl reboot --firmware-setup" : "reboot"};
  return check;
}

Check check_guest(const Facts& facts) {
  if (in_container(facts)) {
    Check check = passed("guest", "this is a container: the devices are its host's, and only there can they be judged",
                         {{*facts.host->kernel.container, "exists"}});
    check.status = CheckStatus::warn;
    check.mend = "run hostpci on the host, or give it the host's facts with `--host`";
    return check;
  }
  const auto& flags = facts.host->kernel.cpu_flags;
  if (!flags) return unknown("guest", "whether this host is a virtual machine is not known", "/proc/cpuinfo");
  if (!has_flag(*flags, "hypervisor"))
    return passed("guest", "not a virtual machine itself", {{"/proc/cpuinfo", "no flag hypervisor"}});
  Check check = passed("guest", "this host is itself a virtual machine", {{"/proc/cpuinfo", "flag hypervisor"}});
  if (iommu_active(facts)) check.message += ", with an emulated IOMMU";
  return check;
}

/// The rule of lint that tells of a missing IOMMU with that cause.
std::string rule_of(std::string_view cause) {
  if (cause == "firmware") return "host-iommu-firmware";
  if (cause == "command-line") return "host-iommu-cmdline-off";
  if (cause == "kernel") return "host-iommu-intel-default-off";
  return cause == "guest" ? "host-is-guest" : "host-iommu-absent";
}

Check check_iommu(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  if (!kernel.iommus) return unknown("iommu", "whether there is an IOMMU is not known", "/sys/class/iommu");
  if (kernel.iommus->empty()) {
    IommuCause c = find_iommu_cause(facts);
    std::string message = "no IOMMU: " + c.message + " (" + std::string(c.certainty) + ")";
    return {"iommu", fault(facts), std::move(message), std::move(c.evidence), std::move(c.mend), std::move(c.commands),
            c.cause, c.certainty,  {rule_of(c.cause)}};
  }
  std::size_t groups = facts.host->group_ids().size();
  Check check = passed("iommu", "active", {{"/sys/class/iommu", join(*kernel.iommus, " ")}});
  if (facts.host->groups_known != true) return check;
  check.evidence.push_back({"/sys/kernel/iommu_groups", count(groups, "group")});
  if (groups > 0) return check;
  check.status = fault(facts);
  check.message = "there, but no device has an IOMMU group";
  check.mend = "look what the kernel says of it";
  check.commands = {"journalctl -k -b --grep 'DMAR|AMD-Vi|iommu'"};
  return check;
}

Check check_remapping(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  const std::string path = "/proc/interrupts", chip = kernel.interrupt_chips.value_or("");
  if (!is_x86(facts) && facts.host->architecture)
    return unknown("interrupt-remapping", "not judged on this architecture", path);
  if (!kernel.interrupt_remapping)
    return unknown("interrupt-remapping", "whether interrupts are remapped is not known", path);
  if (*kernel.interrupt_remapping) return passed("interrupt-remapping", "on", {{path, chip}});
  if (!iommu_active(facts))
    return unknown("interrupt-remapping", "not judged without an IOMMU, which it comes with", path, chip);
  Check check = passed("interrupt-remapping", "off: no interrupt chip is named IR-", {{path, chip}});
  check.status = CheckStatus::warn;
  check.rules = {"host-intremap-missing"};
  check.mend =
      "switch interrupt remapping or x2APIC on in the firmware's set-up, and take `intremap=off` from the kernel "
      "command line";
  check.commands = {kernel.efi == true ? "systemctl reboot --firmware-setup" : "reboot"};
  if (kernel.unsafe_interrupts != false) return check;
  check.status = fault(facts);
  check.message += "; vfio refuses every device";
  return check;
}

Check check_unsafe(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  const std::string path = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
  if (!kernel.unsafe_interrupts) return unknown("unsafe-interrupts", "whether they are allowed is not known", path);
  if (!*kernel.unsafe_interrupts)
    return passed("unsafe-interrupts", "not allowed", {{path, "N, or the module is not loaded"}});
  Check check = passed("unsafe-interrupts", "allowed: a guest can inject interrupts into the host", {{path, "Y"}});
  if (kernel.interrupt_remapping == true) check.message += ", and nothing here needs it";
  check.status = CheckStatus::warn;
  check.rules = {"host-unsafe-interrupts"};
  auto set = module_parameter(facts, "vfio_iommu_type1", "allow_unsafe_interrupts", true);
  if (set) check.evidence.push_back({set->place.file(), "allow_unsafe_interrupts=" + set->value});
  check.mend = "take `allow_unsafe_interrupts` out of " + (set ? set->place.file() : std::string("/etc/modprobe.d")) +
               ", " + initramfs_help(facts);
  check.commands = {"update-initramfs -u -k all", "reboot"};
  return check;
}

/// Endpoints of groups that hold more than one card.
std::vector<int> shared_groups(const Host& host, std::size_t& devices) {
  std::vector<int> shared;
  for (int id : host.group_ids()) {
    std::set<std::string> slots;
    std::size_t endpoints = 0;
    for (const Device* d : host.group(id))
      if (!is_any_bridge(*d)) slots.insert(d->address.slot()), ++endpoints;
    if (slots.size() < 2) continue;
    shared.push_back(id);
    devices += endpoints;
  }
  return shared;
}

Check check_groups(const Facts& facts) {
  const Host& host = *facts.host;
  const std::string path = "/sys/kernel/iommu_groups";
  if (host.groups_known != true) return unknown("groups", "the IOMMU groups are not known", path);
  std::size_t all = host.group_ids().size(), devices = 0;
  if (all == 0) return passed("groups", "none without an IOMMU", {{path, "empty"}});
  std::vector<int> shared = shared_groups(host, devices);
  if (shared.empty())
    return passed("groups", "each of " + count(all, "group") + " holds a single card", {{path, count(all, "group")}});
  std::vector<std::string> ids;
  for (int id : shared) ids.push_back(std::to_string(id));
  return passed("groups",
                std::to_string(shared.size()) + " of " + count(all, "group") +
                    (shared.size() == 1 ? " holds" : " hold") + " several cards, " + count(devices, "device") +
                    " in all: see `hostpci groups`",
                {{path, join(ids, " ")}});
}

Check check_acs(const Facts& facts) {
  if (!facts.host->kernel.command_line)
    return unknown("acs-override", "whether groups are split by force is not known", "/proc/cmdline");
  for (const KernelArgument& a : running_arguments(facts)) {
    if (!same_parameter(a.name, "pcie_acs_override") || a.value.empty()) continue;
    Check check =
        passed("acs-override", "on: the groups do not keep devices apart, they may still reach each other's memory",
               {{"/proc/cmdline", std::string(a.text)}});
    check.status = CheckStatus::warn;
    check.rules = {"host-acs-override"};
    check.mend = "take it out unless a group cannot be had otherwise, " + refresh_help(facts);
    check.commands = refresh_commands(facts);
    return check;
  }
  return passed("acs-override", "off: the groups are the hardware's", {{"/proc/cmdline", "no pcie_acs_override="}});
}

Check check_vfio(const Facts& facts) {
  const Kernel& kernel = facts.host->kernel;
  if (is_builtin(facts, "vfio_pci")) return passed("vfio", "vfio_pci is built in", {{"modules.builtin", "vfio_pci"}});
  if (is_loaded(facts, "vfio_pci")) return passed("vfio", "vfio_pci is loaded", {{"/proc/modules", "vfio_pci"}});
  if (!kernel.modules) return unknown("vfio", "whether vfio_pci is loaded is not known", "/proc/modules");
  std::string directory = "/lib/modules/" + kernel.release.value_or("RELEASE");
  if (kernel.builtin)
    return passed("vfio", "vfio_pci is not loaded; Proxmox VE loads it when a VM starts",
                  {{"/proc/modules", "no vfio_pci"}, {directory, "there"}});
  Check check =
      unknown("vfio", "vfio_pci is not loaded, and whether the running kernel's modules are installed is not known",
              directory + "/modules.builtin");
  check.mend = "if a kernel upgrade removed them: reboot into an installed kernel";
  if (kernel.modules_directory == false && needs_passthrough(facts)) {
    check.status = CheckStatus::fail;
    check.message = "vfio_pci is not loaded and cannot be: the running kernel's modules are gone";
    check.evidence = {{"/proc/modules", "no vfio_pci"}, {directory, "not there"}};
    check.rules = {"host-vfio-module"};
  }
  check.commands = {"reboot"};
  return check;
}

/// "PATH: VALUE" taken apart.
Evidence cut(const std::string& text) {
  std::size_t colon = text.find(": ");
  return colon == std::string::npos ? Evidence{text, ""} : Evidence{text.substr(0, colon), text.substr(colon + 2)};
}

Check check_loader(const Facts& facts) {
  if (facts.bootloader == Bootloader::unknown) {
    Check check = unknown("boot-loader", "which one decides the kernel command line is not known", "/proc/cmdline");
    check.evidence = {};
    if (!facts.bootloader_evidence.empty()) check.message += ": " + facts.bootloader_evidence;
    check.commands = {"proxmox-boot-tool status"};
    check.mend = is_pve(facts) ? "ask it" : "";
    if (!is_pve(facts)) check.commands.clear();
    return check;
  }
  std::string loader = facts.bootloader == Bootloader::grub ? "GRUB" : "systemd-boot";
  Check check = passed(
      "boot-loader",
      loader + "; the command line is in " + next_file(facts) + ", then " + quoted(refresh_commands(facts).front()),
      {});
  if (!facts.bootloader_evidence.empty()) check.evidence.push_back(cut(facts.bootloader_evidence));
  return check;
}

}  // namespace

std::vector<Check> check_running_host(const Facts& facts) {
  std::vector<Check> checks;
  for (auto check : {check_packages, check_kernel, check_processor, check_guest, check_iommu, check_remapping,
                     check_unsafe, check_groups, check_acs, check_vfio, check_loader})
    checks.push_back(check(facts));
  return checks;
}

}  // namespace hostpci
