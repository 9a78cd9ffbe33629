// Rules about VMs that may move: high availability, the nodes of the cluster, live migration; and about mappings that
// overlap.
#include <algorithm>
#include <map>
#include <set>

#include "config/section_config.hpp"
#include "rules/conflict.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

// High availability --------------------------------------------------------------------------------------------------

constexpr const char* resources_file = "/etc/pve/ha/resources.cfg";
constexpr const char* groups_file = "/etc/pve/ha/groups.cfg";
constexpr const char* rules_file = "/etc/pve/ha/rules.cfg";

struct SectionFile {
  SourcePtr source;
  std::vector<Section> sections;
};

SectionFile read_file(const Host& host, const char* path) {
  const std::string* text = host.file(path);
  SectionFile file;
  if (!text) return file;
  file.source = make_source(path, *text);
  file.sections = read_sections_of(file.source);
  return file;
}

/// A VM under high availability, and where it may run.
struct Managed {
  SourcePtr source;
  Span span;                          ///< of its line in resources.cfg
  Fact<std::set<std::string>> nodes;  ///< unknown: the group or the cluster's nodes are not known
};

/// "pve1:2,pve2".
std::set<std::string> node_list(std::string_view text) {
  std::set<std::string> nodes;
  for (std::string_view part : split(text, ',')) nodes.emplace(trim(part.substr(0, part.find(':'))));
  return nodes;
}

bool holds(std::string_view list, std::string_view word) {
  auto is = [&](std::string_view part) { return trim(part) == word; };
  std::vector<std::string_view> parts = split(list, ',');
  return std::any_of(parts.begin(), parts.end(), is);
}

/// The nodes of a rule that binds the VM (since PVE 9), else of its group, else all of the cluster.
Fact<std::set<std::string>> eligible_nodes(const Host& host, const Section& resource) {
  std::string sid = "vm:" + std::string(resource.id);
  for (const Section& rule : read_file(host, rules_file).sections)
    if (rule.type == "node-affinity" && !rule.flag("disable") && holds(rule.text("resources"), sid))
      return node_list(rule.text("nodes"));
  if (host.unreadable.count(rules_file)) return {};
  if (std::string_view name = resource.text("group"); !name.empty()) {
    for (const Section& group : read_file(host, groups_file).sections)
      if (group.type == "group" && group.id == name) return node_list(group.text("nodes"));
    return {};
  }
  if (!host.nodes || host.nodes->empty()) return {};
  return std::set<std::string>(host.nodes->begin(), host.nodes->end());
}

std::optional<Managed> managed(const Host& host, std::uint32_t vmid) {
  SectionFile file = read_file(host, resources_file);
  for (const Section& section : file.sections) {
    bool off = section.text("state") == "ignored" || section.text("state") == "disabled";
    if (section.type != "vm" || section.id != std::to_string(vmid) || off) continue;
    return Managed{file.source, section.span, eligible_nodes(host, section)};
  }
  return {};
}

void label_resource(Diagnostic& d, const Managed& resource) {
  d.labels.push_back({Place(resource.source, resource.span), "under high availability"});
}

std::string name_list(const std::vector<std::string>& names) { return "`" + join(names, "`, `") + "`"; }

// Mappings -----------------------------------------------------------------------------------------------------------

std::set<std::string> nodes_of(const Mapping& mapping) {
  std::set<std::string> nodes;
  for (const MappingEntry& entry : mapping.entries) nodes.emplace(entry.node);
  return nodes;
}

void check_missing(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  std::optional<Managed> resource;
  for (const Assignment& a : vm.assignments) {
    if (!a.resolved.mapping) continue;
    if (!resource) resource = managed(*facts.host, vm.vm->vmid);
    if (!resource || !resource->nodes) return;
    std::set<std::string> have = nodes_of(*a.resolved.mapping);
    std::vector<std::string> missing;
    for (const std::string& node : *resource->nodes)
      if (!have.count(node)) missing.push_back(node);
    // the node it is on now: cluster-mapping-not-found tells it
    std::erase(missing, vm.vm->node.empty() ? facts.host->node : vm.vm->node);
    if (missing.empty()) continue;
    Diagnostic& d = out.at(a, HostpciKey::mapping,
                           "mapping `" + std::string(a.resolved.mapping->id) + "` has no entry for " +
                               name_list(missing) + ", where high availability may start the VM");
    label_resource(d, *resource);
    d.labels.push_back({Place(facts.mappings->source, a.resolved.mapping->id_span),
                        "has entries for " + join({have.begin(), have.end()}, ", ")});
    d.help.emplace_back("add `map` lines for these nodes, or keep the VM to nodes that have the device");
  }
}

/// How many nodes it may come to, as far as that is known.
std::size_t reach(const Host& host, const Managed& resource) {
  if (resource.nodes) return resource.nodes->size();
  return host.nodes ? host.nodes->size() : 0;
}

void check_raw(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  std::optional<Managed> resource;
  for (const Assignment& a : vm.assignments) {
    if (a.parsed().hosts.empty()) continue;
    if (!resource) resource = managed(*facts.host, vm.vm->vmid);
    if (!resource || reach(*facts.host, *resource) < 2) return;
    Diagnostic& d =
        out.at(a, HostpciKey::host, "the VM is under high availability, and its device is an address of this node");
    label_resource(d, *resource);
    d.notes.emplace_back("on another node the address is another device, or none");
    d.help.emplace_back("use a mapping with an entry for each node that has the device");
    return;
  }
}

/// Two paths of one node name a function in common: the text of one is the other's, or its slot.
bool overlap(std::string_view a, std::string_view b) {
  auto first = parse_address_pattern(a), second = parse_address_pattern(b);
  if (!first || !second) return false;
  return first->whole_slot || second->whole_slot ? first->address.same_slot(second->address)
                                                 : first->address == second->address;
}

/// Every path of all mappings, by node and slot: what can overlap stands together.
struct MappedPath {
  const Mapping* mapping;
  const MappingEntry* entry;
  std::string_view path;
};
using Slots = std::map<std::pair<std::string_view, std::string>, std::vector<MappedPath>>;

Slots mapped_slots(const Mappings& mappings) {
  Slots slots;
  for (const auto& [id, mapping] : mappings.by_id)
    for (const MappingEntry& entry : mapping.entries)
      for (std::string_view path : entry.paths)
        if (auto pattern = parse_address_pattern(path))
          slots[{entry.node, pattern->address.slot()}].push_back({&mapping, &entry, path});
  return slots;
}

bool is_used(const Facts& facts, const Mapping& mapping) {
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& a : vm.assignments)
      if (a.resolved.mapping == &mapping && !is_template(vm.next)) return true;
  return false;
}

void tell_overlap(const Facts& facts, const MappedPath& a, const MappedPath& b, Findings& out) {
  Diagnostic& d = out.add(Place(facts.mappings->source, b.entry->path_span),
                          "the mappings `" + std::string(a.mapping->id) + "` and `" + std::string(b.mapping->id) +
                              "` both hold `" + std::string(b.path) + "` of node `" + std::string(b.entry->node) + "`");
  d.labels.push_back({Place(facts.mappings->source, a.entry->path_span), "also here"});
  d.notes.emplace_back("a VM that runs with it through one mapping keeps it from those that name the other");
  if (!is_used(facts, *a.mapping) || !is_used(facts, *b.mapping)) d.severity = Severity::info;
}

void check_overlap(const Facts& facts, Findings& out) {
  std::set<std::pair<const Mapping*, const Mapping*>> told;
  for (const auto& [slot, paths] : mapped_slots(*facts.mappings))
    for (std::size_t i = 1; i < paths.size(); ++i) {
      const MappedPath &a = paths[i - 1], &b = paths[i];
      bool mediated = a.mapping->mdev && b.mapping->mdev;  // many VMs share such a device
      if (a.mapping == b.mapping || mediated || !overlap(a.path, b.path)) continue;
      if (told.emplace(a.mapping, b.mapping).second) tell_overlap(facts, a, b, out);
    }
}

// Live migration -----------------------------------------------------------------------------------------------------

/// Only where the VM is meant to move: in a cluster, under high availability or with a mapping for several nodes.
void check_live(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!facts.host->nodes || facts.host->nodes->size() < 2 || is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    const Mapping* mapping = a.resolved.mapping;
    if (!mapping || mapping->live_migration) continue;
    if (nodes_of(*mapping).size() < 2 && !managed(*facts.host, vm.vm->vmid)) continue;
    Diagnostic& d = out.at(a, HostpciKey::mapping,
                           "the VM moves to another node only while it is stopped: mapping `" +
                               std::string(mapping->id) + "` is not `live-migration-capable`");
    d.help.emplace_back("plan a downtime; few devices can migrate (NVIDIA vGPU, some network cards)");
    return;
  }
}

/// Makers whose devices may migrate with a driver of their own (mlx5, hisi_acc, pds, virtio); of Intel's, virtual
/// functions (QAT, Xe).
bool may_migrate(const Device& d, const Assignment& a) {
  if (!d.id || !d.driver) return true;
  if (on_vfio(d) && *d.driver != "vfio-pci") return true;  // a variant driver
  for (std::uint16_t maker : {0x15b3, 0x19e5, 0x1dd8, 0x1af4})
    if (d.id->vendor == maker) return true;
  if (d.id->vendor == 0x8086) return d.is_vf();
  return d.id->vendor == 0x10de && (a.is_mdev() || d.is_vf());
}

Span without_indent(const Facts& facts, Span line) {
  const std::string& text = facts.mappings->source->text;
  while (line.begin < line.end && (text[line.begin] == ' ' || text[line.begin] == '\t')) ++line.begin;
  return line;
}

void check_live_flag(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    const Mapping* mapping = a.resolved.mapping;
    if (!mapping || !mapping->live_migration || !a.first || may_migrate(*a.first, a) || is_template(vm.next)) continue;
    Diagnostic& d = out.at(a, HostpciKey::mapping,
                           "mapping `" + std::string(mapping->id) + "` is `live-migration-capable`, but `" +
                               describe(*a.first) + "` has no driver that can migrate it");
    if (mapping->live_span)
      d.labels.push_back({Place(facts.mappings->source, without_indent(facts, *mapping->live_span)), "set here"});
    show(d, *a.first, "driver", a.first->driver->empty() ? "none" : *a.first->driver);
    d.notes.emplace_back(
        "Proxmox VE then starts the device with `enable-migration=on`, and QEMU refuses: the VM does not start");
    d.help.emplace_back("take the flag out of the mapping");
  }
}

constexpr Rule rules[] = {
    {
        .id = "cluster-mapping-missing-on-target",
        .severity = Severity::warning,
        .summary = "high availability may start the VM on a node for which its mapping has no entry",
        .why = "The VM does not start there, and a migration to such a node is refused: \"missing mapped devices\".",
        .bad = "# /etc/pve/ha/resources.cfg\nvm: 100\n\tgroup gpus\n\tstate started\n# /etc/pve/ha/groups.cfg\ngroup: "
               "gpus\n\tnodes pve1,pve2\n"
               "# /etc/pve/qemu-server/100.conf\nhostpci0: mapping=gpu\n",
        .good = "# /etc/pve/ha/resources.cfg\nvm: 100\n\tgroup gpus\n\tstate started\n# /etc/pve/ha/groups.cfg\ngroup: "
                "gpus\n\tnodes pve1\n"
                "# /etc/pve/qemu-server/100.conf\nhostpci0: mapping=gpu\n",
        .fix = "Add entries for the nodes, or keep the VM to those that have the device.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuMigrate.pm (check_local_resources)",
        .vm = check_missing,
    },
    {
        .id = "cluster-mapping-duplicate-device",
        .severity = Severity::warning,
        .summary = "two mappings hold the same device of a node",
        .why = "Proxmox VE takes the first device of a mapping that is free. One that stands in two mappings is taken "
               "through either, and the other "
               "VM finds none.",
        .bad = "# /etc/pve/mapping/pci.cfg\ngpu\n\tmap "
               "id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00,subsystem-id=10de:119e\n\ncard\n\tmap "
               "id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00.0,subsystem-id=10de:119e\n",
        .good = "hostpci0: mapping=gpu",
        .fix = "Let each device stand in one mapping.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (choose_hostpci_devices)",
        .host = check_overlap,
    },
    {
        .id = "cluster-raw-device-ha",
        .severity = Severity::warning,
        .summary = "a VM under high availability names a device by its address",
        .why = "Addresses are those of one node. When the node fails, the VM is started on another one, where the "
               "address is another device, or none.",
        .bad = "# /etc/pve/ha/resources.cfg\nvm: 100\n\tgroup all\n\tstate started\n# /etc/pve/ha/groups.cfg\ngroup: "
               "all\n\tnodes pve1,pve2\n"
               "# /etc/pve/qemu-server/100.conf\nhostpci0: 0000:01:00\n",
        .good = "# /etc/pve/ha/resources.cfg\nvm: 101\n\tstate started\n# /etc/pve/qemu-server/100.conf\nhostpci0: "
                "0000:01:00\n",
        .fix = "Use a mapping, and bind the VM to the nodes that have the device.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm.adoc (resource mapping); qemu-server QemuMigrate.pm",
        .vm = check_raw,
    },
    {
        .id = "cluster-live-migration",
        .severity = Severity::info,
        .summary = "the VM cannot move to another node while it runs",
        .why = "Proxmox VE migrates a running VM only if all its mappings are live-migration-capable; others move "
               "while the VM is stopped.",
        .bad = "(a VM under high availability in a cluster, with a mapping)",
        .good = "hostpci0: mapping=gpu",
        .fix = "Plan a downtime.",
        .fixable = Fixable::manual,
        .source = "qemu-server QemuMigrate.pm (check_local_resources)",
        .vm = check_live,
    },
    {
        .id = "cluster-live-flag-unsupported",
        .severity = Severity::warning,
        .summary = "the mapping is marked live-migration-capable, the device cannot migrate",
        .why = "The flag makes Proxmox VE add enable-migration=on. Without a driver that can migrate the device QEMU "
               "gives up: \"VFIO migration is not "
               "supported in kernel\".",
        .bad = "# /etc/pve/mapping/pci.cfg\ngpu\n\tmap "
               "id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00,subsystem-id=10de:119e\n"
               "\tlive-migration-capable 1\n# /etc/pve/qemu-server/100.conf\nhostpci0: mapping=gpu\n",
        .good = "hostpci0: mapping=gpu",
        .fix = "Take the flag out of the mapping.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm (enable-migration); qemu: hw/vfio/migration.c",
        .vm = check_live_flag,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> cluster_estate_rules = rules;

}  // namespace hostpci
