// What the host has to do without once the VMs have their devices, by name.
#include <algorithm>

#include "plan/parts.hpp"
#include "rules/device.hpp"

namespace hostpci {
namespace {

/// ", your management address": what a critical use is to the host.
std::string meaning(const Use& use) {
  if (!use.critical) return "";
  switch (use.kind) {
    case UseKind::disk:
    case UseKind::filesystem:
    case UseKind::swap:
      return ", which the host runs from";
    case UseKind::net:
    case UseKind::bridge_port:
      return ", your management address";
    default:
      return ", the host's only console";
  }
}

/// "bridge port eno1: vmbr0 192.0.2.10/24 (default route), your management address".
std::string words(const Use& use) {
  std::string kind(name(use.kind));
  std::replace(kind.begin(), kind.end(), '_', ' ');
  return kind + " " + use.name + (use.detail.empty() ? "" : ": " + use.detail) + meaning(use);
}

}  // namespace

void plan_losses(Workspace& work) {
  std::vector<Loss>& losses = work.plan.losses;
  for (const VmFacts* vm : work.vms())
    for (const HostLoss& loss : host_losses(work.facts(), *vm)) {
      std::string what = words(*loss.use) + " (VM " + std::to_string(vm->vm->vmid);
      if (loss.named != loss.carrier)
        what +=
            ", with " + loss.named->address.str() + " in IOMMU group " + std::to_string(loss.named->group.value_or(-1));
      losses.push_back({loss.carrier->address.str(), what + ")", loss.use->critical});
    }
  std::stable_sort(losses.begin(), losses.end(), [](const Loss& a, const Loss& b) { return a.critical > b.critical; });
  losses.erase(std::unique(losses.begin(), losses.end()), losses.end());
}

}  // namespace hostpci
