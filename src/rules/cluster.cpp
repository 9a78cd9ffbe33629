// Rules about resource mappings: what a line's mapping says against what this node has.
#include <algorithm>
#include <cctype>

#include "rules/refused.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view assert_valid = "pve-guest-common Mapping/PCI.pm (assert_valid)";

void point_at_entry(const Facts& facts, const Refusal& refusal, Span span, std::string message, Diagnostic& d) {
  if (refusal.entry && facts.mappings->source)
    d.labels.push_back({Place(facts.mappings->source, span), std::move(message)});
}

void give_fix(Diagnostic& d, std::string title, std::vector<FileEdit> edits) {
  d.fix = Fix{std::move(title), Safety::safe, std::move(edits)};
}

const Device* mapped_device(const Facts& facts, const Refusal& refusal) {
  auto pattern = parse_address_pattern(refusal.path);
  return pattern ? facts.device(pattern->address) : nullptr;
}

/// Sets, adds or takes out a property of a `map` line.
std::vector<FileEdit> property_edit(const Facts& facts, const MappingEntry& entry, std::string_view key, Span value,
                                    const std::string& text) {
  const std::string& path = facts.mappings->source->path;
  if (value.size() == 0) return {{path, {entry.span.end, entry.span.end}, "," + std::string(key) + "=" + text}};
  if (!text.empty()) return {{path, value, text}};
  Span whole{value.begin - std::uint32_t(key.size()) - 1, value.end};
  const std::string& source = facts.mappings->source->text;
  if (whole.begin > entry.span.begin && source[whole.begin - 1] == ',')
    --whole.begin;
  else if (whole.end < entry.span.end && source[whole.end] == ',')
    ++whole.end;
  return {{path, whole, ""}};
}

/// Another device stands at the path now: written for that one, the entry would let the VM take it.
bool is_other_device(const VmFacts& vm, const MappingEntry& entry) {
  for (const Refusal* refusal : refusals_of(vm, "cluster-mapping-id"))
    if (refusal->entry == &entry && lower(entry.id) != refusal->expected) return true;
  return false;
}

void check_property(const Facts& facts, const VmFacts& vm, Findings& out, std::string_view key,
                    Span MappingEntry::*span) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const MappingEntry& entry = *refusal->entry;
    Span value = entry.*span;
    point_at_entry(facts, *refusal, value.size() ? value : entry.span, "", d);
    std::string title = refusal->expected.empty()
                            ? "take `" + std::string(key) + "` out of the entry"
                            : "write `" + std::string(key) + "=" + refusal->expected + "` in the entry";
    if (is_other_device(vm, entry))
      d.help.emplace_back("make sure first that it is the device you mean: the entry has another `id`");
    else if (facts.mappings->source)
      give_fix(d, std::move(title), property_edit(facts, entry, key, value, refusal->expected));
  }
}

/// An attribute that PVE compares and that could not be read.
template <class Known>
void tell_unknown(const VmFacts& vm, Findings& out, std::string_view what, std::string_view attribute, Known known) {
  for (const Assignment& a : vm.assignments)
    if (a.resolved.mapping && a.first && !known(*a.first))
      return out.unknown(std::string(what) + " of " + a.first->address.str(), device_path(a.first->address, attribute));
}

void check_not_found(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const Assignment* a = assignment_of(vm, *refusal);
    if (a && a->resolved.mapping) {
      d.labels.push_back({Place(facts.mappings->source, a->resolved.mapping->id_span), "entries for other nodes only"});
      d.help.emplace_back("add a `map` line for this node, or run the VM where it has one");
      continue;
    }
    std::vector<std::string_view> ids;
    for (const auto& [id, mapping] : facts.mappings->by_id) ids.push_back(id);
    auto near = a ? closest(a->parsed().text(HostpciKey::mapping), ids) : std::nullopt;
    if (near)
      d.help.push_back("did you mean `" + std::string(*near) + "`?");
    else if (ids.empty())
      d.notes.emplace_back("/etc/pve/mapping/pci.cfg has no mapping");
  }
}

/// Sections and lines of pci.cfg that PVE skips: a VM that names them does not start.
void check_skipped(const Facts& facts, Findings& out) {
  for (const Diagnostic& finding : facts.mappings->findings) {
    Diagnostic& d = out.add(finding.place, finding.message);
    d.severity = finding.severity;
    d.notes = finding.notes;
    d.help = finding.help;
  }
}

void check_path_gone(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    point_at_entry(facts, *refusal, refusal->entry->path_span, "", d);
    std::string same;
    for (const auto& [address, device] : facts.host->devices)
      if (device.id && device.id->str() == refusal->entry->id)
        same += (same.empty() ? "`" : ", `") + describe(device) + "`";
    if (!same.empty()) d.help.push_back("the same kind of device is at " + same);
  }
}

void check_id(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const MappingEntry& entry = *refusal->entry;
    std::string written(entry.id), lower_case = written;
    std::transform(written.begin(), written.end(), lower_case.begin(),
                   [](unsigned char c) { return char(std::tolower(c)); });
    point_at_entry(facts, *refusal, entry.id_span, "", d);
    if (const Device* device = mapped_device(facts, *refusal))
      d.labels.push_back({Place(device_path(device->address, "device")), "`" + refusal->expected + "`"});
    if (lower_case != refusal->expected) {
      d.help.emplace_back("make sure that it is the device you mean, then write its id into the entry");
      continue;
    }
    d.notes.emplace_back("Proxmox VE compares the text: the kernel writes lower case");
    if (facts.mappings->source)
      give_fix(d, "write `id=" + refusal->expected + "`",
               {{facts.mappings->source->path, entry.id_span, refusal->expected}});
  }
  tell_unknown(vm, out, "the id", "vendor", [](const Device& d) { return d.id.has_value(); });
}

void check_group(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_property(facts, vm, out, "iommugroup", &MappingEntry::group_span);
  tell_unknown(vm, out, "the IOMMU group", "iommu_group", [](const Device& d) { return d.group.has_value(); });
}

void check_subsystem(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_property(facts, vm, out, "subsystem-id", &MappingEntry::subsystem_span);
}

/// "\tmdev 1" below the section's name, or another value in place of the one there.
std::vector<FileEdit> mdev_edit(const Mappings& mappings, const Mapping& mapping, const std::string& flag) {
  const Source& source = *mappings.source;
  if (!mapping.mdev_span) {
    Span line = source.line_at(mapping.entries.back().span.begin);
    bool crlf = line.size() > 0 && source.text[line.end - 1] == '\r';
    return {{source.path, {line.end, line.end}, "\n\tmdev " + flag + (crlf ? "\r" : "")}};
  }
  Span line = *mapping.mdev_span;
  while (line.begin < line.end && (source.text[line.begin] == ' ' || source.text[line.begin] == '\t')) ++line.begin;
  return {{source.path, line, "mdev " + flag}};
}

void check_mdev_flag(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule())) {
    Diagnostic& d = tell_refusal(vm, *refusal, out);
    const Assignment* a = assignment_of(vm, *refusal);
    if (!a || !a->resolved.mapping || !facts.mappings->source) continue;
    const Mapping& mapping = *a->resolved.mapping;
    d.labels.push_back({Place(facts.mappings->source, mapping.mdev_span.value_or(mapping.id_span)), ""});
    d.notes.emplace_back("loading or unloading the vendor's driver changes what the device shows");
    if (refusal->entry && is_other_device(vm, *refusal->entry)) continue;
    give_fix(d, "write `mdev " + refusal->expected + "` in the mapping",
             mdev_edit(*facts.mappings, mapping, refusal->expected));
  }
}

constexpr Rule rules[] = {
    {
        .id = "cluster-mapping-not-found",
        .severity = Severity::error,
        .summary = "the mapping does not exist, or has no entry for this node",
        .why = "The VM does not start. Sections and lines of pci.cfg that Proxmox VE cannot read count as absent; they "
               "are lost "
               "at its next write.",
        .bad = "hostpci0: mapping=gpu1",
        .good = "hostpci0: mapping=gpu",
        .fix = "Add an entry for this node, or correct the name.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm, pve-guest-common Mapping/PCI.pm (find_on_current_node)",
        .vm = check_not_found,
        .host = check_skipped,
    },
    {
        .id = "cluster-mapping-path-gone",
        .severity = Severity::error,
        .summary = "the mapped device does not exist on this node",
        .why = "The card was moved or removed; one wrong entry of this node makes Proxmox VE refuse the whole mapping.",
        .bad = "(a mapping whose path is 0000:77:00.0 on a host without that device)",
        .good = "hostpci0: mapping=gpu",
        .fix = "Correct the path.",
        .fixable = Fixable::assisted,
        .source = assert_valid,
        .vm = check_path_gone,
    },
    {
        .id = "cluster-mapping-id",
        .severity = Severity::error,
        .summary = "the mapped vendor:device id is not that of the device",
        .why = "It is the guard against changed hardware. Texts are compared: an id in upper case never matches.",
        .bad = "(a mapping with id=10DE:1B80 for a device 10de:1b80)",
        .good = "hostpci0: mapping=gpu",
        .fix = "Make sure that it is the right device, then correct the id.",
        .fixable = Fixable::assisted,
        .source = assert_valid,
        .vm = check_id,
    },
    {
        .id = "cluster-mapping-iommugroup",
        .severity = Severity::error,
        .summary = "the mapped IOMMU group is not that of the device, or one of the two is missing",
        .why = "Groups are numbered anew with kernels, firmware settings and added cards. The administration guide's "
               "example has "
               "no iommugroup: a mapping made from it fails on every host with an IOMMU.",
        .bad = "(a mapping with iommugroup=14 for a device in group 15)",
        .good = "hostpci0: mapping=gpu",
        .fix = "Write the group the device has now.",
        .fixable = Fixable::automatic,
        .source = assert_valid,
        .vm = check_group,
    },
    {
        .id = "cluster-mapping-subsystem",
        .severity = Severity::error,
        .summary = "the mapped subsystem id is not that of the device, or one of the two is missing",
        .why = "Since libpve-guest-common-perl 5.1.4 it has to be there for every card that has one; the "
               "administration guide's "
               "example leaves it out.",
        .bad = "(a mapping without subsystem-id for a device that has one)",
        .good = "hostpci0: mapping=gpu",
        .fix = "Write the subsystem id the device has.",
        .fixable = Fixable::automatic,
        .source = assert_valid,
        .vm = check_subsystem,
    },
    {
        .id = "cluster-mapping-mdev-flag",
        .severity = Severity::error,
        .summary = "the mapping's mdev flag does not match the device",
        .why = "Since libpve-guest-common-perl 5.1.7 it has to say whether the device has mediated devices, even where "
               "they are "
               "not used.",
        .bad = "(a mapping with mdev 1 for a device without mediated devices)",
        .good = "hostpci0: mapping=igpu,mdev=i915-GVTg_V5_4",
        .fix = "Set `mdev` to what the device has.",
        .fixable = Fixable::automatic,
        .source = assert_valid,
        .vm = check_mdev_flag,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> cluster_rules = rules;

}  // namespace hostpci
