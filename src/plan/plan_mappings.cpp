// Mappings for VMs that high availability may start on another node, where an address of this node is another device or
// none. Replication alone moves no VM, so an address stays what it is there.
#include <algorithm>

#include "config/machine.hpp"
#include "config/mapping_edit.hpp"
#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* mapping_file = "/etc/pve/mapping/pci.cfg";

/// "0000:01:00", "0000:05:10.0;0000:05:10.1": the line's devices as a mapping's path has them.
std::string path_of(const Assignment& a) {
  std::vector<std::string> parts;
  for (const HostElement& element : a.parsed().hosts) {
    std::string address = element.pattern.address.str();
    parts.push_back(element.pattern.whole_slot ? address.substr(0, address.rfind('.')) : address);
  }
  return join(parts, ";");
}

bool is_mediated(const Device& d) { return d.nvidia_vgpu || (d.mdev_types && !d.mdev_types->empty()); }

/// All that Proxmox VE compares when the VM starts; empty if some of it is not known.
std::string map_line(const Host& host, const Assignment& a) {
  const Device* d = a.first;
  if (!d || host.node.empty() || !d->id || !d->group || !d->subsystem) return {};
  std::string line = "id=" + d->id->str();
  if (*d->group >= 0) line += ",iommugroup=" + std::to_string(*d->group);
  line += ",node=" + host.node + ",path=" + path_of(a);
  if (*d->subsystem != PciId{}) line += ",subsystem-id=" + d->subsystem->str();
  return line;
}

/// A mapping that has this device on this node already.
const Mapping* existing(const Facts& facts, const Assignment& a) {
  for (const auto& [id, mapping] : facts.mappings->by_id)
    for (const MappingEntry& entry : mapping.entries)
      if (entry.node == facts.host->node && entry.path == path_of(a)) return &mapping;
  return nullptr;
}

/// "gpu-01-00", "nic-05-10-0": after class and address, as `suggest` names them; a number behind it where that name is
/// taken.
std::string new_name(const Facts& facts, const Assignment& a) {
  std::string path = path_of(a), slot = path.substr(0, path.find(';'));
  slot = slot.substr(slot.find(':') + 1);
  std::replace_if(
      slot.begin(), slot.end(), [](char c) { return c == ':' || c == '.'; }, '-');
  std::string kind = a.first->is_gpu() ? "gpu-" : a.first->has_class(0x02) ? "nic-" : "pci-", name = kind + slot;
  for (int number = 2; facts.mappings->find(name); ++number) name = kind + slot + "-" + std::to_string(number);
  return name;
}

/// pci.cfg with a section for the line's device.
Result<std::string> with_section(Workspace& work, const Assignment& a, const std::string& name) {
  std::string line = map_line(work.host(), a);
  if (line.empty()) return Failure{"what Proxmox VE compares of the device is not known"};
  if (auto unread = work.host().unreadable.find(mapping_file); unread != work.host().unreadable.end())
    return Failure{unread->second};
  MappingChange change;
  change.id = name;
  change.maps = {line};
  if (is_mediated(*a.first)) change.options["mdev"] = "1";
  const std::string* text = work.text(mapping_file);
  return add_mapping(text ? *text : "", change);
}

/// The name of a mapping for the line's device, made if there is none; empty if that is not possible.
std::string provide(Workspace& work, const Assignment& a) {
  if (const Mapping* known = existing(work.facts(), a)) return std::string(known->id);
  std::string name = new_name(work.facts(), a), path = path_of(a);
  Result<std::string> made = with_section(work, a, name);
  if (!made) {
    work.obstacle(mapping_file, 0, "no mapping is made for " + path + ": " + made.error().message);
    return {};
  }
  work.put(
      mapping_file, std::move(*made),
      {"a name for " + path + " that each node of the cluster can give a device of its own (cluster-raw-device-ha)"});
  return name;
}

/// The first line of the VM that names a device by address, or null.
const Assignment* raw_line(const VmFacts& vm, const std::vector<std::string>& done) {
  for (const Assignment& a : vm.assignments) {
    bool tried = std::find(done.begin(), done.end(), a.key()) != done.end();
    if (!a.parsed().hosts.empty() && !a.resolved.mapping && a.first && !tried) return &a;
  }
  return nullptr;
}

void map_lines(Workspace& work, std::uint32_t vmid) {
  std::vector<std::string> done;
  while (const Assignment* a = raw_line(*work.facts().vm(vmid), done)) {
    std::string key = a->key(), name = provide(work, *a);
    done.push_back(key);
    const VmFacts& vm = *work.facts().vm(vmid);
    for (const Assignment& now : vm.assignments)
      if (const HostpciProperty* host = now.parsed().find(HostpciKey::host);
          host && now.key() == key && !name.empty()) {
        std::string reason =
            "high availability may start the VM where this address is another device (cluster-raw-device-ha)";
        work.edit({{vm.vm->source->path, host->span, "mapping=" + name}}, reason);
        break;
      }
  }
}

bool moves(Workspace& work, std::uint32_t vmid) {
  for (const Diagnostic& finding : findings_of_rule(work, "cluster-raw-device-ha"))
    if (finding.vm == vmid) return true;
  return false;
}

}  // namespace

void plan_mappings(Workspace& work) {
  std::vector<std::uint32_t> vmids = work.plan.vms;
  for (std::uint32_t vmid : vmids) {
    const VmFacts* vm = work.facts().vm(vmid);
    if (vm && work.may_change(*vm) && moves(work, vmid)) map_lines(work, vmid);
  }
  for (const Diagnostic& finding : findings_of_rule(work, "cluster-mapping-missing-on-target"))
    work.obstacle(finding.place.file(), 0, finding.message + " (" + finding.rule + ")");
}

}  // namespace hostpci
