// Rules about the guest's memory where devices are passed: huge pages, the time a start takes, saved states.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/refused.hpp"
#include "rules/versions.hpp"
#include "rules/vm_parts.hpp"

namespace hostpci {
namespace {

/// The first numaN line without host nodes.
std::string node_without_host(const VmFacts& vm) {
  for (int i = 0; i < 8; ++i) {
    std::string key = "numa" + std::to_string(i);
    if (vm.next.main().find(key) && !property_of(vm, key, "hostnodes")) return key;
  }
  return {};
}

void check_hugepages(const Facts&, const VmFacts& vm, Findings& out) {
  const VmValue* pages = vm.next.main().find("hugepages");
  if (!pages || is_template(vm.next)) return;
  bool numa = parse_boolean(vm.next.text("numa")).value_or(false);
  std::string node = numa ? node_without_host(vm) : std::string();
  if (numa && node.empty()) return;
  Diagnostic& d =
      out.at_key(numa ? node : "hugepages",
                 numa ? "huge pages need `hostnodes=` for every node of the guest" : "huge pages need `numa: 1`");
  if (numa) d.labels.push_back({Place(vm.vm->source, pages->span), "huge pages"});
  d.notes.push_back("Proxmox VE refuses to start " + vm_label(*vm.vm));
  if (numa)
    d.help.push_back("add `hostnodes=` and `policy=`");
  else
    d.fix = fix_value(vm, "set `numa: 1`", "numa", "1", Safety::unsafe);
}

const Assignment* pinning_line(const VmFacts& vm) {
  for (const Assignment& a : vm.assignments)
    if (!a.resolved.mdev) return &a;
  return nullptr;
}

constexpr std::uint64_t slow_from = 32 * 1024;  ///< MiB

void check_start(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Assignment* a = pinning_line(vm);
  if (!a || is_template(vm.next) || memory_mib(vm.next) <= slow_from) return;
  if (at_least(*facts.host, "qemu-server", "8.0.8")) return;  // allows four times as long
  Diagnostic& d = out.at_key("memory", "this VM may take longer to start than Proxmox VE waits: " +
                                           std::to_string(memory_mib(vm.next) / 1024) + " seconds");
  d.labels.push_back({Findings::place(*a), "all memory is allocated and pinned for it at start"});
  d.notes.push_back("qemu-server from 8.0.8 on waits four times as long where a device is passed");
  d.help.push_back("upgrade qemu-server, use 1 GiB huge pages, or start it with `qm start " +
                   vm_word(*vm.vm) + " --timeout 600`");
}

/// A line whose device cannot save its state: no mediated device, no mapping that is marked to migrate.
bool keeps_state_to_itself(const Facts& facts, const HostpciLine& line) {
  std::string_view mdev = line.parsed.text(HostpciKey::mdev), id = line.parsed.text(HostpciKey::mapping);
  if (!mdev.empty() && mdev != "0") return false;
  if (id.empty()) return true;
  const Mapping* mapping = facts.mappings->find(id);
  return mapping && !mapping->live_migration;
}

/// A section that holds the memory of a running guest together with such a line.
void check_state(const Facts& facts, const VmFacts& vm, const VmSection& section, Findings& out) {
  const VmValue* state = section.find("vmstate");
  if (!state) return;
  for (const HostpciLine& line : vm.vm->hostpci(section)) {
    if (!keeps_state_to_itself(facts, line)) continue;
    std::string what =
        section.kind == SectionKind::snapshot ? "snapshot `" + std::string(section.name) + "`" : "the VM";
    Diagnostic& d = out.add(Place(vm.vm->source, state->span),
                            "the state that " + what + " saved cannot be resumed with a device passed through");
    d.key = "vmstate";
    d.labels.push_back({Place(vm.vm->source, line.value.span), "its state is not part of it"});
    d.help.push_back("take snapshots without memory while devices are passed, or shut the guest down first");
    return;
  }
}

void check_saved_state(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const VmSection& section : vm.vm->sections)
    if (section.kind == SectionKind::main || section.kind == SectionKind::snapshot)
      check_state(facts, vm, section, out);
}

constexpr Rule rules[] = {
    {
        .id = "vm-hugepages-numa",
        .severity = Severity::error,
        .summary = "huge pages without NUMA",
        .why =
            "Huge pages are allocated by the nodes of the guest: without `numa: 1`, or with a numaN line that names no "
            "host nodes, Proxmox VE refuses to start the VM.",
        .bad = "hugepages: 1024\nhostpci0: 0000:01:00",
        .good = "hugepages: 1024\nnuma: 1\nhostpci0: 0000:01:00",
        .fix = "Set `numa: 1`.",
        .fixable = Fixable::automatic,
        .source = "qemu-server Memory.pm (config)",
        .vm = check_hugepages,
    },
    {
        .id = "vm-start-slow",
        .severity = Severity::info,
        .summary = "much memory and a passed device: the start may time out",
        .why =
            "With a device passed, all memory is allocated, zeroed and pinned at start. qemu-server before 8.0.8 waits "
            "one second a GiB, later ones four.",
        .bad = "(qemu-server 8.0.6)\nmemory: 65536\nhostpci0: 0000:01:00",
        .good = "memory: 65536\nhostpci0: 0000:01:00",
        .fix = "Upgrade qemu-server, use 1 GiB huge pages, or give `qm start` a timeout.",
        .fixable = Fixable::manual,
        .source = "qemu-server Helpers.pm (config_aware_timeout)",
        .vm = check_start,
    },
    {
        .id = "vm-snapshot-ram",
        .severity = Severity::info,
        .summary = "a saved state of the running guest is of no use with a passed device",
        .why = "Devices cannot save their internal state unless their driver supports migration: snapshots with memory "
               "and hibernation are refused while one is passed, and a state that was saved cannot be resumed.",
        .bad = "hostpci0: 0000:01:00\n\n[before]\nhostpci0: 0000:01:00\nsnaptime: 1720000000\n"
               "vmstate: local-lvm:vm-100-state-before",
        .good = "hostpci0: 0000:01:00\n\n[before]\nhostpci0: 0000:01:00\nsnaptime: 1720000000",
        .fix = "Use snapshots without memory, or shut the guest down first.",
        .fixable = Fixable::manual,
        .source = "QEMU hw/vfio/migration.c; qemu-server API2/Qemu.pm (vm_suspend)",
        .vm = check_saved_state,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_memory_rules = rules;

}  // namespace hostpci
