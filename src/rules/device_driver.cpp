// Rules about the driver a device is on before and after a VM takes it.
#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_display(const Device& d) { return d.is_gpu() && !d.is_vf(); }

/// The console of the host itself; every driver makes an fb of its own, which nobody uses.
bool has_console(const Device& d) {
  return d.uses && std::any_of(d.uses->begin(), d.uses->end(), [&](const Use& u) {
           return u.kind == UseKind::console && (u.critical || u.name == "fb0" || d.boot_vga == true);
         });
}

void check_busy(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      bool graphics = false;
      for (const char* driver : {"nvidia", "amdgpu", "i915", "xe", "nouveau", "radeon"})
        graphics = graphics || d->driver == driver;
      if (!takes(a) || !is_display(*d) || !graphics || !has_console(*d)) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d,
                    "the host's console is on `" + describe(*d) + "`: taking it from `" + *d->driver + "` may hang");
      show(f, *d, "driver", *d->driver);
      f.help.push_back("bind the card to vfio-pci at boot (`options vfio-pci ids=` and a softdep)");
    }
}

/// Some boot set-up gives the device to vfio-pci: its id in ids=, or its address in a udev rule or script that sets
/// driver_override.
bool bound_at_boot(const Facts& facts, const Device& d) {
  if (d.driver_override == "vfio-pci") return true;
  std::vector<std::string> ids = facts.boot->vfio_ids();
  for (const std::string& id : ids)
    if (d.id && id.substr(0, 9) == d.id->str()) return true;
  for (const auto& [path, text] : facts.host->files)
    if (text.find("driver_override") != text.npos && text.find(d.address.str()) != text.npos) return true;
  return facts.host->kernel.command_line && d.id &&
         facts.host->kernel.command_line->find(d.id->str()) != std::string::npos;
}

void check_late(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!vm.onboot || vm.running || !facts.host->groups_known.value_or(true)) return;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || !is_display(*d) || !on_host_driver(*d) || bound_at_boot(facts, *d)) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d,
                    "`" + describe(*d) + "` goes to its own driver at boot and is taken from it when the VM starts");
      show(f, *d, "driver", *d->driver);
      f.notes.push_back("Proxmox VE unbinds it; with graphics cards that does not always work");
      if (d->id)
        f.help.push_back("`options vfio-pci ids=" + d->id->str() + "` and `softdep " + *d->driver +
                         " pre: vfio-pci` bind it early");
    }
}

/// The twin must not go to vfio-pci: the host has its console on it, or another line uses it through its own driver.
const Assignment* other_use(const Facts& facts, const Device& twin) {
  auto users = facts.users.find(twin.address);
  if (users == facts.users.end()) return nullptr;
  for (const User& user : users->second)
    if (!takes(*user.assignment)) return user.assignment;
  return nullptr;
}

bool host_needs(const Device& d) { return d.boot_vga == true || (d.uses && !d.uses->empty()); }

void check_new_id(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::vector<std::string> ids = facts.boot->vfio_ids();
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || !d->id || !d->driver || on_vfio(*d)) continue;
      if (std::find(ids.begin(), ids.end(), d->id->str()) != ids.end()) continue;
      for (const auto& [address, twin] : facts.host->devices) {
        if (twin.id != d->id || twin.driver != "" || names(vm, address)) continue;
        const Assignment* other = other_use(facts, twin);
        if (!other && !host_needs(twin)) continue;
        Diagnostic& f =
            at_device(out, facts, a, *d, "starting the VM also gives the twin `" + describe(twin) + "` to vfio-pci");
        show(f, twin, "driver", "none, so vfio-pci takes it");
        if (other) f.labels.push_back({Findings::place(*other), "uses it through its own driver"});
        f.notes.push_back(
            "Proxmox VE writes the id to vfio-pci's new_id, which catches every device of that id without a driver");
        f.help.push_back("bind the wanted address at boot by `driver_override`");
      }
    }
}

bool suits_keep(const Device& d) { return on_vfio(d) || (d.driver == "nvidia" && d.is_vf()); }

void check_keep(const Facts&, const VmFacts& vm, Findings& out) {
  if (is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!keeps_driver(a) || a.is_mdev() || !d->driver || suits_keep(*d) || is_any_bridge(*d)) continue;
      Diagnostic& f = out.at(a, HostpciKey::driver,
                             "`driver=keep`, but `" + describe(*d) + "` is on " +
                                 (d->driver->empty() ? "no driver" : "`" + *d->driver + "`, which is none of VFIO's"));
      show(f, *d, "driver", d->driver->empty() ? "does not exist" : *d->driver);
      f.notes.push_back("with `keep`, Proxmox VE neither binds nor resets the device");
      f.help.push_back("remove `driver=keep`, or bind the variant driver before the VM starts");
    }
}

/// Intel QAT of three families with their virtual functions, and DSA and IAX of Sapphire Rapids.
/// Source: kernel drivers/vfio/pci/vfio_pci.c (vfio_pci_dev_in_denylist).
bool in_denylist(const Device& d) {
  if (!d.id || d.id->vendor != 0x8086) return false;
  for (std::uint16_t id : {0x19e2, 0x19e3, 0x37c8, 0x37c9, 0x0435, 0x0443, 0x0b25, 0x0cfe})
    if (d.id->device == id) return true;
  return false;
}

void check_denylist(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (vfio_option(facts, "disable_denylist")) return;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || !in_denylist(*d) || on_vfio(*d)) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d, "vfio-pci refuses `" + describe(*d) + "`: it is on the kernel's denylist");
      f.notes.push_back("a guest could use a fault of this hardware against the host");
      f.help.push_back("`options vfio-pci disable_denylist=1` takes it all the same");
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-driver-busy",
        .severity = Severity::warning,
        .summary = "the host's console is on the graphics card",
        .why = "Taking a card from its driver while the console uses it may block for ever, and the start of the VM "
               "with it.",
        .bad = "hostpci0: 0000:00:02.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Bind the card to vfio-pci at boot.",
        .fixable = Fixable::assisted,
        .source = "pve-common: SysFSTools.pm (pci_dev_bind_to_vfio)",
        .vm = check_busy,
    },
    {
        .id = "device-not-bound-at-boot",
        .severity = Severity::info,
        .summary = "a graphics card of a VM that starts at boot is taken from its driver late",
        .why = "Proxmox VE takes the card from its driver when the VM starts. That works for network cards; with "
               "graphics cards it may not.",
        .bad = "onboot: 1\nhostpci0: 0000:00:02.0",
        .good = "onboot: 1\nhostpci0: 0000:01:00",
        .fix = "options vfio-pci ids= with a softdep; driver_override where two cards have the same id.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_late,
    },
    {
        .id = "device-new-id-side-effect",
        .severity = Severity::warning,
        .summary = "starting the VM gives a twin of the device to vfio-pci as well",
        .why = "Proxmox VE writes vendor and device to vfio-pci's new_id; every device of that id without a driver is "
               "then taken, until "
               "the next boot.",
        .bad = "(two of the same, one shows the console)\nhostpci0: 0000:48:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Bind the wanted address by driver_override (a udev rule).",
        .fixable = Fixable::assisted,
        .source = "pve-common: SysFSTools.pm (pci_dev_bind_to_vfio)",
        .vm = check_new_id,
    },
    {
        .id = "device-driver-keep-unbound",
        .severity = Severity::error,
        .summary = "driver=keep, and the device is on no VFIO driver",
        .why = "With keep, Proxmox VE leaves the device as it is; QEMU can open it only through a driver of VFIO.",
        .bad = "hostpci0: 0000:02:00.0,driver=keep",
        .good = "hostpci0: 0000:01:00,driver=keep",
        .fix = "Bind the variant driver first, or remove driver=keep.",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI.pm (prepare_pci_device)",
        .vm = check_keep,
    },
    {
        .id = "device-vfio-denylist",
        .severity = Severity::error,
        .summary = "the device is on the kernel's denylist",
        .why = "vfio-pci refuses devices with known errata: \"driver probing disallowed\".",
        .bad = "(Intel QAT)\nhostpci0: 0000:4e:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "disable_denylist=1 if every guest with the device is trusted.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio_pci.c (vfio_pci_dev_in_denylist)",
        .vm = check_denylist,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_driver_rules = rules;

}  // namespace hostpci
