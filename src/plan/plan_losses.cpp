// What the host has to do without once the VMs have their devices, by name.
#include <algorithm>

#include "plan/boot_order.hpp"
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

/// Of a class where the host would miss it; a function without a driver carries nothing.
bool may_matter(const Device& d) {
  bool kind = d.has_class(0x01) || d.has_class(0x02) || d.is_gpu() || d.has_subclass(0x0c03);
  return kind && d.driver.value_or("?") != "";
}

/// Every use with the words behind it; one line where the uses could not be read.
void add_uses(std::vector<Loss>& losses, const Device& d, const std::string& behind) {
  std::string address = d.address.str();
  if (d.uses) {
    for (const Use& use : *d.uses) losses.push_back({address, words(use) + behind, use.critical});
  } else if (may_matter(d)) {
    bool critical = on_host_driver(d) && (d.has_class(0x01) || d.has_class(0x02));
    losses.push_back({address, "what the host uses it for is not known" + behind, critical});
  }
}

std::string of_vm(const VmFacts& vm, const HostLoss& loss) {
  std::string text = " (VM " + std::to_string(vm.vm->vmid);
  if (loss.named != loss.carrier)
    text += ", with " + loss.named->address.str() + " in IOMMU group " + std::to_string(loss.named->group.value_or(-1));
  return text + ")";
}

}  // namespace

void plan_losses(Workspace& work, const std::set<PciAddress>& before) {
  std::vector<Loss>& losses = work.plan.losses;
  std::set<PciAddress> told;
  for (const VmFacts* vm : work.vms())
    for (const HostLoss& taken : taken_devices(work.facts(), *vm)) {
      add_uses(losses, *taken.carrier, of_vm(*vm, taken));
      told.insert(taken.carrier->address);
    }
  for (const PciAddress& address : taken_at_boot(work.facts()))
    if (!before.count(address) && !told.count(address))
      add_uses(losses, *work.host().find(address), " (`ids=`: vfio-pci takes it at the next boot)");
  std::stable_sort(losses.begin(), losses.end(), [](const Loss& a, const Loss& b) { return a.critical > b.critical; });
  losses.erase(std::unique(losses.begin(), losses.end()), losses.end());
}

}  // namespace hostpci
