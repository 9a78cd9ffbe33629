// Rules about memory: what a VM pins, where a device sits, what its BARs need.
#include <algorithm>
#include <set>

#include "grammar/property_string.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::uint64_t gib = std::uint64_t(1) << 30;

/// A VM whose whole memory is pinned: some device other than a mediated one.
bool pins(const VmFacts& vm) {
  return !vm.foreign && !is_template(vm.next) &&
         std::any_of(vm.assignments.begin(), vm.assignments.end(),
                     [](const Assignment& a) { return !a.is_mdev() && a.first; });
}

/// They can never run at the same time: a device of one is the other's too.
bool exclusive(const VmFacts& a, const VmFacts& b) {
  for (const Assignment& line : a.assignments)
    for (const PciAddress& address : line.functions())
      if (!line.is_mdev() && names(b, address)) return true;
  return false;
}

using Vms = std::vector<const VmFacts*>;

/// The VM and those that run now and can go on beside it.
Vms with_running(const Facts& facts, const VmFacts& vm) {
  Vms found{&vm};
  for (const VmFacts& other : facts.vms)
    if (other.running && &other != &vm && pins(other) && !exclusive(vm, other)) found.push_back(&other);
  return found;
}

/// The VMs that start at boot; of those that want the same device, the first.
Vms starting_at_boot(const Facts& facts) {
  Vms found;
  std::set<PciAddress> taken;
  for (const VmFacts& vm : facts.vms) {
    if (!vm.onboot || !pins(vm)) continue;
    bool fits = true;
    for (const Assignment& a : vm.assignments)
      for (const PciAddress& address : a.functions()) fits = fits && (a.is_mdev() || !taken.count(address));
    if (!fits) continue;
    found.push_back(&vm);
    for (const Assignment& a : vm.assignments) taken.insert(a.functions().begin(), a.functions().end());
  }
  return found;
}

bool is_first_at_boot(const Facts& facts, const VmFacts& vm) {
  for (const VmFacts& other : facts.vms)
    if (other.onboot && pins(other)) return &other == &vm;
  return false;
}

std::uint64_t pinned_mib(const Vms& vms) {
  std::uint64_t sum = 0;
  for (const VmFacts* vm : vms) sum += memory_mib(vm->next);
  return sum;
}

void tell_overcommit(const Vms& vms, std::uint64_t have, Findings& out) {
  std::string ids;
  for (std::size_t i = 0; i < vms.size(); ++i)
    ids += (i == 0 ? "" : i == 1 ? " together with " : ", ") + (i < 2 ? vm_label(*vms[i]->vm) : vm_word(*vms[i]->vm));
  Diagnostic& d = out.at_key("memory", ids + " pins " + std::to_string(pinned_mib(vms)) + " MiB, the host has " +
                                           std::to_string(have) + " MiB");
  d.labels.push_back({Place("/proc/meminfo"), "MemTotal"});
  d.notes.push_back(
      "with a device passed through, all memory of the VM is pinned: it is neither swapped nor ballooned nor shared");
}

void check_overcommit(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!pins(vm) || !facts.host->kernel.memory_kib) return;
  std::uint64_t have = *facts.host->kernel.memory_kib / 1024;
  if (Vms now = with_running(facts, vm); !vm.running && pinned_mib(now) > have) return tell_overcommit(now, have, out);
  if (!vm.onboot || !is_first_at_boot(facts, vm)) return;
  Vms boot = starting_at_boot(facts);
  bool all_run = std::all_of(boot.begin(), boot.end(), [](const VmFacts* v) { return v->running; });
  if (!all_run && pinned_mib(boot) > have) tell_overcommit(boot, have, out);
}

/// "hostnodes=0;2-3" of a numaN line.
std::set<int> host_nodes(std::string_view numa) {
  std::set<int> nodes;
  PropertyString parsed = parse_property_string(numa);
  const Property* property = parsed.find("hostnodes", {});
  if (!property) return nodes;
  for (std::string_view part : split(property->value, ';')) {
    std::size_t dash = part.find('-');
    auto first = number(part.substr(0, dash)), last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *last > 1024) continue;
    for (std::uint64_t n = *first; n <= *last; ++n) nodes.insert(int(n));
  }
  return nodes;
}

void check_numa(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::set<int> nodes;
  for (const auto& [key, value] : vm.next.main().values)
    if (key.substr(0, 4) == "numa" && key.size() > 4) nodes.merge(host_nodes(value.value));
  if (nodes.empty()) return;
  for (const Assignment& a : vm.assignments)
    if (a.first && a.first->numa_node.value_or(-1) >= 0 && !nodes.count(*a.first->numa_node)) {
      Diagnostic& d = at_device(out, facts, a, *a.first,
                                "`" + describe(*a.first) + "` is on NUMA node " + std::to_string(*a.first->numa_node) +
                                    ", the VM's memory is not");
      show(d, *a.first, "numa_node", std::to_string(*a.first->numa_node));
      d.help.push_back("bind the VM to that node (`numa0: …,hostnodes=" + std::to_string(*a.first->numa_node) + "`)");
    }
}

/// Flags as the kernel's ioport.h has them.
constexpr std::uint64_t memory_flag = 0x200, wide_flag = 0x100000;

std::uint64_t wide_bars(const Device& d) {
  std::uint64_t sum = 0;
  if (!d.bars) return 0;
  for (std::size_t i = 0; i < d.bars->size() && i < 6; ++i)
    if ((*d.bars)[i].flags & wide_flag) sum += (*d.bars)[i].size();
  return sum;
}

/// The guest sees the host's own address width, or one that was set for it.
bool has_address_width(const VmFacts& vm) {
  std::string_view cpu = vm.next.text("cpu"), args = vm.next.text("args");
  std::string_view type = cpu.substr(0, cpu.find(','));
  if (type.substr(0, 8) == "cputype=") type.remove_prefix(8);
  return type == "host" || type == "max" || type.substr(0, 7) == "custom-" || cpu.find("phys-bits") != cpu.npos ||
         args.find("phys-bits") != args.npos || args.find("X-PciMmio64Mb") != args.npos ||
         args.find("-cpu") != args.npos;
}

void check_large(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!is_ovmf(vm.next) || has_address_width(vm) || is_template(vm.next) || architecture(vm.next) != "x86_64") return;
  std::uint64_t sum = 0;
  const Assignment* largest = nullptr;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (a.is_mdev()) continue;
      sum += wide_bars(*d);
      if (!largest || wide_bars(*d) > wide_bars(*largest->first)) largest = &a;
    }
  if (sum <= 32 * gib || !largest->first) return;
  Diagnostic& d = at_device(out, facts, *largest, *largest->first,
                            "the BARs of the VM's devices need " + std::to_string((sum + gib - 1) / gib) +
                                " GiB, more than OVMF's window with this CPU type");
  show(d, *largest->first, "resource", std::to_string(wide_bars(*largest->first) / gib) + " GiB of 64-bit BARs");
  d.notes.push_back(
      "without the host's address width OVMF keeps to a window of 32 GiB, and the BARs that do not fit get no address");
  d.help.push_back("`cpu: host`");
}

void check_unassigned(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || d->is_vf() || !d->bars || is_any_bridge(*d)) continue;
      for (std::size_t i = 0; i < d->bars->size() && i < 6; ++i) {
        const Bar& bar = (*d->bars)[i];
        if (!(bar.flags & memory_flag) || bar.start != 0 || bar.end == 0) continue;
        Diagnostic& f = at_device(out, facts, a, *d,
                                  "the host gave BAR " + std::to_string(i) + " of `" + describe(*d) + "` no address");
        show(f, *d, "resource", "line " + std::to_string(i + 1) + ": a size, and no address");
        f.help.push_back("switch on Above 4G Decoding in the firmware, or boot with `pci=realloc`");
        break;
      }
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-memory-overcommit",
        .severity = Severity::error,
        .summary = "the memory that VMs pin does not fit the host",
        .why = "A device that is passed may write anywhere in the guest's memory, so all of it is pinned when the VM "
               "starts.",
        .bad = "memory: 131072\nhostpci0: 0000:01:00",
        .good = "memory: 16384\nhostpci0: 0000:01:00",
        .fix = "Give the VMs less, or do not run them together.",
        .fixable = Fixable::manual,
        .source = "qemu: hw/vfio; pve-docs: qm-pci-passthrough.adoc",
        .vm = check_overcommit,
    },
    {
        .id = "device-numa-mismatch",
        .severity = Severity::info,
        .summary = "device and VM are on different NUMA nodes",
        .why = "Every transfer crosses the link between the processors.",
        .bad = "(on node 1)\nnuma0: cpus=0-3,hostnodes=0,memory=4096,policy=bind\nhostpci0: 0000:41:00.0",
        .good = "(on node 1)\nnuma0: cpus=0-3,hostnodes=1,memory=4096,policy=bind\nhostpci0: 0000:41:00.0",
        .fix = "Bind the VM to the device's node.",
        .fixable = Fixable::assisted,
        .source = "sysfs numa_node",
        .vm = check_numa,
    },
    {
        .id = "device-bar-too-large",
        .severity = Severity::warning,
        .summary = "the devices' BARs do not fit the guest's address window",
        .why = "With a CPU type that does not show the host's address width, OVMF has 32 GiB for 64-bit BARs. Cards of "
               "24 GB and more "
               "need more.",
        .bad = "(a 48 GB card)\nbios: ovmf\nhostpci0: 0000:50:00.0",
        .good = "(a 48 GB card)\nbios: ovmf\ncpu: host\nhostpci0: 0000:50:00.0",
        .fix = "cpu: host.",
        .fixable = Fixable::assisted,
        .source = "edk2: PlatformInitLib (dynamic MMIO window)",
        .vm = check_large,
    },
    {
        .id = "device-bar-unassigned",
        .severity = Severity::error,
        .summary = "the host gave a BAR of the device no address",
        .why = "Without room above 4 GiB the firmware leaves large BARs out; the device cannot work, neither here nor "
               "in a guest.",
        .bad = "(without Above 4G Decoding)\nhostpci0: 0000:51:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Above 4G Decoding in the firmware, or pci=realloc.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/pci/setup-res.c; sysfs resource",
        .vm = check_unassigned,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_memory_rules = rules;

}  // namespace hostpci
