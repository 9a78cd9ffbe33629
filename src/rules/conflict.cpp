// Rules about two VMs that want the same device, or devices of one IOMMU group.
#include "rules/conflict.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "rules/holders.hpp"
#include "text/words.hpp"

namespace hostpci {

std::string vm_name(const VmFacts& vm) { return vm_label(*vm.vm); }

std::vector<User> one_a_vm(const std::vector<User>& users) {
  std::vector<User> result;
  for (const User& user : users)
    if (result.empty() || result.back().vm != user.vm) result.push_back(user);
  return result;
}

std::string vm_list(const std::vector<User>& users) {
  constexpr std::size_t most = 8;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < users.size() && i < most; ++i) ids.push_back(vm_word(*users[i].vm->vm));
  std::string text = "VMs " + join(ids, ", ");
  return users.size() > most ? text + " and " + std::to_string(users.size() - most) + " more" : text;
}

bool collide(const User& a, const User& b) {
  bool mediated = a.assignment->resolved.mdev && b.assignment->resolved.mdev;
  auto flexible = [](const User& u) { return u.assignment->resolved.choices.size() > 1; };
  return !mediated && !flexible(a) && !flexible(b);
}

namespace {

/// The line takes the function itself, and has no other choice.
bool insists(const User& user) {
  return !user.assignment->resolved.mdev && user.assignment->resolved.choices.size() <= 1;
}

// In use -------------------------------------------------------------------------------------------------------------

bool held_by_other(const Holders& held, const VmFacts& vm, const PciAddress& address) {
  auto at = held.find(address);
  return at != held.end() && at->second.vmid != vm.vm->vmid;
}

/// Every choice of the line has a function that another VM holds.
bool is_blocked(const Holders& held, const Assignment& a) {
  auto blocked = [&](const std::vector<PciAddress>& choice) {
    return std::any_of(choice.begin(), choice.end(),
                       [&](const PciAddress& f) { return held_by_other(held, *a.owner, f); });
  };
  const auto& choices = a.resolved.choices;
  return !a.resolved.mdev && !choices.empty() && std::all_of(choices.begin(), choices.end(), blocked);
}

void tell_in_use(const Facts& facts, const Holders& held, const Assignment& a, Findings& out) {
  for (const PciAddress& function : a.functions()) {
    if (!held_by_other(held, *a.owner, function)) continue;
    const Holder& holder = held.at(function);
    Diagnostic& d =
        out.at(a, a.resolved.mapping ? HostpciKey::mapping : HostpciKey::host,
               "device `" + function.str() + "` is in use by VM " + std::to_string(holder.vmid) + ", which runs");
    for (const User& other : facts.others(a, function))
      if (other.vm->vm->vmid == holder.vmid) {
        d.labels.push_back({Findings::place(*other.assignment), "VM " + std::to_string(holder.vmid) + " takes it"});
        break;
      }
    d.labels.push_back({Place(holder.evidence), "shows that it runs with the device"});
    d.help.push_back("stop VM " + std::to_string(holder.vmid) + " before " + vm_name(*a.owner) + " is started");
    return;
  }
}

bool any_shared(const Facts& facts) {
  return std::any_of(facts.users.begin(), facts.users.end(),
                     [](const auto& u) { return one_a_vm(u.second).size() > 1; });
}

void check_in_use(const Facts& facts, Findings& out) {
  if (!facts.host->running) {
    if (any_shared(facts)) out.unknown("which VMs run", "/run/qemu-server");
    return;
  }
  Holders held = device_holders(*facts.host);
  for (const VmFacts& vm : facts.vms) {
    if (vm.running || vm.foreign || is_template(vm.next)) continue;
    for (const Assignment& a : vm.assignments)
      if (is_blocked(held, a)) tell_in_use(facts, held, a, out);
  }
}

// Both at boot -------------------------------------------------------------------------------------------------------

std::vector<User> starting_at_boot(const std::vector<User>& users) {
  std::vector<User> result;
  for (const User& user : one_a_vm(users))
    if (user.vm->onboot) result.push_back(user);
  return result;
}

void check_both_onboot(const Facts& facts, Findings& out) {
  std::set<std::pair<const Assignment*, const Assignment*>> told;
  for (const auto& [function, all] : facts.users) {
    std::vector<User> users = starting_at_boot(all);
    for (std::size_t i = 1; i < users.size(); ++i) {
      const User &first = users[i - 1], &second = users[i];
      if (!collide(first, second) || !told.emplace(first.assignment, second.assignment).second) continue;
      Diagnostic& d = out.at(*second.assignment, "device `" + function.str() + "` is also taken by " +
                                                     vm_name(*first.vm) + ", and both start at boot");
      d.labels.push_back({Findings::place(*first.assignment), vm_name(*first.vm) + " takes it too"});
      if (users.size() > 2) d.notes.push_back(vm_list(users) + " all start at boot with it");
      d.notes.emplace_back("whichever starts second fails");
      d.help.push_back("set `onboot: 0` on one of them");
    }
  }
}

// One group ----------------------------------------------------------------------------------------------------------

std::set<PciAddress> functions_of(const VmFacts& vm) {
  std::set<PciAddress> functions;
  for (const Assignment& a : vm.assignments)
    if (!a.resolved.mdev) functions.insert(a.functions().begin(), a.functions().end());
  return functions;
}

/// VMs that want the same function cannot run together anyway.
bool share_a_function(const VmFacts& a, const VmFacts& b) {
  std::set<PciAddress> functions = functions_of(a);
  for (const Assignment& other : b.assignments)
    for (const PciAddress& f : other.functions())
      if (!other.resolved.mdev && functions.count(f)) return true;
  return false;
}

/// The nearest VM before this one that could run beside it; some VMs back is far enough.
const User* neighbour(const std::vector<User>& users, std::size_t i) {
  constexpr std::size_t furthest = 16;
  for (std::size_t back = 1; back <= i && back <= furthest; ++back)
    if (!share_a_function(*users[i - back].vm, *users[i].vm)) return &users[i - back];
  return nullptr;
}

const PciAddress* member(const Facts& facts, const Assignment& a, int group) {
  for (const PciAddress& f : a.functions())
    if (const Device* device = facts.device(f); device && device->group == group) return &f;
  return nullptr;
}

void check_shared_group(const Facts& facts, Findings& out) {
  for (const auto& [group, all] : facts.group_users) {
    std::vector<User> users;
    for (const User& user : all)
      if (insists(user)) users.push_back(user);
    users = one_a_vm(users);
    for (std::size_t i = 1; i < users.size(); ++i) {
      const User* other = neighbour(users, i);
      if (!other) continue;
      const PciAddress *mine = member(facts, *users[i].assignment, group),
                       *theirs = member(facts, *other->assignment, group);
      if (!mine || !theirs) continue;
      Diagnostic& d = out.at(*users[i].assignment, "`" + mine->str() + "` is in IOMMU group " + std::to_string(group) +
                                                       " with `" + theirs->str() + "` of " + vm_name(*other->vm));
      d.labels.push_back({Findings::place(*other->assignment), vm_name(*other->vm) + " takes the other device"});
      d.labels.push_back({Place("/sys/kernel/iommu_groups/" + std::to_string(group) + "/devices"), "holds both"});
      if (users.size() > 2) d.notes.push_back(vm_list(users) + " use devices of this group");
      d.notes.emplace_back("a group can be opened by one process only: the VMs cannot run at the same time");
      d.help.emplace_back("give both devices to one VM, or move one card to a slot with a group of its own");
    }
  }
}

constexpr Rule rules[] = {
    {
        .id = "conflict-in-use",
        .severity = Severity::error,
        .summary = "the device is in use by a VM that runs",
        .why =
            "Proxmox VE reserves devices for the VM that runs with them; another one that names them does not start.",
        .bad = "(two VMs that name the same device, while one of them runs with it)",
        .good = "hostpci0: 0000:01:00",
        .fix = "Stop the other VM first.",
        .fixable = Fixable::manual,
        .source = "qemu-server PCI.pm (reserve_pci_usage)",
        .host = check_in_use,
    },
    {
        .id = "conflict-both-onboot",
        .severity = Severity::error,
        .summary = "two VMs that start at boot share a device",
        .why = "The order decides which of them gets it; the other fails to start.",
        .bad = "(two VMs with `onboot: 1` that name the same device)",
        .good = "onboot: 1\nhostpci0: 0000:01:00",
        .fix = "Clear `onboot` on one of them.",
        .fixable = Fixable::assisted,
        .source = "qemu-server PCI.pm",
        .host = check_both_onboot,
    },
    {
        .id = "conflict-shared-group",
        .severity = Severity::error,
        .summary = "two VMs use different devices of one IOMMU group",
        .why = "A group can be opened by one process only: while one VM runs, the other does not start.",
        .bad = "(two VMs that name two devices of the same IOMMU group)",
        .good = "hostpci0: 0000:01:00",
        .fix = "Give both devices to one VM, or separate the groups.",
        .fixable = Fixable::manual,
        .source = "QEMU hw/vfio/container.c",
        .host = check_shared_group,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> conflict_rules = rules;

}  // namespace hostpci
