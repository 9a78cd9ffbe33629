// Rules about when and from what a VM with passed devices starts: boot order, backups, templates.
#include <algorithm>
#include <map>

#include "config/vm_lists.hpp"
#include "rules/device.hpp"
#include "rules/refused.hpp"
#include "rules/vm_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// "scsi0": the bus's name and a number.
bool is_slot_of(std::string_view key, std::string_view bus) {
  return key.size() > bus.size() && key.substr(0, bus.size()) == bus && number(key.substr(bus.size())).has_value();
}

bool is_drive(std::string_view key) {
  for (std::string_view bus : {"ide", "sata", "scsi", "virtio"})
    if (is_slot_of(key, bus)) return true;
  return false;
}

bool is_cdrom(const VmFacts& vm, std::string_view key) {
  auto media = property_of(vm, key, "media");
  auto file = property_of(vm, key, "file", "file");
  return (media && media->value == "cdrom") || (file && (file->value == "none" || file->value == "cdrom"));
}

bool has_disk(const VmFacts& vm) {
  for (const auto& [key, value] : vm.next.main().values)
    if (is_drive(key) && !is_cdrom(vm, key)) return true;
  return false;
}

/// A medium is in some drive: the guest may be about to be installed, or to run from it.
bool has_medium(const VmFacts& vm) {
  for (const auto& [key, value] : vm.next.main().values)
    if (is_drive(key) && is_cdrom(vm, key) && value.value.substr(0, 4) != "none") return true;
  return false;
}

/// Starting by network, from a USB device, another passed device or a kernel of its own is meant.
bool boots_otherwise(const VmFacts& vm) {
  std::vector<std::string_view> order = boot_order(vm.next);
  if (!order.empty() && is_slot_of(order.front(), "net")) return true;
  auto other = [](std::string_view key) { return is_slot_of(key, "usb") || is_slot_of(key, "hostpci"); };
  if (std::any_of(order.begin(), order.end(), other)) return true;
  for (const QemuWord& word : argument_words(vm))
    for (std::string_view option : {"kernel", "drive", "blockdev", "boot"})
      if (is_option(word, option)) return true;
  return false;
}

bool is_storage(const Device& d) {
  for (std::uint32_t sub : {0x0100u, 0x0104u, 0x0106u, 0x0107u, 0x0108u})
    if (d.has_subclass(sub)) return true;
  return false;
}

const Assignment* storage_line(const VmFacts& vm) {
  for (const Assignment& a : vm.assignments)
    if (a.first && !a.is_mdev() && is_storage(*a.first)) return &a;
  return nullptr;
}

/// The line first, then what has been tried so far.
std::string order_with(const VmFacts& vm, const std::string& key) {
  std::string order = "order=" + key;
  for (std::string_view device : boot_order(vm.next)) order += ";" + std::string(device);
  return order;
}

void check_missing(const Facts&, const VmFacts& vm, Findings& out) {
  const Assignment* a = storage_line(vm);
  const VmValue* boot = vm.next.main().find("boot");
  if (!a || !boot || is_template(vm.next) || has_disk(vm) || boots_otherwise(vm)) return;
  Diagnostic& d = out.at(*a, "nothing boots from `" + describe(*a->first) + "`, and the VM has no other disk");
  // Firmware with a boot entry of its own, or a guest that runs from a medium, may start nevertheless.
  if (vm.next.main().find("efidisk0") || has_medium(vm)) d.severity = Severity::info;
  d.labels.push_back({Place(vm.vm->source, boot->span), "does not name `" + a->key() + "`"});
  d.notes.push_back("Proxmox VE lets the firmware try only what the boot order names");
  std::string order = order_with(vm, a->key());
  d.fix = fix_value(vm, "set `boot: " + order + "`", "boot", order, Safety::unsafe);
}

/// A line of that key is there, though PVE drops it.
bool is_dropped(const VmFacts& vm, std::string_view key) {
  for (const VmSection& section : vm.vm->sections)
    if (section.kind == SectionKind::main || section.kind == SectionKind::pending)
      for (const DroppedLine& line : section.dropped)
        if (line.key == key) return true;
  return false;
}

/// The place of a name that boot_order() gave.
Span place_of(const VmValue& boot, std::string_view device) {
  auto begin = boot.span.begin + std::uint32_t(device.data() - boot.value.data());
  return {begin, begin + std::uint32_t(device.size())};
}

/// The order without them; nothing if it would be empty.
std::optional<Fix> drop_devices(const VmFacts& vm, const VmValue& boot, const std::vector<std::string_view>& dangling) {
  std::vector<std::string_view> order = boot_order(vm.next);
  std::vector<std::string> left, gone;
  for (std::string_view device : order) {
    bool drop = std::find(dangling.begin(), dangling.end(), device) != dangling.end();
    (drop ? gone : left).push_back(drop ? "`" + std::string(device) + "`" : std::string(device));
  }
  if (left.empty()) return {};
  Span all{place_of(boot, order.front()).begin, place_of(boot, order.back()).end};
  return replace(vm, "remove " + join(gone, ", "), all, join(left, ";"), Safety::safe);
}

void check_dangling(const Facts&, const VmFacts& vm, Findings& out) {
  const VmValue* boot = vm.next.main().find("boot");
  std::vector<std::string_view> dangling;
  for (std::string_view device : boot_order(vm.next))
    if (is_slot_of(device, "hostpci") && !vm.next.main().find(device) && !is_dropped(vm, device))
      dangling.push_back(device);
  for (std::string_view device : dangling) {
    Diagnostic& d = out.at_key("boot", "the boot order names `" + std::string(device) + "`, and there is no such line");
    d.place.span = place_of(*boot, device);
    d.notes.push_back("Proxmox VE passes over it");
    if (device.data() == dangling.front().data()) d.fix = drop_devices(vm, *boot, dangling);
  }
}

constexpr const char* jobs_path = "/etc/pve/jobs.cfg";

/// A section "vzdump: ID" of jobs.cfg.
struct BackupJob {
  std::string_view id;
  Span span;  ///< of the section's first line
  std::map<std::string_view, std::string_view> values;

  bool is(std::string_view key, bool fallback) const {
    auto at = values.find(key);
    return at == values.end() ? fallback : parse_boolean(at->second).value_or(fallback);
  }
  std::string_view text(std::string_view key) const {
    auto at = values.find(key);
    return at == values.end() ? std::string_view() : at->second;
  }
};

std::vector<BackupJob> backup_jobs(std::string_view text) {
  std::vector<BackupJob> jobs;
  bool inside = false;
  for (std::string_view line : split(text, '\n')) {
    std::string_view content = trim(line);
    bool property = !line.empty() && (line.front() == ' ' || line.front() == '\t');
    if (content.empty() || content.front() == '#') continue;
    if (!property) {
      inside = content.substr(0, 7) == "vzdump:";
      auto begin = std::uint32_t(content.data() - text.data());
      if (inside) jobs.push_back({trim(content.substr(7)), {begin, begin + std::uint32_t(content.size())}, {}});
    } else if (inside) {
      std::size_t end = std::min(content.find_first_of(" \t"), content.size());
      jobs.back().values[content.substr(0, end)] = trim(content.substr(end));
    }
  }
  return jobs;
}

bool lists_vm(std::string_view list, std::uint32_t vmid) {
  std::vector<std::string_view> items = list_items(list);
  return std::any_of(items.begin(), items.end(), [&](std::string_view item) { return number(item) == vmid; });
}

constexpr const char* users_path = "/etc/pve/user.cfg";

/// "pool:NAME:COMMENT:100,101:STORAGES:" of user.cfg. Source: pve-access-control AccessControl.pm (write_user_config).
bool is_in_pool(const Host& host, std::string_view pool, std::uint32_t vmid) {
  const std::string* text = host.file(users_path);
  if (!text) return false;
  for (std::string_view line : split(*text, '\n')) {
    std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() > 3 && fields[0] == "pool" && fields[1] == pool && lists_vm(fields[3], vmid)) return true;
  }
  return false;
}

/// The job saves this VM.
bool covers(const BackupJob& job, const Host& host, std::uint32_t vmid) {
  if (!job.is("enabled", true)) return false;
  if (!job.text("node").empty() && job.text("node") != host.node) return false;
  if (std::string_view pool = job.text("pool"); !pool.empty()) return is_in_pool(host, pool, vmid);
  return job.is("all", false) ? !lists_vm(job.text("exclude"), vmid) : lists_vm(job.text("vmid"), vmid);
}

/// Who has the device now: "VM 101", or what the host does with it; empty: nobody.
std::string holder(const Facts& facts, const Assignment& a, const Device& d) {
  for (const User& user : facts.others(a, d.address))
    if (user.vm != a.owner && user.vm->running && !user.assignment->is_mdev())
      return vm_label(*user.vm->vm) + " has it while it runs";
  if (!on_host_driver(d) || !d.uses) return {};
  for (const Use& use : *d.uses)
    if (use.critical || use.kind == UseKind::filesystem || use.kind == UseKind::swap ||
        use.kind == UseKind::bridge_port)
      return "the host uses it: " + use_text(use);
  return {};
}

void tell_backup(const Facts& facts, const Assignment& a, const Device& device, const std::string& who, Findings& out) {
  const std::string& text = *facts.host->file(jobs_path);
  std::uint32_t vmid = a.owner->vm->vmid;
  for (const BackupJob& job : backup_jobs(text)) {
    if (!covers(job, *facts.host, vmid)) continue;
    Diagnostic& d =
        at_device(out, facts, a, device, "a backup of the stopped VM would take `" + describe(device) + "`");
    d.labels.push_back({Place(make_source(jobs_path, text), job.span), "saves VM " + std::to_string(vmid)});
    show(d, device, "driver", who);
    d.notes.push_back("to save a stopped VM, Proxmox VE starts it with all its devices, paused, and stops it again");
    d.help.push_back("exclude the VM from the job, or keep the `hostpci` line only while it is needed");
    return;
  }
}

void check_backup(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (vm.foreign || vm.running || is_template(vm.next) || !facts.host->running) return;
  if (!facts.host->file(jobs_path)) return;
  for (const Assignment& a : vm.assignments) {
    if (!takes(a)) continue;
    for (const Device* d : a.devices) {
      std::string who = holder(facts, a, *d);
      if (who.empty()) continue;
      tell_backup(facts, a, *d, who, out);
      break;
    }
  }
}

/// A mapping of this node that has the device among its paths.
const Mapping* mapping_of(const Facts& facts, const PciAddress& address) {
  for (const auto& [id, mapping] : facts.mappings->by_id)
    for (const MappingEntry& entry : mapping.entries) {
      if (entry.node != facts.host->node) continue;
      for (std::string_view path : entry.paths) {
        std::vector<PciAddress> found = matching_functions(*facts.host, path);
        if (std::find(found.begin(), found.end(), address) != found.end()) return &mapping;
      }
    }
  return nullptr;
}

void check_template(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    if (a.parsed().hosts.empty() || a.parsed().has(HostpciKey::mapping) || a.is_mdev()) continue;
    Diagnostic& d = out.at(a, HostpciKey::host, "every clone of this template will want the same device");
    d.notes.push_back("clones copy the line; the template itself never attaches it");
    const Mapping* mapping = a.first ? mapping_of(facts, a.first->address) : nullptr;
    d.help.push_back(mapping ? "there is the mapping `" + std::string(mapping->id) +
                                   "`: `mapping=" + std::string(mapping->id) + "`"
                             : "take the line out, or use a mapping with several devices");
  }
}

constexpr Rule rules[] = {
    {
        .id = "vm-bootorder-missing",
        .severity = Severity::warning,
        .summary = "the only disk of the VM is a passed device, and the boot order does not name it",
        .why = "QEMU runs with -boot strict=on: the firmware tries only devices with a boot index, which come from the "
               "boot order. OVMF may still start by an entry of its own in the EFI disk.",
        .bad = "boot: order=ide2\nide2: none,media=cdrom\nhostpci0: 0000:02:00.0",
        .good = "boot: order=hostpci0;ide2\nide2: none,media=cdrom\nhostpci0: 0000:02:00.0",
        .fix = "Put the line first in the boot order.",
        .fixable = Fixable::automatic,
        .source = "qemu-server QemuServer.pm (device_bootorder); pve-docs: qm.adoc",
        .vm = check_missing,
    },
    {
        .id = "vm-bootorder-dangling",
        .severity = Severity::info,
        .summary = "the boot order names a hostpci line that does not exist",
        .why = "The list is taken as it is: the name does nothing, and waits for a line that somebody adds later.",
        .bad = "boot: order=scsi0;hostpci1\nscsi0: local-lvm:vm-100-disk-0,size=32G\nhostpci0: 0000:01:00",
        .good = "boot: order=scsi0\nscsi0: local-lvm:vm-100-disk-0,size=32G\nhostpci0: 0000:01:00",
        .fix = "Remove it from the list.",
        .fixable = Fixable::automatic,
        .source = "qemu-server QemuServer.pm (device_bootorder)",
        .vm = check_dangling,
    },
    {
        .id = "vm-backup-starts-device",
        .severity = Severity::warning,
        .summary = "the backup of a stopped VM takes a device that is in use",
        .why =
            "To save a stopped VM, vzdump starts it paused with its whole configuration: devices are bound and all "
            "memory is pinned. The backup fails where another VM has the device, or takes it from the host at night.",
        .bad = "# /etc/pve/jobs.cfg\nvzdump: nightly\n\tall 1\n\tschedule 02:00\n# /etc/pve/qemu-server/100.conf\n"
               "hostpci0: 0000:02:00.0",
        .good = "# /etc/pve/jobs.cfg\nvzdump: nightly\n\tall 1\n\texclude 100\n\tschedule 02:00\n"
                "# /etc/pve/qemu-server/100.conf\nhostpci0: 0000:02:00.0",
        .fix = "Exclude the VM from the job, or keep the line only while it is needed.",
        .fixable = Fixable::manual,
        .source = "qemu-server VZDump/QemuServer.pm (enforce_vm_running_for_backup)",
        .vm = check_backup,
    },
    {
        .id = "vm-template-raw-device",
        .severity = Severity::warning,
        .summary = "a template names a device by its address",
        .why = "Clones copy the line, and all of them want the same device. A mapping with several devices gives each "
               "its own.",
        .bad = "template: 1\nhostpci0: 0000:01:00",
        .good = "template: 1\nhostpci0: mapping=gpu",
        .fix = "Take the line out of the template, or use a mapping.",
        .fixable = Fixable::assisted,
        .source = "qemu-server QemuServer.pm (config_to_command)",
        .vm = check_template,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> vm_boot_rules = rules;

}  // namespace hostpci
