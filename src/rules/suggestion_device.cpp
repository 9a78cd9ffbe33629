// A suggested line's device: which functions go together, and by which name the line calls them.
#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "rules/mapping_entry.hpp"
#include "rules/refusals.hpp"
#include "rules/suggestion_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool is_display(const Device& d) { return d.is_gpu() && !d.is_vf(); }

bool same_vendor(const Device& a, const Device& b) { return a.id && b.id && a.id->vendor == b.id->vendor; }

/// All functions of the device's card if one of them is a display: drivers and resets want them together. A slot on bus
/// 0 is the chipset's.
std::vector<const Device*> card_of(const Host& host, const Device& device) {
  std::vector<const Device*> card = siblings(host, device);
  if (device.address.bus == 0 || device.is_vf()) return {};
  card.push_back(&device);
  std::sort(card.begin(), card.end(), [](auto* a, auto* b) { return a->address < b->address; });
  bool display = std::any_of(card.begin(), card.end(), [](auto* d) { return is_display(*d); });
  bool one_card =
      std::all_of(card.begin(), card.end(), [&](auto* d) { return same_vendor(*d, device) && !d->is_vf(); });
  return display && one_card ? card : std::vector<const Device*>();
}

bool any_bridge(const std::vector<const Device*>& devices) {
  return std::any_of(devices.begin(), devices.end(), [](auto* d) { return is_any_bridge(*d); });
}

std::string host_value(const Draft& draft) {
  const PciAddress& address = draft.device().address;
  return whole_slot(draft) ? address.slot() : address.str();
}

std::string group_words(const Draft& draft) {
  const Device& d = draft.device();
  if (!d.group) return "";
  if (*d.group < 0) return "; it has no IOMMU group, see `hostpci doctor`";
  std::vector<const Device*> others;
  for (const Device* member : draft.host().group(*d.group)) {
    bool own =
        std::find(draft.line.functions.begin(), draft.line.functions.end(), member) != draft.line.functions.end();
    if (!own && !is_any_bridge(*member)) others.push_back(member);
  }
  std::string group = "; IOMMU group " + std::to_string(*d.group);
  return others.empty() ? group + " holds nothing else" : group + " also holds " + list(others);
}

std::string host_reason(const Draft& draft) {
  const Device& d = draft.device();
  if (whole_slot(draft)) {
    bool card = !card_of(draft.host(), d).empty();
    std::string why = card ? "drivers expect the whole card and only all of it can be reset"
                           : "the slot was named without a function";
    return "an address without a function means all " + std::to_string(draft.line.functions.size()) + ", " +
           list(draft.line.functions) + ": " + why + group_words(draft);
  }
  if (d.is_vf())
    return quoted(describe(d)) + " is a virtual function of " + quoted(d.physfn->str()) +
           ": its own address, the others stay free" + group_words(draft);
  std::string rest = siblings(draft.host(), d).empty() ? "" : ", this function alone";
  return quoted(describe(d)) + rest + group_words(draft);
}

std::set<PciAddress> addresses(const Draft& draft) {
  std::set<PciAddress> all;
  for (const Device* d : draft.line.functions) all.insert(d->address);
  return all;
}

std::set<PciAddress> addresses(const Host& host, const MappingEntry& entry) {
  std::set<PciAddress> all;
  for (std::string_view path : entry.paths)
    for (const PciAddress& address : matching_functions(host, path)) all.insert(address);
  return all;
}

/// A mapping of this node whose entry names exactly the device, and what Proxmox VE says against the entry.
struct MappedDevice {
  const Mapping* mapping = nullptr;
  std::size_t entries = 0;  ///< of this node
  std::string problem;      ///< empty: it would start
};

std::vector<MappedDevice> mappings_of(const Draft& draft) {
  std::vector<MappedDevice> found;
  if (draft.host().node.empty()) return found;
  std::set<PciAddress> wanted = addresses(draft);
  for (const auto& [id, mapping] : draft.facts.mappings->by_id) {
    MappedDevice mapped{&mapping, 0, ""};
    bool named = false;
    for (const MappingEntry& entry : mapping.entries) {
      if (entry.node != draft.host().node) continue;
      ++mapped.entries;
      named = named || addresses(draft.host(), entry) == wanted;
      ResolvedLine judged;
      check_mapping_entry(judged, mapping, entry, draft.host());
      if (!judged.refusals.empty() && mapped.problem.empty()) mapped.problem = judged.refusals.front().message;
    }
    if (named) found.push_back(std::move(mapped));
  }
  return found;
}

/// "pvesh create …" with all that Proxmox VE compares when the VM starts.
std::string mapping_command(const Draft& draft) {
  const Device& d = draft.device();
  std::string map = mapping_entry(draft.host().node, host_value(draft), d);
  if (map.empty()) return {};
  std::string slot = host_value(draft).substr(d.address.str().find(':') + 1), kind = is_display(d)       ? "gpu-"
                                                                                     : d.has_class(0x02) ? "nic-"
                                                                                                         : "pci-";
  std::replace_if(
      slot.begin(), slot.end(), [](char c) { return c == ':' || c == '.'; }, '-');
  return "pvesh create /cluster/mapping/pci --id " + kind + slot + " --map " + map + (is_mediated(d) ? " --mdev 1" : "");
}

}  // namespace

std::vector<const Device*> meant_devices(const Host& host, const AddressPattern& pattern) {
  std::vector<const Device*> found;
  for (const auto& [address, device] : host.devices)
    if (pattern.whole_slot ? address.same_slot(pattern.address) : address == pattern.address) found.push_back(&device);
  return found;
}

void choose_functions(Draft& draft, std::vector<const Device*> meant) {
  const Device& first = *meant.front();
  draft.line.functions = meant;
  if (meant.size() == 1 && is_any_bridge(first)) {
    draft.line.refusal =
        quoted(describe(first)) + " is a bridge: vfio-pci takes endpoints only; name a device behind it";
  } else if (meant.size() > 1 && (first.address.bus == 0 || any_bridge(meant))) {
    draft.line.refusal = quoted(first.address.slot()) +
                         " is a slot of the chipset with several devices: name the one function that is meant, of " +
                         list(meant);
  } else if (meant.size() > 1 && std::any_of(meant.begin(), meant.end(), [](auto* d) { return d->is_vf(); })) {
    draft.line.refusal = quoted(first.address.slot()) +
                         " holds virtual functions, which have nothing to do with each other: name one, of " +
                         list(meant);
  } else if (std::vector<const Device*> card = card_of(draft.host(), first); !card.empty()) {
    draft.line.functions = std::move(card);
  }
}

bool whole_slot(const Draft& draft) { return draft.line.functions.size() > 1; }

void name_device(Draft& draft) {
  std::vector<MappedDevice> mapped = mappings_of(draft);
  auto sound = std::find_if(mapped.begin(), mapped.end(), [](const MappedDevice& m) { return m.problem.empty(); });
  if (sound != mapped.end()) {
    std::string id(sound->mapping->id);
    std::string more = sound->entries > 1 ? "; it has " + count(sound->entries, "entry", "entries") +
                                                " here, of which the first free one is taken"
                                          : "";
    draft.write(
        HostpciKey::mapping, id,
        "mapping " + quoted(id) + " of node " + quoted(draft.host().node) + " names it: " + host_reason(draft) + more);
    draft.leave("host=" + host_value(draft),
                "would mean the same here, but only root may set it, nothing checks that it still is the same card, "
                "and on another node it is another device");
  } else {
    draft.write(HostpciKey::host, host_value(draft), host_reason(draft));
    draft.line.mapping_command = mapped.empty() ? mapping_command(draft) : "";
    if (!draft.line.mapping_command.empty())
      draft.leave("mapping=NAME",
                  "no mapping of this node names the device; in a cluster make one, so that Proxmox VE checks the card "
                  "and the VM can move: `" +
                      draft.line.mapping_command + "`");
  }
  for (const MappedDevice& m : mapped)
    if (!m.problem.empty())
      draft.leave("mapping=" + std::string(m.mapping->id), "Proxmox VE would refuse it: " + m.problem);
}

}  // namespace hostpci
