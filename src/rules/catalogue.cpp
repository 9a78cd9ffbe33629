// All rules: the families' tables joined and sorted.
#include <algorithm>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

std::span<const Rule* const> catalogue() {
  static const std::vector<const Rule*> all = [] {
    std::vector<const Rule*> rules;
    for (std::span<const Rule> family : {syntax_rules,
                                         vm_rules,
                                         vm_igd_rules,
                                         device_rules,
                                         device_group_rules,
                                         device_loss_rules,
                                         device_display_rules,
                                         device_rom_rules,
                                         device_virtual_rules,
                                         device_igd_rules,
                                         device_mdev_rules,
                                         device_nvidia_rules,
                                         device_driver_rules,
                                         device_reset_rules,
                                         device_memory_rules,
                                         host_rules,
                                         setup_rules,
                                         setup_iommu_rules,
                                         setup_graphics_rules,
                                         setup_ids_rules,
                                         setup_modprobe_rules,
                                         setup_blacklist_rules,
                                         setup_module_rules,
                                         setup_legacy_rules,
                                         conflict_rules,
                                         conflict_sharing_rules,
                                         conflict_host_rules,
                                         cluster_estate_rules,
                                         device_limits_rules,
                                         kernel_log_rules,
                                         cluster_rules,
                                         waiver_rules,
                                         vm_display_rules,
                                         vm_firmware_rules,
                                         vm_machine_rules,
                                         vm_args_rules,
                                         vm_memory_rules,
                                         vm_boot_rules})
      for (const Rule& rule : family) rules.push_back(&rule);
    std::sort(rules.begin(), rules.end(), [](const Rule* a, const Rule* b) { return a->id < b->id; });
    return rules;
  }();
  return all;
}

const Rule* find_rule(std::string_view id) {
  std::span<const Rule* const> all = catalogue();
  auto at = std::lower_bound(all.begin(), all.end(), id, [](const Rule* r, std::string_view i) { return r->id < i; });
  return at != all.end() && (*at)->id == id ? *at : nullptr;
}

}  // namespace hostpci
