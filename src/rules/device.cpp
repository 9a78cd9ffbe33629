// Rules about the device a line names: is it there, is it one that can be passed, is it named once.
#include "rules/device.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "rules/device_vf.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Devices that nobody uses yet and that are of the kind the line speaks of: a display for x-vga and romfile, one with
/// types for mdev.
std::vector<const Device*> same_kind(const Facts& facts, const Assignment& a) {
  std::vector<const Device*> found;
  bool display = a.parsed().flag(HostpciKey::x_vga) || a.parsed().has(HostpciKey::romfile) ||
                 a.parsed().flag(HostpciKey::legacy_igd);
  for (const auto& [address, d] : facts.host->devices) {
    if (is_any_bridge(d) || facts.users.count(address)) continue;
    bool mediated = a.is_mdev() && d.mdev_types && !d.mdev_types->empty();
    if (mediated || (display && !a.is_mdev() && d.is_gpu() && !d.is_vf())) found.push_back(&d);
  }
  return found;
}

/// The existing endpoint whose address is spelled most like the one asked for.
std::optional<std::string> nearest_address(const Host& host, std::string_view text) {
  std::string wanted(text);
  if (std::count(text.begin(), text.end(), ':') == 1) wanted.insert(0, "0000:");
  if (text.find('.') == text.npos) wanted += ".0";
  std::size_t domain = wanted.find(':') + 1;  // the domain must be the same: only the rest tells the distance
  std::vector<std::string> names;
  for (const auto& [address, d] : host.devices)
    if (!is_any_bridge(d) && address.str().substr(0, domain) == wanted.substr(0, domain))
      names.push_back(address.str().substr(domain));
  std::vector<std::string_view> views(names.begin(), names.end());
  auto near = closest(std::string_view(wanted).substr(domain), views);
  if (!near) return {};
  return wanted.substr(0, domain) + std::string(*near);
}

void suggest_device(const Facts& facts, const Assignment& a, std::string_view text, Diagnostic& d) {
  auto pattern = parse_address_pattern(text);
  PciAddress address = pattern ? pattern->address : PciAddress{};
  Device ghost;
  ghost.address = address;
  if (std::vector<const Device*> there = siblings(*facts.host, ghost); pattern && !there.empty()) {
    d.help.push_back("this slot has " + list(there));
    return;
  }
  if (std::vector<const Device*> kind = same_kind(facts, a); !kind.empty()) {
    d.help.push_back("the line is about a " +
                     std::string(a.is_mdev() ? "device with mediated types" : "graphics card") + "; this host has " +
                     list(kind));
    return;
  }
  if (auto near = nearest_address(*facts.host, text))
    if (auto there = parse_pci_address(*near))
      if (const Device* device = facts.device(*there)) d.help.push_back("did you mean `" + describe(*device) + "`?");
}

void check_missing(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal& refusal : vm.refusals) {
    const Assignment* a = assignment_of(vm, refusal.index);
    if (!a || refusal.rule != "device-device-missing") continue;
    std::string_view text = slice(vm.vm->source->text, refusal.span);
    if (missing_function(*facts.host, text)) continue;
    Diagnostic& d = out.at(*a, refusal.message);
    d.place = Place(vm.vm->source, refusal.span);
    suggest_device(facts, *a, text, d);
  }
}

/// What lines before this one, and elements before it in the same line, have taken.
std::map<PciAddress, const Assignment*> first_takers(const VmFacts& vm) {
  std::map<PciAddress, const Assignment*> taken;
  for (const Assignment& a : vm.assignments)
    if (!a.is_mdev())
      for (const PciAddress& address : a.functions()) taken.emplace(address, &a);
  return taken;
}

/// Every function of this line is an earlier line's too.
bool redundant(const Assignment& a, const std::map<PciAddress, const Assignment*>& taken) {
  return std::all_of(a.functions().begin(), a.functions().end(), [&](const PciAddress& address) {
    auto at = taken.find(address);
    return at != taken.end() && at->second != &a;
  });
}

/// The host list without elements that only repeat others of it.
std::string without_repeats(const Facts& facts, const Assignment& a) {
  std::vector<std::string> kept;
  std::set<PciAddress> seen;
  std::vector<const HostElement*> order;
  for (const HostElement& e : a.parsed().hosts) order.push_back(&e);
  std::stable_sort(order.begin(), order.end(),
                   [](auto* x, auto* y) { return x->pattern.whole_slot > y->pattern.whole_slot; });
  for (const HostElement* e : order) {
    std::size_t before = seen.size();
    for (const PciAddress& address : matching_functions(*facts.host, e->text)) seen.insert(address);
    if (seen.size() > before) kept.emplace_back(e->text);
  }
  return join(kept, ";");
}

std::optional<Fix> mend_duplicate(const Facts& facts, const Assignment& a,
                                  const std::map<PciAddress, const Assignment*>& taken) {
  if (!a.parsed().hosts.empty() && redundant(a, taken)) return drop_line(a, "remove the line");
  std::set<PciAddress> own(a.functions().begin(), a.functions().end());
  if (own.size() == a.functions().size() || a.parsed().hosts.empty()) return {};
  Span list{a.parsed().hosts.front().span.begin, a.parsed().hosts.back().span.end};
  return replace(*a.owner, "name each function once", list, without_repeats(facts, a), Safety::safe);
}

void check_duplicate(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::map<PciAddress, const Assignment*> taken = first_takers(vm);
  std::set<int> told;
  for (const Refusal& refusal : vm.refusals) {
    const Assignment* a = assignment_of(vm, refusal.index);
    if (!a || refusal.rule != "device-duplicate-function" || !told.insert(refusal.index).second) continue;
    Diagnostic& d = out.at(*a, refusal.message);
    d.place = Place(vm.vm->source, refusal.span);
    for (const PciAddress& address : a->functions())
      if (auto at = taken.find(address); at != taken.end() && at->second != a) {
        d.labels.push_back({Findings::place(*at->second), "`" + at->second->key() + "` takes it already"});
        break;
      }
    d.fix = mend_duplicate(facts, *a, taken);
  }
}

/// Functions of a chipset that the host cannot spare: ISA bridge, SMBus, other serial buses, memory controllers.
bool is_chipset_function(const Device& d) {
  for (std::uint32_t subclass : {0x0601u, 0x0c05u, 0x0c80u, 0x0580u, 0x0500u})
    if (d.has_subclass(subclass)) return true;
  return false;
}

std::vector<const Device*> expansion(const Facts& facts, const HostElement& element) {
  std::vector<const Device*> found;
  for (const PciAddress& address : matching_functions(*facts.host, element.text))
    if (const Device* d = facts.device(address)) found.push_back(d);
  return found;
}

/// A function-less address on bus 0 that takes more than was meant.
bool is_chipset_slot(const HostElement& element, const std::vector<const Device*>& found) {
  if (!element.pattern.whole_slot || element.pattern.address.bus != 0 || found.size() < 2) return false;
  bool chipset = std::any_of(found.begin(), found.end(), [](auto* d) { return is_chipset_function(*d); });
  bool endpoint = std::any_of(found.begin(), found.end(), [](auto* d) { return !is_any_bridge(*d); });
  return chipset && endpoint;
}

void check_chipset_slot(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    if (!takes(a)) continue;
    for (const HostElement& element : a.parsed().hosts) {
      std::vector<const Device*> found = expansion(facts, element);
      if (!is_chipset_slot(element, found)) continue;
      Diagnostic& d =
          out.at(a, "`" + std::string(element.text) + "` means all functions of a slot of the chipset: " + list(found));
      d.place = Place(vm.vm->source, element.span);
      auto meant = std::find_if(found.begin(), found.end(),
                                [](auto* f) { return !is_any_bridge(*f) && !is_chipset_function(*f); });
      if (meant == found.end()) meant = found.begin();
      d.help.push_back("name the one function that is meant, such as `" + (*meant)->address.str() + "`");
    }
  }
}

void check_bridge(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!d->has_class(0x06) || is_template(vm.next)) continue;
      const HostElement* element = element_of(facts, a, *d);
      if (element && is_chipset_slot(*element, expansion(facts, *element))) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d, "`" + describe(*d) + "` is a bridge: only endpoints can be passed through");
      show(f, *d, "class", "a bridge's class");
      std::vector<const Device*> below;
      for (const auto& [address, other] : facts.host->devices)
        if (other.parent == d->address && !is_any_bridge(other)) below.push_back(&other);
      if (!below.empty()) f.help.push_back("behind it: " + list(below));
    }
}

void check_vmd(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      const Device* parent = d->parent ? facts.device(*d->parent) : nullptr;
      bool behind = d->address.domain >= 0x10000 || (parent && parent->driver == "vmd");
      if (!behind || d->group.value_or(-1) >= 0) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d, "`" + describe(*d) + "` sits behind Intel VMD and cannot be passed alone");
      f.notes.push_back("all devices of a VMD share its requester id, so the IOMMU cannot tell them apart");
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-device-missing",
        .severity = Severity::error,
        .summary = "the device does not exist on this host",
        .why = "Proxmox VE looks the address up when the VM starts and stops with \"no PCI device found\". A card that "
               "was moved, "
               "removed or switched off in the firmware, or a renumbered bus, is the usual cause.",
        .bad = "hostpci0: 0000:0b:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Name the address the device has now (`hostpci devices`), or use a resource mapping, which checks it.",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI.pm (parse_hostpci, prepare_pci_device)",
        .vm = check_missing,
    },
    {
        .id = "device-duplicate-function",
        .severity = Severity::error,
        .summary = "a function is assigned twice to one VM",
        .why = "An address without a function already means all of them; Proxmox VE refuses a VM that takes one twice.",
        .bad = "hostpci0: 0000:01:00\nhostpci1: 0000:01:00.1",
        .good = "hostpci0: 0000:01:00",
        .fix = "Remove the second line.",
        .fixable = Fixable::automatic,
        .source = "qemu-server: PCI.pm (choose_hostpci_devices)",
        .vm = check_duplicate,
    },
    {
        .id = "device-is-bridge",
        .severity = Severity::error,
        .summary = "the device is a bridge",
        .why = "vfio-pci takes endpoints only; Proxmox VE leaves bridges out when it binds the group, and QEMU then "
               "fails.",
        .bad = "hostpci0: 0000:00:1d.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Name the endpoint behind the bridge.",
        .fixable = Fixable::assisted,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio); kernel: vfio_pci.c (vfio_pci_probe)",
        .vm = check_bridge,
    },
    {
        .id = "device-whole-chipset-slot",
        .severity = Severity::warning,
        .summary = "an address without a function takes a whole slot of the chipset",
        .why = "00:1f without a function is the ISA bridge, the SATA controller, audio, SMBus and SPI at once: the "
               "host loses them all.",
        .bad = "hostpci0: 0000:00:1f",
        .good = "hostpci0: 0000:01:00",
        .fix = "Name the one function.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm-pci-passthrough.adoc; pve-common: SysFSTools.pm (lspci)",
        .vm = check_chipset_slot,
    },
    {
        .id = "device-vmd-child",
        .severity = Severity::error,
        .summary = "the device sits behind Intel VMD",
        .why = "The IOMMU sees one requester for all devices behind a VMD, so they have no group of their own and "
               "cannot be passed.",
        .bad = "(behind a VMD)\nhostpci0: 10000:e1:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Switch VMD (RST, RAID mode) off in the firmware.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/pci/controller/vmd.c; spdk#1360",
        .vm = check_vmd,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_rules = rules;

}  // namespace hostpci
