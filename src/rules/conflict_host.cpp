// Rules about guests that use something of the host which another VM takes away with a device: graphics in containers,
// USB devices, disks.
#include <algorithm>
#include <set>

#include "config/host_hardware.hpp"
#include "rules/conflict.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The line of another VM than `but` that makes PVE take the device from the host; a line with other choices may leave
/// it.
const User* taker(const Facts& facts, const PciAddress& address, std::uint32_t but) {
  auto at = facts.users.find(address);
  if (at == facts.users.end()) return nullptr;
  for (const User& user : at->second)
    if (user.vm->vm->vmid != but && takes(*user.assignment) && user.assignment->resolved.choices.size() <= 1)
      return &user;
  return nullptr;
}

// Containers ---------------------------------------------------------------------------------------------------------

std::vector<Container> containers(const Host& host) {
  std::vector<Container> found;
  for (const auto& [path, text] : host.files)
    if (path.find("/lxc/") != path.npos && vmid_of_path(path)) found.push_back(read_container(make_source(path, text)));
  return found;
}

bool carries(const Device& d, UseKind kind, std::string_view name = {}) {
  auto is = [&](const Use& use) { return use.kind == kind && (name.empty() || use.name == name); };
  return d.uses && std::any_of(d.uses->begin(), d.uses->end(), is);
}

/// "/dev/dri/by-path/pci-0000:01:00.0-render" names its device.
std::optional<PciAddress> address_of_path(std::string_view path) {
  constexpr std::string_view start = "/dev/dri/by-path/pci-";
  return path.starts_with(start) ? parse_pci_address(path.substr(start.size(), 12)) : std::nullopt;
}

/// A display that could stand behind the node: any for /dev/dri, the vendor's own for /dev/nvidia0 and /dev/kfd.
bool may_stand_behind(const Device& d, std::string_view path) {
  if (!d.is_gpu() || d.is_vf()) return false;
  if (path.starts_with("/dev/dri")) return true;
  return d.id && d.id->vendor == (path.starts_with("/dev/nvidia") ? 0x10de : 0x1002);
}

bool is_graphics_node(std::string_view path) {
  return path == "/dev/dri" || path.starts_with("/dev/dri/") || path.starts_with("/dev/nvidia") || path == "/dev/kfd";
}

/// The device behind a node that some VM takes: named by the path, or carrying the node, or the last one left that
/// could.
struct Taken {
  const Device* device = nullptr;
  const User* user = nullptr;
};

Taken taken_by_name(const Facts& facts, std::string_view path, std::uint32_t vmid) {
  std::string_view name = path.starts_with("/dev/dri/") ? path.substr(9) : std::string_view();
  auto address = address_of_path(path);
  for (const auto& [at, d] : facts.host->devices)
    if (address ? at == *address : name.starts_with("card") && carries(d, UseKind::drm, name))
      return {&d, taker(facts, at, vmid)};
  return {};
}

/// Every display that could carry the node goes to a VM; nothing if one stays, or may stay.
Taken taken_with_all(const Facts& facts, std::string_view path, std::uint32_t vmid) {
  Taken last;
  for (const auto& [at, d] : facts.host->devices) {
    if (!may_stand_behind(d, path)) continue;
    const User* user = taker(facts, at, vmid);
    if (!user) return {};
    last = {&d, user};
  }
  return last;
}

Taken taken(const Facts& facts, std::string_view path, std::uint32_t vmid) {
  Taken named = taken_by_name(facts, path, vmid);
  return named.device ? named : taken_with_all(facts, path, vmid);
}

void tell_container(const Container& container, const HostPath& node, const Taken& t, Findings& out) {
  std::string name = "container " + std::to_string(container.vmid);
  Diagnostic& d = out.at(*t.user->assignment, "`" + describe(*t.device) + "` stands behind `" + std::string(node.path) +
                                                  "`, which " + name + " uses");
  d.labels.push_back({Place(container.source, node.span), name + " uses it"});
  d.notes.emplace_back("the node vanishes when the VM starts: the container loses it, or does not start");
  d.help.emplace_back("choose one: the container keeps the card, or the VM gets it");
}

void check_container(const Facts& facts, Findings& out) {
  for (const Container& container : containers(*facts.host)) {
    if (container.is_template) continue;
    std::set<const Assignment*> told;
    for (const HostPath& node : container.nodes) {
      if (!is_graphics_node(node.path)) continue;
      Taken t = taken(facts, node.path, container.vmid);
      if (t.user && told.insert(t.user->assignment).second) tell_container(container, node, t, out);
    }
  }
}

// USB ----------------------------------------------------------------------------------------------------------------

/// A VM's file, whether it has hostpci lines or not, with the section of its next start.
struct Guest {
  const Vm* vm;
  VmSection section;
  std::string name() const { return vm_label(*vm); }
};

std::vector<Guest> guests(const Facts& facts) {
  std::vector<Guest> all;
  for (const VmFacts& vm : facts.vms)
    if (!vm.foreign && !is_template(vm.next)) all.push_back({vm.vm, vm.next.main()});
  for (const Vm* vm : facts.plain_vms) {
    Vm next = next_start(*vm);
    if (!is_template(next) && (vm->node.empty() || vm->node == facts.host->node)) all.push_back({vm, next.main()});
  }
  return all;
}

std::optional<PciId> usb_id(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == text.npos) return {};
  auto hex = [](std::string_view part) { return number(part.substr(part.starts_with("0x") ? 2 : 0), 16); };
  auto vendor = hex(text.substr(0, colon)), product = hex(text.substr(colon + 1));
  return vendor && product ? std::optional(PciId{std::uint16_t(*vendor), std::uint16_t(*product)}) : std::nullopt;
}

/// Controllers on which the device is now; for a port, that of its bus.
std::set<PciAddress> controllers(const Host& host, std::string_view device) {
  std::set<PciAddress> found;
  if (auto id = usb_id(device)) {
    for (const auto& [port, usb] : *host.usb)
      if (usb.id == *id && !port.starts_with("usb")) found.insert(usb.controller);
    return found;
  }
  auto at = host.usb->find("usb" + std::string(device.substr(0, device.find('-'))));
  if (device.find('-') != device.npos && at != host.usb->end()) found.insert(at->second.controller);
  return found;
}

void tell_usb(const Facts& facts, const Guest& guest, const HostUsb& usb, const PciAddress& controller, Findings& out) {
  const User* user = taker(facts, controller, guest.vm->vmid);
  Diagnostic& d =
      out.at(*user->assignment, "the USB controller `" + controller.str() + "` carries `" + std::string(usb.host) +
                                    "`, which " + guest.name() + " takes as `" + std::string(usb.key) + "`");
  d.labels.push_back({Place(guest.vm->source, usb.span), guest.name() + " takes it"});
  d.notes.push_back("while " + vm_name(*user->vm) + " runs, the host does not see the device, and " + guest.name() +
                    " does not get it");
  d.help.emplace_back("plug the device into a port of another controller");
}

void check_usb(const Facts& facts, Findings& out) {
  if (!facts.host->usb) return;
  for (const Guest& guest : guests(facts))
    for (const HostUsb& usb : host_usb_devices(guest.section)) {
      std::set<PciAddress> found = controllers(*facts.host, usb.host);
      auto lost = [&](const PciAddress& c) { return taker(facts, c, guest.vm->vmid) != nullptr; };
      if (!found.empty() && std::all_of(found.begin(), found.end(), lost))
        tell_usb(facts, guest, usb, *found.begin(), out);
    }
}

// Disks --------------------------------------------------------------------------------------------------------------

/// "sdb" of /dev/sdb or of a link that was followed; empty if it is not known.
std::string block_name(const Host& host, std::string_view path) {
  auto at = host.links.find(std::string(path));
  if (at != host.links.end()) return at->second;
  std::string_view name = path.substr(5);
  return name.find('/') == name.npos ? std::string(name) : std::string();
}

/// "sdb2" stands on "sdb", "nvme0n1p3" on "nvme0n1".
bool stands_on(std::string_view name, std::string_view disk) {
  if (!name.starts_with(disk)) return false;
  std::string_view rest = name.substr(disk.size());
  if (!disk.empty() && disk.back() >= '0' && disk.back() <= '9' && rest.starts_with("p"))
    rest.remove_prefix(1);
  else if (!rest.empty() && !disk.empty() && disk.back() >= '0' && disk.back() <= '9')
    return false;
  return rest.empty() ? name == disk : number(rest).has_value();
}

const Device* carrier(const Host& host, const std::string& name) {
  for (const auto& [address, d] : host.devices)
    for (const Use& use : d.uses.value_or(std::vector<Use>()))
      if (use.kind == UseKind::disk && stands_on(name, use.name)) return &d;
  return nullptr;
}

void check_disk(const Facts& facts, std::uint32_t vmid, const std::string& guest, const SourcePtr& source,
                const HostPath& disk, Findings& out) {
  std::string name = block_name(*facts.host, disk.path);
  const Device* device = name.empty() ? nullptr : carrier(*facts.host, name);
  const User* user = device ? taker(facts, device->address, vmid) : nullptr;
  if (!user) return;
  Diagnostic& d = out.at(*user->assignment, "the disk `" + name + "` behind `" + describe(*device) + "` is `" +
                                                std::string(disk.key) + "` of " + guest);
  d.labels.push_back({Place(source, disk.span), guest + " uses it"});
  d.notes.push_back("it is gone the moment " + vm_name(*user->vm) + " starts; what " + guest +
                    " has not written yet is lost");
  d.help.emplace_back("move the disk to another controller, or give it to the VM with the controller");
}

void check_disks(const Facts& facts, Findings& out) {
  if (facts.users.empty()) return;
  for (const Guest& guest : guests(facts))
    for (const HostPath& disk : host_disks(guest.section))
      check_disk(facts, guest.vm->vmid, guest.name(), guest.vm->source, disk, out);
  for (const Container& container : containers(*facts.host))
    for (const HostPath& disk : container.disks)
      check_disk(facts, container.vmid, "container " + std::to_string(container.vmid), container.source, disk, out);
}

constexpr Rule rules[] = {
    {
        .id = "conflict-lxc-shares-gpu",
        .severity = Severity::warning,
        .summary = "a container uses the graphics card that a VM takes",
        .why = "When the VM starts, the card leaves its driver on the host; /dev/dri, /dev/nvidia* or /dev/kfd lose "
               "its nodes, and the numbers of "
               "the others may change.",
        .bad = "# /etc/pve/lxc/200.conf\nhostname: jellyfin\ndev0: /dev/dri/card0,gid=44\n# "
               "/etc/pve/qemu-server/100.conf\nhostpci0: 0000:00:02.0\n",
        .good = "# /etc/pve/lxc/200.conf\nhostname: jellyfin\ndev0: /dev/dri/card0,gid=44\n# "
                "/etc/pve/qemu-server/100.conf\nhostpci0: 0000:01:00\n",
        .fix = "Choose: the container shares the card with the host, or the VM gets it. Names below /dev/dri/by-path "
               "do not change.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio); pve-container: LXC.pm (devN)",
        .host = check_container,
    },
    {
        .id = "conflict-usb-lost",
        .severity = Severity::warning,
        .summary = "a USB device of one VM is on a controller that another VM takes",
        .why = "A controller that is passed takes all that is plugged into it from the host; a VM that gets one of "
               "these devices by usbN misses it.",
        .bad = "(one VM with the USB controller 0000:00:14.0, another with `usb0: host=1-4` on it)",
        .good = "hostpci0: 0000:01:00",
        .fix = "Plug the device into a port of another controller.",
        .fixable = Fixable::manual,
        .source = "kernel: Documentation/ABI/stable/sysfs-bus-usb; qemu-server USB.pm",
        .host = check_usb,
    },
    {
        .id = "conflict-disk-on-passed-controller",
        .severity = Severity::error,
        .summary = "a guest uses a disk behind a controller that another VM takes",
        .why = "The disk disappears from the host the moment the other VM starts; the guest gets input/output errors "
               "and loses data.",
        .bad = "(one VM with the controller 0000:02:00.0, another with `scsi1: /dev/nvme0n1` behind it)",
        .good = "hostpci0: 0000:01:00",
        .fix = "Move the disk to another controller.",
        .fixable = Fixable::manual,
        .source = "pve-common: SysFSTools.pm (pci_dev_group_bind_to_vfio)",
        .host = check_disks,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> conflict_host_rules = rules;

}  // namespace hostpci
