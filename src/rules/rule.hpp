// A rule: one constexpr row beside its check.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "diag/diagnostic.hpp"
#include "rules/facts.hpp"

namespace hostpci {

enum class Fixable : std::uint8_t { automatic, assisted, manual };
std::string_view name(Fixable);  ///< "auto", "assisted", "manual"

class Findings;

/// The end of what Findings::unknown says: lint keeps one such finding a rule.
inline constexpr std::string_view not_judged = " could not be read: rule not judged";

/// `bad` and `good` are examples run by the tests: lines of a VM file (or of the file that the first line "# /path"
/// names), held against fixtures/hosts/example.yaml. `fix` is what to do, in words. `source` is where the fact comes
/// from.
struct Rule {
  std::string_view id;
  Severity severity = Severity::warning;
  std::string_view summary;
  std::string_view why;
  std::string_view bad, good;
  std::string_view fix;
  Fixable fixable = Fixable::manual;
  std::string_view source;
  void (*vm)(const Facts&, const VmFacts&,
             Findings&) = nullptr;                  ///< called once a VM with hostpci lines (or dropped hostpci lines)
  void (*host)(const Facts&, Findings&) = nullptr;  ///< called once
};

/// What a check reports to: knows the rule and the VM it runs for.
class Findings {
 public:
  Findings(const Rule& rule, const VmFacts* vm, Sink& sink) : rule_(&rule), vm_(vm), sink_(&sink) {}

  /// A finding of this rule. The rule's severity stands unless changed in the returned diagnostic.
  Diagnostic& add(Place place, std::string message);
  /// At the value of a key of this VM's main (or pending) section; at the file if the key is absent.
  Diagnostic& at_key(std::string_view key, std::string message);
  /// At a property of a hostpci line; at the whole value if the property is absent.
  Diagnostic& at(const Assignment&, HostpciKey, std::string message);
  Diagnostic& at(const Assignment&, std::string message);
  /// A fact this rule needs could not be read. `what`: "the driver of 0000:01:00.0"; `path`: what was to be read. Told
  /// once a rule, as an info.
  void unknown(std::string what, std::string path);

  /// Where the next start takes that key from; the file as a whole if it has no such line.
  Place key_place(std::string_view key) const;
  std::string_view rule() const { return rule_->id; }
  static Place place(const Assignment&, HostpciKey);
  static Place place(const Assignment&);

 private:
  const Rule* rule_;
  const VmFacts* vm_;
  Sink* sink_;
};

/// "/sys/bus/pci/devices/0000:01:00.0/driver": the evidence of a device fact.
std::string device_path(const PciAddress&, std::string_view attribute = {});
/// "0000:01:00.0 (VGA, 10de:1b80)": a device named for a message.
std::string describe(const Device&);

// One table a family file; the catalogue joins them. Add a family here and in catalogue.cpp.
extern const std::span<const Rule> vm_display_rules, vm_firmware_rules, vm_machine_rules, vm_args_rules,
    vm_memory_rules, vm_boot_rules;
extern const std::span<const Rule> syntax_rules, vm_rules, vm_igd_rules, device_rules, device_group_rules,
    device_loss_rules, device_display_rules, device_rom_rules, device_virtual_rules, device_igd_rules,
    device_mdev_rules, device_nvidia_rules, device_driver_rules, device_reset_rules, device_memory_rules, host_rules,
    setup_rules, setup_iommu_rules, setup_graphics_rules, setup_ids_rules, setup_modprobe_rules, setup_blacklist_rules,
    setup_module_rules, setup_legacy_rules, conflict_rules, conflict_sharing_rules, conflict_host_rules, cluster_estate_rules,
    device_limits_rules, kernel_log_rules, cluster_rules, waiver_rules;

/// For a static_assert below each table: every text is there, ids are lower case and unique.
constexpr bool well_formed(std::span<const Rule> rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& r = rules[i];
    if (r.id.empty() || r.summary.empty() || r.why.empty() || r.bad.empty() || r.good.empty() || r.fix.empty() ||
        r.source.empty())
      return false;
    if (r.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != r.id.npos || r.summary.back() == '.')
      return false;
    for (std::size_t j = 0; j < i; ++j)
      if (rules[j].id == r.id) return false;
  }
  return true;
}

/// All rules sorted by id.
std::span<const Rule* const> catalogue();
const Rule* find_rule(std::string_view id);

}  // namespace hostpci
