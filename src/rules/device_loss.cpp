// Rules about what the host loses when a VM starts: disks, networks, consoles on the device itself or on one that goes
// along in its group.
#include <algorithm>
#include <set>

#include "rules/device.hpp"

namespace hostpci {
namespace {

bool already_taken(const Device& d) { return on_vfio(d) || d.driver == "pci-stub"; }

bool is_storage(const Use& use) {
  return use.kind == UseKind::disk || use.kind == UseKind::filesystem || use.kind == UseKind::swap;
}

bool is_network(const Use& use) { return use.kind == UseKind::net || use.kind == UseKind::bridge_port; }

/// The uses of one carrier that a rule is about.
struct Group {
  HostLoss first;
  std::vector<const Use*> uses;
};

template <class Wanted>
std::vector<Group> by_carrier(const std::vector<HostLoss>& all, Wanted wanted) {
  std::vector<Group> groups;
  for (const HostLoss& loss : all) {
    if (!wanted(loss)) continue;
    if (groups.empty() || groups.back().first.carrier != loss.carrier) groups.push_back({loss, {}});
    groups.back().uses.push_back(loss.use);
  }
  return groups;
}

std::string through_group(const HostLoss& loss) {
  if (loss.named == loss.carrier) return "";
  return ", which goes along in IOMMU group " + std::to_string(loss.named->group.value_or(-1));
}

/// One finding: "MESSAGE `0000:05:00.0 (…)`", with what hangs on the carrier.
Diagnostic& tell(const Facts& facts, Findings& out, const Group& group, std::string message) {
  const HostLoss& loss = group.first;
  message += " `" + describe(*loss.carrier) + "`" + through_group(loss);
  Diagnostic& d = at_device(out, facts, *loss.assignment, *loss.named, std::move(message));
  for (const Use* use : group.uses) show(d, *loss.carrier, {}, "carries " + use_text(*use));
  if (loss.named != loss.carrier) show(d, *loss.named, "iommu_group", "the group of the device that is named");
  return d;
}

/// A device whose uses could not be read, of a class where they matter.
void unknown_uses(const VmFacts& vm, std::uint32_t base, std::string_view attribute, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && d->has_class(base) && !d->uses && !already_taken(*d) && !d->is_vf())
        return out.unknown("what the host uses " + d->address.str() + " for", device_path(d->address, attribute));
}

void onboot_note(const VmFacts& vm, Diagnostic& d) {
  if (vm.onboot) d.notes.push_back("`onboot: 1`: it happens at every boot, and only a local console can undo it");
}

void check_boot_controller(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto wanted = [](const HostLoss& l) { return l.use->critical && is_storage(*l.use); };
  for (const Group& group : by_carrier(host_losses(facts, vm), wanted)) {
    Diagnostic& d = tell(facts, out, group, "the host runs from disks behind");
    d.notes.push_back("the host hangs or turns read-only the moment the VM starts");
    onboot_note(vm, d);
  }
  unknown_uses(vm, 0x01, {}, out);
}

void check_disks(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto critical = [](const HostLoss& l) { return l.use->critical && is_storage(*l.use); };
  std::set<const Device*> told;
  std::vector<HostLoss> all = host_losses(facts, vm);
  for (const Group& group : by_carrier(all, critical)) told.insert(group.first.carrier);
  auto wanted = [&](const HostLoss& l) {
    bool used = l.use->kind != UseKind::disk || !l.use->detail.empty();
    return is_storage(*l.use) && used && !told.count(l.carrier);
  };
  for (const Group& group : by_carrier(all, wanted)) {
    Diagnostic& d = tell(facts, out, group, "the host uses disks behind");
    d.help.push_back("unmount or export them on the host first, and keep the host from importing them again");
  }
}

void check_mgmt_nic(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto wanted = [](const HostLoss& l) { return l.use->critical && is_network(*l.use); };
  for (const Group& group : by_carrier(host_losses(facts, vm), wanted)) {
    Diagnostic& d = tell(facts, out, group, "the host is reached through");
    d.notes.push_back("the node drops off the network the moment the VM starts");
    onboot_note(vm, d);
    const HostLoss& loss = group.first;
    if (loss.named != loss.carrier)
      d.help.push_back("use a slot with a group of its own");
    else
      d.help.push_back(loss.carrier->sriov_totalvfs.value_or(0) > 0
                           ? "use another port, or a virtual function of this card"
                           : "use another port or card");
  }
  unknown_uses(vm, 0x02, "net", out);
}

void check_bridge_nic(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto wanted = [](const HostLoss& l) {
    bool used = l.use->kind == UseKind::bridge_port || (l.use->kind == UseKind::net && !l.use->detail.empty());
    return used && !l.use->critical && !l.carrier->is_vf();
  };
  for (const Group& group : by_carrier(host_losses(facts, vm), wanted)) {
    Diagnostic& d = tell(facts, out, group, "a network of the host runs through");
    d.help.push_back("take the port out of its bridge, bond or addresses in /etc/network/interfaces first");
  }
}

bool has_inputs(const Device& d) {
  return d.uses && std::any_of(d.uses->begin(), d.uses->end(), [](const Use& u) { return u.kind == UseKind::input; });
}

/// Some other controller still gives the host a keyboard.
bool other_input(const Facts& facts, const VmFacts& vm) {
  for (const auto& [address, d] : facts.host->devices)
    if (!names(vm, address) && !facts.users.count(address) && has_inputs(d)) return true;
  return false;
}

void check_usb(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto wanted = [](const HostLoss& l) {
    bool usb = l.carrier->has_subclass(0x0c03) && !l.use->critical;
    return usb && (l.use->kind == UseKind::input || (l.use->kind == UseKind::net && l.use->detail.empty()));
  };
  for (const Group& group : by_carrier(host_losses(facts, vm), wanted)) {
    Diagnostic& d = tell(facts, out, group, "the host loses what is plugged into");
    bool net = std::any_of(group.uses.begin(), group.uses.end(), [](const Use* u) { return is_network(*u); });
    if (!net) d.severity = Severity::info;  // a keyboard usually is what the VM is meant to get
    if (!net && !other_input(facts, vm)) d.notes.push_back("no keyboard is left for the host's own console");
  }
}

void check_vf_used(const Facts& facts, const VmFacts& vm, Findings& out) {
  auto wanted = [](const HostLoss& l) {
    bool used = l.use->kind == UseKind::bridge_port || !l.use->detail.empty();
    return l.carrier->is_vf() && l.named == l.carrier && !l.use->critical && is_network(*l.use) && used;
  };
  for (const Group& group : by_carrier(host_losses(facts, vm), wanted)) {
    Diagnostic& d = tell(facts, out, group, "the host itself uses the virtual function");
    d.help.push_back("take another virtual function, or keep the host from using it (sriov_drivers_autoprobe)");
  }
}

constexpr Rule rules[] = {
    {
        .id = "device-boot-controller",
        .severity = Severity::error,
        .summary = "the host's root, boot or swap disk hangs on the device or its IOMMU group",
        .why = "Proxmox VE takes the device and all of its group from the host's drivers when the VM starts; the "
               "host's own disks go "
               "with it, and the host hangs.",
        .bad = "hostpci0: 0000:00:17.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Never pass it. Remove the hostpci line, or move the host's system to another controller.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .vm = check_boot_controller,
    },
    {
        .id = "device-disks-in-use",
        .severity = Severity::error,
        .summary = "disks behind the device are in use on the host",
        .why = "A pool, volume group or file system that is in use faults when its controller goes; one that host and "
               "guest both "
               "import is destroyed.",
        .bad = "hostpci0: 0000:02:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Unmount or export them on the host, keep it from importing them again, and bind the controller to "
               "vfio-pci at boot.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .vm = check_disks,
    },
    {
        .id = "device-mgmt-nic",
        .severity = Severity::error,
        .summary = "the host's own network hangs on the device or its IOMMU group",
        .why = "The interface vanishes when the VM starts. The node is then unreachable, and a cluster fences it.",
        .bad = "hostpci0: 0000:00:1f.6",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Use another port, or a virtual function.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .vm = check_mgmt_nic,
    },
    {
        .id = "device-nic-in-bridge",
        .severity = Severity::warning,
        .summary = "the network card is a port of a bridge or bond, or has an address on the host",
        .why = "Other guests on that bridge lose their network when the VM starts, and ifreload fails for want of the "
               "port.",
        .bad = "(a port of vmbr1)\nhostpci0: 0000:44:00.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Remove it from the bridge first.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: pve-network.adoc",
        .vm = check_bridge_nic,
    },
    {
        .id = "device-usb-controller-host",
        .severity = Severity::warning,
        .summary = "the host loses what is plugged into the USB controller",
        .why = "All ports of the controller go with it: a network adapter, a UPS, the keyboard of the host's console.",
        .bad = "hostpci0: 0000:00:14.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Plug what the host needs into another controller.",
        .fixable = Fixable::manual,
        .source = "kernel: sysfs topology",
        .vm = check_usb,
    },
    {
        .id = "device-vf-used-by-host",
        .severity = Severity::warning,
        .summary = "the host itself uses the virtual function",
        .why = "Proxmox VE unbinds the virtual function from its network driver when the VM starts; an address on it "
               "is gone.",
        .bad = "(has an address on the host)\nhostpci0: 0000:45:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Take a free virtual function, or write 0 to the card's sriov_drivers_autoprobe before creating them.",
        .fixable = Fixable::assisted,
        .source = "kernel: sysfs-bus-pci (sriov_drivers_autoprobe)",
        .vm = check_vf_used,
    },
};
static_assert(well_formed(rules));

}  // namespace

std::vector<HostLoss> taken_devices(const Facts& facts, const VmFacts& vm) {
  std::vector<HostLoss> all;
  std::set<PciAddress> seen;
  for (const Assignment& a : vm.assignments)
    for (const Device* device : a.devices) {
      if (!takes(a) || is_any_bridge(*device)) continue;
      std::vector<const Device*> carriers{device};
      if (device->group.value_or(-1) >= 0)
        for (const Device* member : other_members(facts, vm, *device->group)) carriers.push_back(member);
      for (const Device* carrier : carriers) {
        if (!already_taken(*carrier) && seen.insert(carrier->address).second) all.push_back({&a, device, carrier});
      }
    }
  return all;
}

std::vector<HostLoss> host_losses(const Facts& facts, const VmFacts& vm) {
  std::vector<HostLoss> all;
  for (const HostLoss& taken : taken_devices(facts, vm))
    if (taken.carrier->uses)
      for (const Use& use : *taken.carrier->uses) all.push_back({taken.assignment, taken.named, taken.carrier, &use});
  return all;
}

const std::span<const Rule> device_loss_rules = rules;

}  // namespace hostpci
