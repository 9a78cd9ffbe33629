// Joins host, VMs, mappings and boot set-up, and makes the indexes between them.
#include "rules/facts.hpp"

#include <algorithm>

#include "config/command_line_home.hpp"
#include "config/host_hardware.hpp"
#include "config/vm_lists.hpp"

namespace hostpci {
namespace {

bool is_running(const Host& host, const VmFacts& vm) {
  if (vm.foreign || !host.running) return false;
  auto same = [&](const RunningVm& r) { return r.vmid == vm.vm->vmid; };
  return std::any_of(host.running->begin(), host.running->end(), same);
}

VmFacts vm_facts(const Vm& vm, const Host& host, const Mappings& mappings) {
  VmFacts facts;
  facts.vm = &vm;
  facts.next = next_start(vm);
  facts.foreign = !vm.node.empty() && vm.node != host.node;
  facts.running = is_running(host, facts);
  facts.onboot = parse_boolean(facts.next.text("onboot")).value_or(false);
  facts.machine = machine(facts.next);
  Host elsewhere;  // no devices: an unknown list refuses nothing
  elsewhere.node = vm.node;
  Resolution resolution = resolve(facts.next, facts.next.hostpci(), facts.foreign ? elsewhere : host, mappings);
  facts.refusals = std::move(resolution.refusals);
  for (ResolvedLine& line : resolution.lines) facts.assignments.push_back({nullptr, std::move(line), nullptr, {}});
  return facts;
}

/// Once the list of VMs stands still: pointers into it and into the host.
void join(Facts& facts, VmFacts& vm) {
  for (Assignment& assignment : vm.assignments) {
    assignment.owner = &vm;
    for (const PciAddress& address : assignment.functions())
      if (const Device* device = facts.device(address)) assignment.devices.push_back(device);
    if (!assignment.functions().empty()) assignment.first = facts.device(assignment.functions().front());
    if (is_template(vm.next)) continue;
    for (const PciAddress& address : assignment.functions()) facts.users[address].push_back({&vm, &assignment});
    std::set<int> groups;
    for (const Device* device : assignment.devices)
      if (device->group.value_or(-1) >= 0) groups.insert(*device->group);
    for (int group : groups) facts.group_users[group].push_back({&vm, &assignment});
  }
}

BootDecision bootloader_of(const Host& host, const BootConfig& boot) {
  RunningBoot running{host.kernel.command_line, host.kernel.efi, host.kernel.secure_boot};
  return decide_bootloader(read_boot_evidence(boot, host.unreadable, running));
}

}  // namespace

Vm next_start(const Vm& vm) {
  Vm next;
  next.vmid = vm.vmid;
  next.node = vm.node;
  next.source = vm.source;
  next.sections.push_back(vm.main());
  const VmSection* pending = vm.pending();
  if (!pending) return next;
  auto& values = next.sections.front().values;
  for (const PendingDelete& item : parse_pending_delete(pending->text("delete"))) values.erase(item.key);
  for (const auto& [key, value] : pending->values)
    if (key != "delete") values.insert_or_assign(key, value);
  return next;
}

const VmFacts* Facts::vm(std::uint32_t vmid) const {
  auto at = std::lower_bound(vms.begin(), vms.end(), vmid,
                             [](const VmFacts& v, std::uint32_t id) { return v.vm->vmid < id; });
  return at != vms.end() && at->vm->vmid == vmid ? &*at : nullptr;
}

std::vector<User> Facts::others(const Assignment& assignment, const PciAddress& address) const {
  std::vector<User> result;
  auto at = users.find(address);
  if (at == users.end()) return result;
  for (const User& user : at->second)
    if (user.assignment != &assignment) result.push_back(user);
  return result;
}

Facts make_facts(const Host& host, const Mappings& mappings, const BootConfig& boot, const std::vector<Vm>& vms) {
  Facts facts;
  facts.host = &host;
  facts.mappings = &mappings;
  facts.boot = &boot;
  for (const Vm& vm : vms)
    if (mentions_passthrough(vm.source->text))
      facts.vms.push_back(vm_facts(vm, host, mappings));
    else if (mentions_host_hardware(vm.source->text))
      facts.plain_vms.push_back(&vm);
  std::stable_sort(facts.vms.begin(), facts.vms.end(),
                   [](const VmFacts& a, const VmFacts& b) { return a.vm->vmid < b.vm->vmid; });
  for (VmFacts& vm : facts.vms) join(facts, vm);
  BootDecision decision = bootloader_of(host, boot);
  facts.bootloader = decision.loader;
  facts.bootloader_evidence = std::move(decision.evidence);
  return facts;
}

}  // namespace hostpci
