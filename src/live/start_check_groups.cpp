// Drivers and IOMMU groups of a start: what is bound, what Proxmox VE will bind, what the host loses, and what the
// kernel itself says of each group, held against our own prediction.
#include <algorithm>
#include <cerrno>
#include <ctime>
#include <set>
#include <system_error>

#include "host/groups.hpp"
#include "live/objection_parts.hpp"
#include "live/objections.hpp"
#include "live/reservations.hpp"
#include "live/start_check_parts.hpp"
#include "live/vfio_openers.hpp"
#include "rules/readiness_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {


/// An IOMMU group that the VM takes whole.
struct StartGroup {
  int id = -1;
  std::vector<std::string> keys;
  bool bound_by_pve = false;  ///< some line of it is taken at the start; else nothing but what is there counts
  GroupVerdict predicted;

  std::string name() const { return join(keys, ", ") + ": IOMMU group " + std::to_string(id); }
};

std::vector<StartGroup> groups_of(const StartContext& context, const std::vector<StartLine>& lines) {
  std::map<int, StartGroup> groups;
  for (const StartLine& line : lines) {
    if (line.mediated() || line.assignment->resolved.nvidia) continue;
    for (const Device* device : line.devices) {
      int id = device->group.value_or(-1);
      if (id < 0) continue;
      StartGroup& group = groups[id];
      group.id = id;
      group.bound_by_pve |= takes(*line.assignment);
      if (group.keys.empty() || group.keys.back() != line.key()) group.keys.push_back(line.key());
    }
  }
  std::vector<StartGroup> list;
  for (auto& [id, group] : groups) {
    group.predicted = group_verdict(*context.facts.host, id);
    list.push_back(std::move(group));
  }
  return list;
}

// What the start takes from the host.

std::string binding_text(const StartLine& line) {
  std::vector<std::string> parts;
  for (const Device* device : line.devices)
    parts.push_back("`" + device->address.str() + "` " +
                    (on_vfio(*device) ? "is on `" + *device->driver + "`" : "has " + driver_text(*device)));
  return join(parts, ", ");
}

std::vector<Evidence> drivers_of(const StartLine& line) {
  std::vector<Evidence> read;
  for (const Device* device : line.devices)
    read.push_back({device_path(device->address, "driver"), !device->driver           ? "could not be read"
                                                            : device->driver->empty() ? "none"
                                                                                      : *device->driver});
  return read;
}

/// The objections of one device as checks; those of a member that no line names say through what it goes.
void add_objections(const StartContext& context, const Device& device, const std::string& prefix,
                    std::vector<Check>& checks) {
  Sink found;
  object_to_holder(*context.facts.host, device, found);
  object_to_functions(device, found);
  if (device.uses)
    object_to_losses(device, found);
  else if (!device.driver || on_host_driver(device))
    checks.push_back(unknown("driver", prefix + ": what the host uses " + quoted(device) + " for is not known",
                             device_path(device.address)));
  for (const Diagnostic& d : found.diagnostics) checks.push_back(check_of("driver", d, prefix));
}

void check_kept(const StartLine& line, std::vector<Check>& checks) {
  bool all = std::all_of(line.devices.begin(), line.devices.end(), [](const Device* d) { return on_vfio(*d); });
  std::string message = line.key() + ": `driver=keep`: Proxmox VE binds nothing, " + binding_text(line);
  checks.push_back(
      make_check("driver", all ? CheckStatus::pass : CheckStatus::fail, std::move(message), drivers_of(line),
                 all ? "" : "take `driver=keep` out, or bind the device to a driver of VFIO before each start"));
}

void check_line(const StartContext& context, const StartLine& line, std::vector<Check>& checks) {
  if (line.mediated() || line.assignment->resolved.nvidia || line.devices.empty()) return;
  if (!takes(*line.assignment)) return check_kept(line, checks);
  bool all = std::all_of(line.devices.begin(), line.devices.end(), [](const Device* d) { return on_vfio(*d); });
  std::string later = all ? "" : "; Proxmox VE binds to `vfio-pci` when the VM starts";
  checks.push_back(passed("driver", line.key() + ": " + binding_text(line) + later, drivers_of(line)));
  for (const Device* device : line.devices) add_objections(context, *device, line.key(), checks);
}

/// PVE binds every endpoint of a group, whatever the lines name. Source: pve-common SysFSTools.pm
/// (pci_dev_group_bind_to_vfio).
void check_others(const StartContext& context, const StartGroup& group, std::vector<Check>& checks) {
  if (!group.bound_by_pve) return;
  for (const Device* member : other_members(context.facts, *context.judged, group.id))
    add_objections(context, *member, group.name() + " goes whole", checks);
}

void check_missing_group(const StartContext& context, const StartLine& line, std::vector<Check>& checks) {
  if (line.mediated() || line.assignment->resolved.nvidia) return;
  for (const Device* device : line.devices) {
    Sink found;
    object_to_missing_group(*context.facts.host, *device, found);
    for (const Diagnostic& d : found.diagnostics) checks.push_back(check_of("group", d, line.key()));
    if (!device->group)
      checks.push_back(unknown("group", line.key() + ": the IOMMU group of " + quoted(*device) + " is not known",
                               device_path(device->address, "iommu_group")));
  }
}

// What the kernel says.

std::string blockers_text(const GroupVerdict& verdict) {
  std::vector<std::string> parts;
  for (const Device* device : verdict.blockers) parts.push_back("`" + *device->driver + "` has " + quoted(*device));
  return join(parts, ", ");
}

std::string errno_text(int code) { return std::generic_category().message(code); }

constexpr std::string_view no_node = "for no member is on a driver of VFIO yet";

/// Of a group that the kernel was not, or could not be, asked about.
Check predicted(const StartGroup& group, std::string why, std::string evidence) {
  const GroupVerdict& verdict = group.predicted;
  std::vector<Evidence> read{{vfio_node(group.id), std::move(evidence)}};
  if (!verdict.blockers.empty() && !group.bound_by_pve)
    return make_check(
        "group", CheckStatus::fail,
        group.name() + " is not viable: " + blockers_text(verdict) + ", and nothing is bound at the start",
        std::move(read));
  bool now = verdict.viable() == true && why != no_node;
  std::string message =
      group.name() +
      (now ? " is viable by the drivers of its members" : " will be viable once Proxmox VE has bound it") +
      ": a prediction, " + why;
  return passed("group", std::move(message), std::move(read));
}

Check held(const StartContext& context, const StartGroup& group) {
  std::vector<Evidence> read{{vfio_node(group.id), errno_text(EBUSY)}};
  std::string who;
  const std::vector<const Device*> members = context.facts.host->group(group.id);
  for (const VfioOpener& opener : vfio_openers(*context.system, *members.back())) {  // of the group, whichever it is
    who += (who.empty() ? " by process " : ", ") + std::to_string(opener.pid) + " (`" + opener.program + "`)";
    read.push_back({"/proc/" + std::to_string(opener.pid) + "/fd", opener.file});
  }
  std::string message = group.name() + " is held" + (who.empty() ? " by another process" : who);
  return make_check("group", CheckStatus::fail, std::move(message), std::move(read), "stop what holds it");
}

/// The kernel makes the node with the first member that a driver of VFIO has.
Check without_node(const StartContext& context, const StartGroup& group) {
  const std::vector<const Device*> members = context.facts.host->group(group.id);
  auto bound = std::find_if(members.begin(), members.end(), [](const Device* d) { return on_vfio(*d); });
  if (bound == members.end()) return predicted(group, std::string(no_node), "does not exist");
  const std::string node = vfio_node(group.id), unsafe = "/dev/vfio/noiommu-" + std::to_string(group.id);
  std::string why = context.system->stat(unsafe) ? "it is open to programs without an IOMMU only (`" + unsafe + "`)"
                                                 : "a kernel with iommufd alone, or a /dev without the node";
  return unknown("group",
                 group.name() + ": the kernel could not be asked, although " + quoted(**bound) + " is on `" +
                     *(*bound)->driver + "`: " + why,
                 node, "does not exist");
}

Check not_asked(const StartContext& context, const StartGroup& group, const VfioAnswer& answer) {
  std::string reason = errno_text(answer.code), node = vfio_node(group.id);
  if (answer.code == ENOENT && answer.refused == VfioStep::node) return without_node(context, group);
  if (answer.code == EBUSY) return held(context, group);
  if (answer.code == EACCES || answer.code == EPERM)
    return make_check("group", CheckStatus::unknown, group.name() + ": only root may ask the kernel", {{node, reason}},
                      "run it as root");
  return unknown("group",
                 group.name() + ": the kernel did not answer: " + std::string(name(answer.refused)) + ": " + reason,
                 node, reason);
}

/// The kernel and our own rule do not agree: one of the two is wrong, and it is not the kernel that will start the VM
/// by the other.
Check contradiction(const StartGroup& group, bool viable) {
  std::string message =
      group.name() +
      (viable
           ? " is viable, says the kernel; by the drivers of its members it is not: " + blockers_text(group.predicted)
           : " is not viable, says the kernel, although each member is on a driver of VFIO or on none");
  return make_check("group", viable ? CheckStatus::warn : CheckStatus::fail, std::move(message),
                    {{vfio_node(group.id), viable ? "viable" : "not viable"}},
                    "look at the drivers of the group again: `hostpci groups " + std::to_string(group.id) +
                        "`; if they are as said, this is a fault of hostpci");
}

Check answered(const StartGroup& group, bool viable) {
  Fact<bool> expected = group.predicted.viable();
  if (expected && *expected != viable) return contradiction(group, viable);
  std::vector<Evidence> read{{vfio_node(group.id), viable ? "viable" : "not viable"}};
  if (viable) return passed("group", group.name() + " is viable, says the kernel", std::move(read));
  std::string message = group.name() + " is not viable now, says the kernel: " + blockers_text(group.predicted);
  if (group.bound_by_pve)
    return make_check(
        "group", CheckStatus::warn,
        message + "; Proxmox VE binds the whole group when the VM starts, after which it is: a prediction",
        std::move(read));
  return make_check("group", CheckStatus::fail, message + "; `driver=keep` leaves it so", std::move(read));
}

// Whether a viable group goes to a VM.

Check attach_predicted(const StartContext& context, const StartGroup& group) {
  const Kernel& kernel = context.facts.host->kernel;
  const std::string path = "/proc/interrupts", chips = kernel.interrupt_chips.value_or("");
  if (!kernel.interrupt_remapping)
    return unknown("attach", group.name() + ": whether interrupts are remapped is not known", path);
  if (*kernel.interrupt_remapping)
    return passed("attach", group.name() + " will be attached, for interrupts are remapped: a prediction",
                  {{path, chips}});
  const std::string allowed = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts";
  if (kernel.unsafe_interrupts == true)
    return make_check("attach", CheckStatus::warn,
                      group.name() + " will be attached without interrupt remapping: a prediction",
                      {{path, chips}, {allowed, "Y"}});
  Check check = make_check(
      "attach", CheckStatus::fail,
      group.name() +
          " will not be attached: interrupts are not remapped, and unsafe ones are not allowed: a prediction",
      {{path, chips}}, "switch interrupt remapping on in the firmware; `hostpci explain host-intremap-missing`");
  check.rules = {"host-intremap-missing"};
  return check;
}

Check attach_refused(const StartContext& context, const StartGroup& group, const VfioAnswer& answer) {
  std::string step(name(answer.refused)),
      reason = errno_text(answer.code),
      node = answer.refused == VfioStep::container ? "/dev/vfio/vfio" : vfio_node(group.id);
  std::vector<Evidence> read{{node, step + ": " + reason}};
  if (answer.refused == VfioStep::container)
    return make_check("attach", CheckStatus::unknown,
                      group.name() + ": this kernel has no VFIO container (iommufd alone?), nothing was tried",
                      std::move(read));
  Check check = make_check("attach", CheckStatus::fail, group.name() + " is not attached by the kernel: " + reason,
                           std::move(read));
  const Kernel& kernel = context.facts.host->kernel;
  if (answer.code != EPERM) return check;
  bool interrupts = kernel.interrupt_remapping != true && kernel.unsafe_interrupts != true;
  check.message += interrupts ? "; interrupts are not remapped"
                              : "; the firmware may have reserved memory for a device of it (RMRR)";
  check.rules = {interrupts ? "host-intremap-missing" : "host-rmrr"};
  check.mend = interrupts ? "switch interrupt remapping on in the firmware; `hostpci explain host-intremap-missing`"
                          : "`hostpci explain host-rmrr`";
  return check;
}

/// A VM that is being started would find the group busy while the kernel is asked.
bool is_reserved(const StartContext& context, const StartGroup& group, std::vector<Check>& checks) {
  Sink found;
  for (const Device* member : context.facts.host->group(group.id))
    object_to_reservation(*context.system, *member, std::time(nullptr), found);
  for (const Diagnostic& d : found.diagnostics)
    checks.push_back(check_of("group", d, group.name() + ": the kernel was not asked"));
  return !found.diagnostics.empty();
}

void check_group(const StartContext& context, const StartGroup& group, std::vector<Check>& checks) {
  if (context.system && is_reserved(context, group, checks)) return;
  if (!context.kernel) {
    checks.push_back(predicted(group, "for this is not the running host", "not asked"));
    checks.push_back(attach_predicted(context, group));
    return;
  }
  VfioAnswer answer = context.kernel->ask(group.id);
  checks.push_back(answer.viable ? answered(group, *answer.viable) : not_asked(context, group, answer));
  if (answer.viable != true)
    checks.push_back(attach_predicted(context, group));
  else if (answer.refused != VfioStep::none)
    checks.push_back(attach_refused(context, group, answer));
  else
    checks.push_back(passed("attach", group.name() + " was attached by the kernel, and given back",
                            {{vfio_node(group.id), "VFIO_SET_IOMMU"}}));
}

}  // namespace

void check_groups(const StartContext& context, const std::vector<StartLine>& lines, std::vector<Check>& checks) {
  std::vector<StartGroup> groups = groups_of(context, lines);
  for (const StartLine& line : lines) check_line(context, line, checks);
  for (const StartGroup& group : groups) check_others(context, group, checks);
  for (const StartLine& line : lines) check_missing_group(context, line, checks);
  for (const StartGroup& group : groups) check_group(context, group, checks);
}

}  // namespace hostpci
