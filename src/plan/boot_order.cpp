// Order of modules, as modprobe.d, the initramfs and the lists of ids have it.
#include "plan/boot_order.hpp"

#include <algorithm>

#include "rules/device.hpp"
#include "rules/setup_ids.hpp"

namespace hostpci {

std::set<PciAddress> wanted_functions(Workspace& work) {
  std::set<PciAddress> functions;
  for (const VmFacts* vm : work.vms())
    for (const Assignment& a : vm->assignments)
      if (takes(a))
        for (const Device* d : a.devices)
          if (!is_any_bridge(*d)) functions.insert(d->address);
  return functions;
}

std::set<PciAddress> leaving_functions(Workspace& work) {
  std::set<PciAddress> leaving;
  for (const PciAddress& taken : wanted_functions(work))
    for (const auto& [address, device] : work.host().devices)
      if (goes_along(work.facts(), taken, device)) leaving.insert(address);
  return leaving;
}

bool bound_by_id(const Facts& facts, const Device& d) {
  std::vector<VfioId> ids = effective_ids(facts);
  return std::any_of(ids.begin(), ids.end(), [&](const VfioId& id) { return id.matches(d); });
}

std::vector<std::string> rivals(const Device& d) {
  if (on_host_driver(d)) return {module_of_driver(*d.driver)};
  if (d.has_class(0x04)) return {"snd_hda_intel"};
  if (!d.is_gpu() || !d.id) return {};
  if (d.id->vendor == 0x10de) return {"nouveau", "nvidia"};
  if (d.id->vendor == 0x1002) return {"amdgpu", "radeon"};
  if (d.id->vendor == 0x8086) return {"i915", "xe"};
  return {};
}

bool vfio_comes_first(const Facts& facts, const std::string& module) {
  if (is_blacklisted(facts, module) || !facts.boot->directives(DirectiveKind::install, module).empty()) return true;
  for (const PlacedDirective& directive : facts.boot->directives(DirectiveKind::softdep, module))
    for (const PlacedText& word : joined_words(directive))
      if (same_module(word.text, "vfio-pci")) return true;
  return false;
}

std::set<PciAddress> taken_at_boot(const Facts& facts) {
  std::set<PciAddress> taken;
  for (const VfioId& id : effective_ids(facts))
    for (const Device* d : devices_of(id, facts)) {
      if (!on_host_driver(*d) || !d->driver_override.value_or("").empty()) continue;
      std::string module = module_of_driver(*d->driver);
      bool listed = is_listed(facts.boot->initramfs_modules, "vfio-pci");  // then it may, where the initramfs has no driver
      if (!is_builtin(facts, module) && (listed || vfio_comes_first(facts, module))) taken.insert(d->address);
    }
  return taken;
}

}  // namespace hostpci
