// Modules at boot and their options: what GVT-g and vGPU need, what no longer exists, and unsafe interrupts if they
// were asked for.
#include <algorithm>

#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/device_mdev.hpp"
#include "rules/setup.hpp"

namespace hostpci {
namespace {

void drop_virqfd(Workspace& work) {
  if (findings_of_rule(work, "setup-vfio-virqfd").empty()) return;
  work.arrange([](BootDraft& draft) { return draft.drop_module("vfio_virqfd"); },
               "`vfio_virqfd` is part of vfio since kernel 6.2 (setup-vfio-virqfd)");
}

/// A line of a wanted VM with a mediated type that begins so, and the device it is made on.
const Device* parent_of(Workspace& work, std::string_view type) {
  for (const VmFacts* vm : work.vms())
    for (const Assignment& a : vm->assignments)
      if (a.is_mdev() && a.parsed().text(HostpciKey::mdev).starts_with(type) && a.first) return a.first;
  return nullptr;
}

// GVT-g
// ----------------------------------------------------------------------------------------------------------------

/// The kernel knows GVT-g on this device at all.
bool may_have_gvt(Workspace& work) { return findings_of_rule(work, "device-gvtg-unsupported").empty(); }

void enable_gvt(Workspace& work) {
  const Device* gpu = parent_of(work, "i915-GVTg");
  if (!gpu || !gpu->id || gpu->id->vendor != 0x8086 || !may_have_gvt(work)) return;
  bool offered = gpu->mdev_types && !gpu->mdev_types->empty();
  std::string name = quoted(*gpu);
  if (!is_true(module_parameter(work.facts(), "i915", "enable_gvt", false)))
    work.arrange([](BootDraft& draft) { return draft.add_option("i915", "enable_gvt", "1"); },
                 "i915 offers mediated devices on " + name + " only with GVT-g enabled");
  if (!findings_of_rule(work, "setup-gvt-guc-conflict").empty())
    work.arrange([](BootDraft& draft) { return draft.add_option("i915", "enable_guc", "0"); },
                 "i915 refuses GVT-g while GuC submission is on (setup-gvt-guc-conflict)");
  if (!is_builtin(work.facts(), "kvmgt"))
    work.arrange([](BootDraft& draft) { return draft.add_boot_module("kvmgt"); },
                 "nothing loads `kvmgt` by itself, and without it " + name + " offers no types (setup-kvmgt-missing)");
  if (offered) return;
  work.reboot(name + " offers mediated devices (GVT-g)");
  for (const char* rule : {"device-mdev-unsupported", "device-mdev-type-unknown"}) work.mended(rule);
}

// vGPU
// -----------------------------------------------------------------------------------------------------------------

/// NVIDIA's host driver makes the types; nouveau must not take the card before it, and nothing gentler than a blacklist
/// keeps a module away from a device that another driver than vfio-pci is to have.
void keep_nouveau_away(Workspace& work) {
  const Device* gpu = parent_of(work, "nvidia-");
  if (!gpu || !gpu->id || gpu->id->vendor != 0x10de || gpu->driver != "nouveau" ||
      is_blacklisted(work.facts(), "nouveau"))
    return;
  std::string name = quoted(*gpu);
  if (!work.arrange([](BootDraft& draft) { return draft.add_blacklist("nouveau"); },
                    "`nouveau` would take " + name + " from NVIDIA's own driver, which makes the vGPUs"))
    return;
  work.reboot("`nouveau` leaves " + name + " to NVIDIA's driver");
}

/// Virtual functions of NVIDIA's cards come from a unit of Proxmox VE's.
void ask_for_functions(Workspace& work) {
  for (const VmFacts* vm : work.vms())
    for (const Assignment& a : vm->assignments)
      for (const Device* d : a.devices) {
        bool lacks = d->id && d->id->vendor == 0x10de && !d->is_vf() && d->sriov_totalvfs.value_or(0) > 0 &&
                     d->sriov_numvfs == 0u;
        if (!lacks || !a.is_mdev()) continue;
        PlannedCommand command{{"systemctl", "enable", "--now", "pve-nvidia-sriov@" + d->address.str() + ".service"},
                               quoted(*d) +
                                   " makes its vGPUs on virtual functions, which this unit of pve-nvidia-vgpu-helper "
                                   "creates at every boot"};
        auto& list = work.plan.by_hand;
        if (std::find(list.begin(), list.end(), command) == list.end()) list.push_back(std::move(command));
      }
}

// Interrupts
// -----------------------------------------------------------------------------------------------------------

void allow_unsafe_interrupts(Workspace& work) {
  if (!work.goal.unsafe_interrupts) return;
  if (work.host().kernel.interrupt_remapping == true)
    return work.note("interrupts are remapped on this host: `allow_unsafe_interrupts` is not needed and not put in");
  bool made = work.arrange(
      [](BootDraft& draft) { return draft.add_option("vfio_iommu_type1", "allow_unsafe_interrupts", "1"); },
      "asked for: vfio attaches devices without interrupt remapping, and a guest can inject interrupts into the host");
  if (!made) return;
  work.mended("host-intremap-missing");
  if (work.host().kernel.unsafe_interrupts != true) work.reboot("vfio_iommu_type1 allows unsafe interrupts");
}

void keep_awake(Workspace& work) {
  if (findings_of_rule(work, "setup-disable-idle-d3").empty()) return;
  work.arrange([](BootDraft& draft) { return draft.add_option("vfio_pci", "disable_idle_d3", "1"); },
               "a device did not wake up from its sleep (setup-disable-idle-d3)");
}

}  // namespace

void plan_modules(Workspace& work) {
  drop_virqfd(work);
  enable_gvt(work);
  keep_nouveau_away(work);
  ask_for_functions(work);
  allow_unsafe_interrupts(work);
  keep_awake(work);
}

}  // namespace hostpci
