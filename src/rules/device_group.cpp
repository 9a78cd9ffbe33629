// Rules about IOMMU groups: what goes along with a device, and what keeps its group from being used.
#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string group_name(int group) { return "IOMMU group " + std::to_string(group); }

/// The host would miss it: disks, networks, its console. A card's sound or picture goes along as a matter of course.
bool is_missed(const Use& use) {
  return use.critical || use.kind == UseKind::disk || use.kind == UseKind::filesystem || use.kind == UseKind::swap ||
         use.kind == UseKind::net || use.kind == UseKind::bridge_port;
}

/// A function of the same card: it goes along, unless the host uses it for something of its own.
bool harmless_sibling(const Device& member, const Device& of) {
  bool card = member.address.same_slot(of.address) && of.address.bus != 0;
  bool missed = member.uses && std::any_of(member.uses->begin(), member.uses->end(), is_missed);
  return card && !missed && !member.sriov_numvfs.value_or(0);
}

bool is_critical(const Device& d) {
  return d.uses && std::any_of(d.uses->begin(), d.uses->end(), [](const Use& use) { return use.critical; });
}

/// Members of one group that PVE takes along.
struct Victims {
  std::vector<const Device*> lost;  ///< on a host driver now, or on an unknown one
  std::vector<const Device*> idle;  ///< without a driver, or on vfio-pci
};

Victims victims(const Facts& facts, const VmFacts& vm, const Device& of) {
  Victims v;
  for (const Device* member : other_members(facts, vm, *of.group)) {
    if (harmless_sibling(*member, of)) continue;
    (!member->driver || on_host_driver(*member) ? v.lost : v.idle).push_back(member);
  }
  return v;
}

std::string what_is_lost(const Device& d) {
  std::string text = "goes along: " + driver_text(d);
  if (!d.uses) return text;
  for (const Use& use : *d.uses) text += ", " + use_text(use);
  return text;
}

void tell_lost(const Facts& facts, const Assignment& a, const Device& device, const Victims& v, Findings& out) {
  Diagnostic& d =
      at_device(out, facts, a, device,
                group_name(*device.group) + " of `" + device.address.str() + "` also holds " + list(v.lost) +
                    ": the host loses " + (v.lost.size() == 1 ? "it" : "them") + " when the VM starts");
  if (std::any_of(v.lost.begin(), v.lost.end(), [](const Device* m) { return is_critical(*m); }))
    d.severity = Severity::error;
  for (const Device* member : v.lost) show(d, *member, "iommu_group", what_is_lost(*member));
  d.notes.push_back("Proxmox VE binds every endpoint of the group to vfio-pci without asking");
  d.help.push_back("use a slot with a group of its own, or pass all devices of the group to this VM");
}

void tell_idle(const Facts& facts, const Assignment& a, const Device& device, const Victims& v, Findings& out) {
  Diagnostic& d = at_device(out, facts, a, device,
                            group_name(*device.group) + " of `" + device.address.str() + "` also holds " +
                                list(v.idle) + ", which no host driver uses");
  d.severity = Severity::info;
  d.notes.push_back("the host loses nothing, but no other VM can use the rest of the group while this one runs");
}

void check_shared(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::set<int> told;
  for (const Assignment& a : vm.assignments)
    for (const Device* device : a.devices) {
      if (!takes(a) || is_any_bridge(*device) || device->group.value_or(-1) < 0) continue;
      Victims v = victims(facts, vm, *device);
      if ((v.lost.empty() && v.idle.empty()) || !told.insert(*device->group).second) continue;
      v.lost.empty() ? tell_idle(facts, a, *device, v, out) : tell_lost(facts, a, *device, v, out);
    }
}

/// The addresses of `-device vfio-pci,host=…` in args.
std::vector<PciAddress> devices_of_args(const VmFacts& vm) {
  std::vector<PciAddress> found;
  for (std::string_view word : words(vm.next.text("args"))) {
    std::vector<std::string_view> parts = split(word, ',');
    if (parts.empty() || parts.front() != "vfio-pci") continue;
    for (std::string_view part : parts)
      if (part.substr(0, 5) == "host=")
        if (auto address = parse_pci_address(part.substr(5))) found.push_back(*address);
  }
  return found;
}

/// Some plain line of the VM makes PVE bind the whole group.
bool bound_anyway(const VmFacts& vm, int group) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && d->group == group) return true;
  return false;
}

/// Members on a driver that the kernel does not accept beside vfio-pci. Source: kernel vfio/group.c, iommu.c
/// (driver_managed_dma).
std::vector<const Device*> blockers(const Host& host, const Device& of) {
  std::vector<const Device*> found;
  for (const Device* member : host.group(*of.group)) {
    bool port = member->has_subclass(0x0604) || member->has_subclass(0x0607);
    if (member->address != of.address && !port && on_host_driver(*member)) found.push_back(member);
  }
  return found;
}

void tell_blocked(Diagnostic& d, const std::vector<const Device*>& members) {
  for (const Device* member : members) show(d, *member, "driver", "bound to `" + *member->driver + "`");
}

std::string not_viable(const Device& device, const std::vector<const Device*>& members) {
  return group_name(*device.group) + " of `" + device.address.str() + "` is not viable: " + list(members) +
         (members.size() == 1 ? " is" : " are") + " on a host driver";
}

void check_not_viable(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next) || vm.foreign) return;
  for (const Assignment& a : vm.assignments)
    for (const Device* device : a.devices) {
      int group = device->group.value_or(-1);
      if (!keeps_driver(a) || a.is_mdev() || group < 0 || bound_anyway(vm, group)) continue;
      std::vector<const Device*> members = blockers(*facts.host, *device);
      if (members.empty()) continue;
      Diagnostic& d = out.at(a, HostpciKey::driver, not_viable(*device, members));
      tell_blocked(d, members);
      d.help.push_back("remove `driver=keep`, or bind the other devices to vfio-pci first");
    }
  for (const PciAddress& address : devices_of_args(vm)) {
    const Device* device = facts.device(address);
    int group = device ? device->group.value_or(-1) : -1;
    if (group < 0 || bound_anyway(vm, group)) continue;
    if (std::vector<const Device*> members = blockers(*facts.host, *device); !members.empty()) {
      Diagnostic& d = out.at_key("args", not_viable(*device, members));
      tell_blocked(d, members);
      d.help.push_back("use a `hostpci` line: Proxmox VE binds nothing that `args` names");
    }
  }
}

void check_no_group(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (facts.host->kernel.iommus && facts.host->kernel.iommus->empty()) return;  // host-iommu-absent tells it
  for (const Assignment& a : vm.assignments)
    for (const Device* device : a.devices) {
      if (a.is_mdev() || is_template(vm.next) || is_any_bridge(*device) || device->group != -1) continue;
      bool others = !facts.host->group_ids().empty();
      if (!others || device->address.domain >= 0x10000) continue;
      Diagnostic& d = at_device(out, facts, a, *device, "`" + describe(*device) + "` has no IOMMU group");
      show(d, *device, "iommu_group", "does not exist, other devices have one");
      if (device->is_gpu())
        d.help.push_back("remove `intel_iommu=igfx_off` from the kernel command line if it is there");
    }
}

/// A reset of this device leaves its neighbours alone; true as well if nothing is known.
bool resets_alone(const Device& d) {
  if (d.flr == true || (!d.flr && !d.reset_method)) return true;
  return d.reset_method && d.reset_method->find("flr") != std::string::npos;
}

void check_split(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::set<std::uint32_t> told;
  for (const Assignment& a : vm.assignments)
    for (const Device* device : a.devices) {
      if (!takes(a) || device->is_vf() || device->address.bus == 0 || resets_alone(*device)) continue;
      for (const Device* sibling : siblings(*facts.host, *device)) {
        if (sibling->is_vf() || sibling->group == device->group || names(vm, sibling->address)) continue;
        auto users = facts.users.find(sibling->address);
        if (users == facts.users.end()) continue;
        for (const User& user : users->second) {
          std::uint32_t other = user.vm->vm->vmid;
          if (other <= vm.vm->vmid || !takes(*user.assignment) || !told.insert(other).second) continue;
          Diagnostic& d = at_device(out, facts, a, *device,
                                    "`" + device->address.str() + "` and `" + sibling->address.str() +
                                        "` are one card, VM " + std::to_string(other) + " takes the other function");
          d.labels.push_back({Findings::place(*user.assignment), "the other function"});
          show(d, *device, "reset_method", "no function-level reset: a reset of one function resets the whole card");
        }
      }
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-group-shared",
        .severity = Severity::warning,
        .summary = "the IOMMU group holds other devices, which the host loses with it",
        .why = "When the VM starts, Proxmox VE unbinds every endpoint of the group from its driver and gives it to "
               "vfio-pci. A "
               "network card or disk controller in the same group is gone from the host that moment.",
        .bad = "hostpci0: 0000:03:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Use a slot with a group of its own (`hostpci groups`), look for an ACS setting in the firmware, or "
               "pass all of the "
               "group to one VM. ACS override is the last resort.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .vm = check_shared,
    },
    {
        .id = "device-group-not-viable",
        .severity = Severity::error,
        .summary = "a member of the IOMMU group stays on a host driver",
        .why = "With driver=keep, or a device passed in args, Proxmox VE binds nothing, and the kernel refuses a group "
               "that host "
               "drivers own in part: \"group is not viable\".",
        .bad = "hostpci0: 0000:03:00.0,driver=keep",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Remove driver=keep (use a hostpci line instead of args), or bind the other members to vfio-pci first.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio/group.c; qemu: hw/vfio/container.c",
        .vm = check_not_viable,
    },
    {
        .id = "device-no-iommu-group",
        .severity = Severity::error,
        .summary = "the device has no IOMMU group although others have",
        .why = "A device the IOMMU does not translate (an integrated GPU under intel_iommu=igfx_off, a device behind "
               "VMD) has no "
               "group, and without one it cannot be passed.",
        .bad = "(left out by the IOMMU)\nhostpci0: 0000:42:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Remove intel_iommu=igfx_off; switch VMD off in the firmware.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .vm = check_no_group,
    },
    {
        .id = "device-siblings-split-vms",
        .severity = Severity::warning,
        .summary = "functions of one card go to different VMs",
        .why = "Without a function-level reset, stopping one VM resets the whole card, and with it the function the "
               "other VM uses.",
        .bad = "(another VM has 0000:43:00.1)\nhostpci0: 0000:43:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Give all functions of a card to one VM.",
        .fixable = Fixable::manual,
        .source = "qemu: hw/vfio/pci.c (hot reset); kernel: drivers/pci/pci.c",
        .vm = check_split,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_group_rules = rules;

}  // namespace hostpci
