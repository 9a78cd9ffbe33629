// The objections to acts on devices, made out of the host as it was read.
#include "live/objections.hpp"

#include <algorithm>

#include "host/scan.hpp"
#include "live/objection_parts.hpp"
#include "rules/device.hpp"
#include "rules/holders.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_storage(const Use& use) {
  return use.kind == UseKind::disk || use.kind == UseKind::filesystem || use.kind == UseKind::swap;
}

bool is_network(const Use& use) { return use.kind == UseKind::net || use.kind == UseKind::bridge_port; }

/// The rule that lint tells such a loss by.
std::string rule_of(const Device& device, const Use& use) {
  if (is_storage(use)) return use.critical ? "device-boot-controller" : "device-disks-in-use";
  if (is_network(use)) return use.critical ? "device-mgmt-nic" : device.is_vf() ? "device-vf-used-by-host" : "device-nic-in-bridge";
  if (use.critical) return "device-only-gpu";
  return device.has_subclass(0x0c03) ? "device-usb-controller-host" : "device-driver-busy";
}

std::string loss_message(const Device& device, const Use& use) {
  if (!use.critical) return "the host uses " + quoted(device) + ": " + use_text(use);
  if (is_storage(use)) return "the host runs from disks behind " + quoted(device) + ": " + use_text(use);
  if (is_network(use)) return "the host is reached through " + quoted(device) + ": " + use_text(use);
  return quoted(device) + " has the host's only console: " + use_text(use);
}

void object_to_unknown_uses(const Device& device, Sink& out) {
  bool network = device.has_class(0x02), matters = network || device.has_class(0x01) || device.has_subclass(0x0c03);
  std::string rule = network ? "device-mgmt-nic" : device.is_gpu() ? "device-driver-busy" : "device-boot-controller";
  object(out, matters ? Severity::error : Severity::warning, rule, device, {},
         "what the host uses " + quoted(device) + " for is not known");
}

/// Of a function without a driver only what is known counts: a console that the firmware has set up needs none.
bool may_be_used(const Device& device) {
  if (on_vfio(device)) return false;
  return !device.driver || on_host_driver(device) || device.is_gpu() || device.uses;
}

/// Every driver of network cards makes an interface; one that the host does not see is elsewhere.
void object_to_hidden_interface(const Device& device, Sink& out) {
  if (!device.has_class(0x02) || !on_host_driver(device)) return;
  if (std::any_of(device.uses->begin(), device.uses->end(), is_network)) return;
  Diagnostic& d = object(out, Severity::error, device.is_vf() ? "device-vf-used-by-host" : "device-nic-in-bridge", device, "net",
                         quoted(device) + " has " + driver_text(device) +
                             " and no interface here: its interface is in another network namespace (a container may have it)");
  d.help.push_back("stop the container, or give the interface back: `ip netns exec NAME ip link set INTERFACE netns 1`");
}

/// Something stands above it, it has addresses, or it is up.
bool carries(const FileSystem* system, const Use& use) {
  if (!is_network(use)) return false;
  return use.kind == UseKind::bridge_port || !use.detail.empty() || (system && interface_is_up(*system, use.name) == true);
}

/// The same, or it is not known whether it is up.
bool may_carry(const FileSystem* system, const Use& use) {
  return is_network(use) && (carries(system, use) || !system || !interface_is_up(*system, use.name));
}

template <class F>
bool any_use(const Host& host, F f) {
  return std::any_of(host.devices.begin(), host.devices.end(), [&](const auto& entry) {
    const Fact<std::vector<Use>>& uses = entry.second.uses;
    return uses && std::any_of(uses->begin(), uses->end(), f);
  });
}

/// It carries a network, and nothing says which of its networks the host is reached through.
bool is_reached_somehow(const Host& host, const FileSystem* system) {
  return any_use(host, [&](const Use& use) { return carries(system, use); }) &&
         !any_use(host, [](const Use& use) { return is_network(use) && use.critical; });
}

void tell_holder(Sink& out, const Device& device, const Holder& holder, std::string what) {
  std::string vm = "VM " + std::to_string(holder.vmid);
  Diagnostic& d = object(out, Severity::error, "conflict-in-use", device, {}, std::move(what) + " is in use by " + vm + ", which runs");
  d.labels.push_back({Place(holder.evidence), "shows that it runs with the device"});
  d.help.push_back("stop " + vm + " first");
}

/// Mediated devices, and functions that the vendor's own driver gives out (sysfsdev= names the function itself).
void object_to_mediated(const Host& host, const Device& device, Sink& out) {
  std::map<std::string, Holder> held = mdev_holders(host);
  if (auto itself = held.find(device.address.str()); itself != held.end()) tell_holder(out, device, itself->second, quoted(device));
  if (!host.mdevs) return;
  for (const MdevInstance& instance : *host.mdevs) {
    if (instance.parent != device.address) continue;
    std::string what = "mediated device `" + instance.uuid + "` of " + quoted(device);
    if (auto holder = held.find(instance.uuid); holder != held.end())
      tell_holder(out, device, holder->second, what);
    else
      object(out, Severity::warning, "device-mdev-leftover", device, instance.uuid, what + " goes with its driver");
  }
}

void object_to_reset(const Device& device, Sink& out) {
  bool none = device.reset == false || (device.reset_method && device.reset_method->empty());
  if (none) {
    Diagnostic& d = object(out, Severity::error, "device-no-reset", device, "reset", quoted(device) + " cannot be reset");
    d.labels.push_back({Place(device_path(device.address, "reset_method")), device.reset_method ? "empty" : "does not exist"});
  }
  if (!on_host_driver(device) || (device.uses && !device.uses->empty())) return;
  object(out, Severity::warning, "device-driver-busy", device, "driver", driver_text(device) + " may lose " + quoted(device) + " by a reset");
}

void note_interrupts(const Host& host, const Device& device, Sink& out) {
  if (host.kernel.interrupt_remapping != false || host.kernel.unsafe_interrupts == true) return;
  object(out, Severity::info, "host-intremap-missing", device, {},
         "this host does not remap interrupts: VFIO will not attach " + quoted(device) + " to a VM");
}

}  // namespace

void object_to_bridge(const Device& device, Sink& out) {
  if (is_any_bridge(device)) object(out, Severity::error, "device-is-bridge", device, "class", quoted(device) + " is a bridge");
}

void object_to_functions(const Device& device, Sink& out) {
  std::size_t functions = std::max<std::size_t>(device.virtfns.size(), device.sriov_numvfs.value_or(0));
  if (device.is_vf() || functions == 0) return;
  Diagnostic& d = object(out, Severity::error, "device-pf-has-vfs", device, "sriov_numvfs",
                         quoted(device) + " has " + count(functions, "virtual function") + ", which would vanish");
  d.help.push_back("remove them first: `hostpci sriov " + device.address.str() + " 0`");
}

void object_to_holder(const Host& host, const Device& device, Sink& out) {
  Holders held = device_holders(host);
  if (auto holder = held.find(device.address); holder != held.end()) tell_holder(out, device, holder->second, quoted(device));
  object_to_mediated(host, device, out);
}

void object_to_losses(const Device& device, Sink& out) {
  if (!may_be_used(device)) return;
  if (!device.uses) return object_to_unknown_uses(device, out);
  for (const Use& use : *device.uses)
    object(out, use.critical ? Severity::error : Severity::warning, rule_of(device, use), device, {}, loss_message(device, use));
  object_to_hidden_interface(device, out);
}

void object_to_unknown_network(const Host& host, const FileSystem* system, const Device& device, Sink& out) {
  constexpr HostParts networks{.details = false, .kernel = false, .files = false, .running = false, .capabilities = false, .state = false};
  if (!on_host_driver(device) || !device.uses) return;
  auto own = std::find_if(device.uses->begin(), device.uses->end(), [&](const Use& use) { return may_carry(system, use); });
  if (own == device.uses->end() || !is_reached_somehow(system ? scan_host(*system, networks) : host, system)) return;
  Diagnostic& d = object(out, Severity::error, "device-mgmt-nic", device, {},
                         "which network the host is reached through is not known, and " + quoted(device) + " carries one: " + use_text(*own));
  d.help.push_back("if it is not this one, take it down first: `ip link set " + own->name + " down`");
}

Fact<bool> interface_is_up(const FileSystem& system, const std::string& name) {
  auto text = system.read_attribute("/sys/class/net/" + name + "/flags");
  if (!text) return {};
  std::string_view digits = trim(*text);
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  auto flags = number(digits, 16);
  return flags ? Fact<bool>((*flags & 1) != 0) : Fact<bool>();
}

void object_to_missing_group(const Host& host, const Device& device, Sink& out) {
  if (device.group != -1) return;
  Diagnostic& d = object(out, Severity::error, "device-no-iommu-group", device, "iommu_group",
                         quoted(device) + " has no IOMMU group: VFIO cannot take it");
  d.labels.push_back({Place(device_path(device.address, "iommu_group")), "does not exist"});
  if (host.groups_known == true && host.group_ids().empty())
    d.help.push_back("the kernel uses no IOMMU at all: `hostpci doctor` says what is missing");
}

std::vector<Diagnostic> objections(const Host& host, const Device& device, Act act) {
  Sink out;
  object_to_bridge(device, out);
  object_to_functions(device, out);
  object_to_holder(host, device, out);
  object_to_losses(device, out);
  if (act == Act::reset) object_to_reset(device, out);
  if (act == Act::to_vfio) object_to_missing_group(host, device, out);
  if (act == Act::to_vfio) note_interrupts(host, device, out);
  return std::move(out.diagnostics);
}

bool refuses(const std::vector<Diagnostic>& found) {
  return std::any_of(found.begin(), found.end(), [](const Diagnostic& d) { return d.severity == Severity::error; });
}

}  // namespace hostpci
