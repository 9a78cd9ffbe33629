// Rules about devices that several VMs name, of which only one can run, and about reservations that were left behind.
#include <algorithm>
#include <set>

#include "rules/conflict.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

using Pair = std::pair<const VmFacts*, const VmFacts*>;

/// conflict-both-onboot or conflict-in-use tells of them.
bool told_elsewhere(const VmFacts& a, const VmFacts& b) { return (a.onboot && b.onboot) || a.running || b.running; }

/// Neighbours in order of VMs: n users make n - 1 findings, not a finding for every pair.
void check_shared_device(const Facts& facts, Findings& out) {
  std::set<Pair> told;
  for (const auto& [function, all] : facts.users) {
    std::vector<User> users = one_a_vm(all);
    for (std::size_t i = 1; i < users.size(); ++i) {
      const User &first = users[i - 1], &second = users[i];
      if (!collide(first, second) || told_elsewhere(*first.vm, *second.vm)) continue;
      if (!told.emplace(first.vm, second.vm).second) continue;
      Diagnostic& d = out.at(*second.assignment, "device `" + function.str() + "` is also taken by " +
                                                     vm_name(*first.vm) + ": only one of the two can run");
      d.labels.push_back({Findings::place(*first.assignment), vm_name(*first.vm) + " takes it too"});
      if (users.size() > 2) d.notes.push_back(vm_list(users) + " take it");
      d.help.emplace_back(
          "if it is meant so, `#hostpci: allow conflict-shared-device REASON` in the VM's notes says it");
    }
  }
}

// Physical and virtual functions -------------------------------------------------------------------------------------

/// VMs that take virtual functions of each card.
std::map<PciAddress, std::vector<User>> users_of_virtual_functions(const Facts& facts) {
  std::map<PciAddress, std::vector<User>> users;
  for (const auto& [function, all] : facts.users) {
    const Device* device = facts.device(function);
    if (!device || !device->physfn) continue;
    for (const User& user : all)
      if (takes(*user.assignment) && user.assignment->resolved.choices.size() <= 1)
        users[*device->physfn].push_back(user);
  }
  for (auto& [card, list] : users)
    std::stable_sort(list.begin(), list.end(),
                     [](const User& a, const User& b) { return a.vm->vm->vmid < b.vm->vm->vmid; });
  return users;
}

const User* whole_card_user(const Facts& facts, const PciAddress& card, const VmFacts& but) {
  auto at = facts.users.find(card);
  if (at == facts.users.end()) return nullptr;
  for (const User& user : at->second)
    if (user.vm != &but && takes(*user.assignment) && user.assignment->resolved.choices.size() <= 1) return &user;
  return nullptr;
}

void check_pf_vf(const Facts& facts, Findings& out) {
  for (const auto& [card, all] : users_of_virtual_functions(facts))
    for (const User& user : one_a_vm(all)) {
      const User* whole = whole_card_user(facts, card, *user.vm);
      if (!whole) continue;
      Diagnostic& d = out.at(*user.assignment, vm_name(*user.vm) + " takes a virtual function of `" + card.str() +
                                                   "`, " + vm_name(*whole->vm) + " takes the card itself");
      d.labels.push_back({Findings::place(*whole->assignment), vm_name(*whole->vm) + " takes the physical function"});
      d.labels.push_back({Place(device_path(card, "sriov_numvfs")), "the card's virtual functions"});
      d.notes.emplace_back("the virtual functions go when the card leaves its driver on the host");
      d.help.emplace_back("give both VMs virtual functions");
    }
}

// Reservations -------------------------------------------------------------------------------------------------------

constexpr const char* reservations = "/run/qemu-server/pci-id-reservations";

/// "0000:01:00.0 100 pid:4242".
bool is_stale(const Host& host, const std::vector<std::string_view>& parts) {
  if (parts.size() != 3 || parts[2].substr(0, 4) != "pid:") return false;
  auto vmid = number(parts[1]), pid = number(parts[2].substr(4));
  auto runs = [&](const RunningVm& vm) { return vm.vmid == *vmid && vm.pid == *pid; };
  return vmid && pid && std::none_of(host.running->begin(), host.running->end(), runs);
}

void check_stale(const Facts& facts, Findings& out) {
  const std::string* text = facts.host->file(reservations);
  if (!text || !facts.host->running) return;
  SourcePtr source = make_source(reservations, *text);
  for (std::string_view line : split(source->text, '\n')) {
    std::vector<std::string_view> parts = words(line);
    if (!is_stale(*facts.host, parts)) continue;
    auto begin = std::uint32_t(line.data() - source->text.data());
    Diagnostic& d = out.add(Place(source, {begin, begin + std::uint32_t(line.size())}),
                            "the reservation of `" + std::string(parts[0]) + "` for VM " + std::string(parts[1]) +
                                " was left behind: its process is gone");
    d.notes.emplace_back("nothing to do: Proxmox VE takes it over at the next start");
  }
}

constexpr Rule rules[] = {
    {
        .id = "conflict-shared-device",
        .severity = Severity::info,
        .summary = "several VMs name the same device",
        .why = "Only one of them can run at a time. That is common and fine if it is meant so (one card, two systems).",
        .bad = "(two VMs that name the same device, at most one of which starts at boot)",
        .good = "hostpci0: 0000:01:00",
        .fix = "Give each VM its own device, or say in the notes that it is meant so.",
        .fixable = Fixable::manual,
        .source = "qemu-server PCI.pm (reserve_pci_usage)",
        .host = check_shared_device,
    },
    {
        .id = "conflict-pf-vf",
        .severity = Severity::error,
        .summary = "one VM takes a card, another a virtual function of it",
        .why = "When the card itself goes to a VM, its driver leaves the host and its virtual functions vanish; on "
               "vfio-pci they ask for a token "
               "that Proxmox VE does not give.",
        .bad = "(one VM with the card 0000:05:00.0, another with its virtual function 0000:05:10.0)",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Pass virtual functions only.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/vfio/pci/vfio_pci_core.c (VF token), drivers/pci/iov.c",
        .host = check_pf_vf,
    },
    {
        .id = "conflict-stale-reservation",
        .severity = Severity::info,
        .summary = "a reservation was left by a VM that no longer runs",
        .why = "A VM that was killed leaves its line in Proxmox VE's list of reserved devices. The next start says "
               "\"leftover PCI reservation "
               "found\" and takes it over.",
        .bad = "# /run/qemu-server/pci-id-reservations\n0000:01:00.0 101 pid:4242\n",
        .good = "hostpci0: 0000:01:00",
        .fix = "Nothing to do.",
        .fixable = Fixable::manual,
        .source = "qemu-server PCI.pm (reserve_pci_usage)",
        .host = check_stale,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> conflict_sharing_rules = rules;

}  // namespace hostpci
