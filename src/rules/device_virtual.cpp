// Rules about SR-IOV: virtual functions that do not exist, will not survive a reboot, or cannot be used because of
// their card.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/device_vf.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string vf_count(const Device& card) {
  return std::to_string(card.sriov_numvfs.value_or(0)) + " of " + std::to_string(card.sriov_totalvfs.value_or(0)) +
         " virtual functions";
}

/// Calls f for every virtual function that PVE takes, with its card if that is known.
template <class F>
void each_vf(const Facts& facts, const VmFacts& vm, F f) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && d->is_vf()) f(a, *d, facts.device(*d->physfn));
}

bool has_vfs(const Device& d) { return d.sriov_numvfs.value_or(0) > 0 || !d.virtfns.empty(); }

void check_pf(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || d->is_vf() || !has_vfs(*d) || on_vfio(*d)) continue;
      Diagnostic& f =
          at_device(out, facts, a, *d, "`" + describe(*d) + "` has virtual functions, which vanish when it is passed");
      show(f, *d, "sriov_numvfs", vf_count(*d));
      f.notes.push_back("unbinding the card's driver removes its virtual functions, and VMs that use them crash");
      f.help.push_back(d->virtfns.empty() ? "pass virtual functions only"
                                          : "pass a virtual function, such as `" + d->virtfns.front().str() + "`");
    }
}

void check_pf_on_vfio(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_vf(facts, vm, [&](const Assignment& a, const Device& d, const Device* card) {
    if (!card || card->driver != "vfio-pci") return;
    Diagnostic& f =
        at_device(out, facts, a, d, "the card of virtual function `" + d.address.str() + "` is itself on vfio-pci");
    show(f, *card, "driver", "vfio-pci");
    f.notes.push_back("vfio then demands a VF token, which Proxmox VE does not give: \"Permission denied\"");
    f.help.push_back("bind `" + describe(*card) + "` to its own driver, and take its id out of `ids=`");
  });
}

void check_regression(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Fact<std::string>& release = facts.host->kernel.release;
  if (!release) return;
  bool known = false;
  for (const char* bad : {"6.8.12-12-pve", "6.14.8-1-pve", "6.14.8-1-bpo12-pve"}) known = known || *release == bad;
  bool told = false;
  each_vf(facts, vm, [&](const Assignment& a, const Device& d, const Device*) {
    if (!known || vm.running || std::exchange(told, true)) return;
    Diagnostic& f = at_device(out, facts, a, d, "kernel " + *release + " fails to open virtual functions");
    f.notes.push_back("\"error getting device from group: Permission denied\"; later kernels are mended");
    f.help.push_back("upgrade the kernel, or pin another with `proxmox-boot-tool kernel pin`");
  });
}

void check_whole_slot(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments)
    for (const HostElement& element : a.parsed().hosts) {
      if (!takes(a) || !element.pattern.whole_slot) continue;
      std::vector<PciAddress> found = matching_functions(*facts.host, element.text);
      auto is_vf = [&](const PciAddress& address) { return facts.device(address) && facts.device(address)->is_vf(); };
      auto vfs = std::count_if(found.begin(), found.end(), is_vf);
      if (vfs == 0 || found.size() < 2) continue;
      Diagnostic& d = out.at(
          a, "`" + std::string(element.text) + "` takes " + count(std::size_t(vfs), "virtual function") + " at once");
      d.place = Place(vm.vm->source, element.span);
      d.help.push_back("name one, such as `" + std::find_if(found.begin(), found.end(), is_vf)->str() + "`");
    }
}

/// The firmware left no room for the functions' BARs: lines 7 to 12 of `resource` have flags but no address.
bool lacks_memory(const Device& card) {
  if (!card.bars) return false;
  for (std::size_t i = 7; i < card.bars->size() && i < 13; ++i)
    if (((*card.bars)[i].flags & 0x200) && (*card.bars)[i].start == 0) return true;
  return false;
}

/// Missing addresses that would be virtual functions, each with the line that names it.
template <class F>
void each_missing_vf(const Facts& facts, const VmFacts& vm, F f) {
  for (const Refusal& refusal : vm.refusals) {
    const Assignment* a = assignment_of(vm, refusal.index);
    if (!a || refusal.rule != "device-device-missing") continue;
    if (auto missing = missing_function(*facts.host, slice(vm.vm->source->text, refusal.span)))
      f(*a, refusal, *missing);
  }
}

void check_not_created(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_missing_vf(facts, vm, [&](const Assignment& a, const Refusal& refusal, const MissingFunction& missing) {
    const Device& card = *missing.physfn;
    if (lacks_memory(card)) return;
    Diagnostic& d =
        out.at(a, "there is no device `" + missing.address.str() + "`: it would be a virtual function of `" +
                      describe(card) + "`, which has " + vf_count(card));
    d.place = Place(vm.vm->source, refusal.span);
    show(d, card, "sriov_numvfs", vf_count(card));
    if (!on_host_driver(card)) d.notes.push_back("the card needs its own driver for it: " + driver_text(card));
    std::string n = missing.ordinal ? std::to_string(missing.ordinal) : "N";
    bool again = card.sriov_numvfs.value_or(0) > 0;
    if (again) d.notes.push_back("the number changes only through 0, which removes those that exist");
    d.help.push_back((again ? "echo 0, then echo " : "echo ") + n + " > " + device_path(card.address, "sriov_numvfs"));
  });
}

void check_no_memory(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_missing_vf(facts, vm, [&](const Assignment& a, const Refusal& refusal, const MissingFunction& missing) {
    const Device& card = *missing.physfn;
    if (!lacks_memory(card)) return;
    Diagnostic& d = out.at(a, "`" + missing.address.str() + "` cannot be created: the firmware left `" +
                                  describe(card) + "` no memory for virtual functions");
    d.place = Place(vm.vm->source, refusal.span);
    show(d, card, "resource", "a BAR of the virtual functions has no address");
    d.help.push_back("switch on SR-IOV and Above 4G Decoding in the firmware, or boot with `pci=realloc`");
  });
}

/// Does the line set the number of virtual functions, of this card (true) or of one it does not name by address (false)?
std::optional<bool> creates_vfs(std::string_view line, const Facts& facts, const Device& card) {
  bool about = false;
  for (const char* word : {"sriov_numvfs", "max_vfs", "num_vfs", "sriov-manage"})
    about = about || line.find(word) != line.npos;
  if (!about || trim(line).substr(0, 1) == "#") return {};
  if (line.find(card.address.str()) != line.npos) return true;
  bool another = std::any_of(facts.host->devices.begin(), facts.host->devices.end(),
                             [&](const auto& entry) { return line.find(entry.first.str()) != line.npos; });
  return another ? std::nullopt : std::optional(false);
}

bool units_are_known(const Host& host) {
  auto at = host.files.lower_bound("/etc/systemd/system/");
  return at != host.files.end() && at->first.substr(0, 20) == "/etc/systemd/system/";
}

void check_not_persistent(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (facts.host->files.empty()) return;
  std::vector<const Device*> told;
  each_vf(facts, vm, [&](const Assignment& a, const Device& d, const Device* card) {
    bool nvidia = card && card->id && card->id->vendor == 0x10de;  // the vendor's own unit makes them
    if (!card || nvidia || functions_at_boot(facts, *card) || std::find(told.begin(), told.end(), card) != told.end())
      return;
    told.push_back(card);
    Diagnostic& f = at_device(
        out, facts, a, d, "nothing found that creates virtual function `" + d.address.str() + "` again after a reboot");
    if (!units_are_known(*facts.host)) {
      f.severity = Severity::info;
      f.notes.push_back(
          "udev rules, sysfs.conf, module options and network interfaces were read; a unit of systemd may do it");
    }
    show(f, *card, "sriov_numvfs", vf_count(*card) + ", forgotten at power-off");
    f.help.push_back("a line for /etc/sysfs.d (package sysfsutils): `bus/pci/devices/" + card->address.str() +
                     "/sriov_numvfs = " + std::to_string(card->sriov_numvfs.value_or(1)) + "`");
  });
}

void check_bridge(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_vf(facts, vm, [&](const Assignment& a, const Device& d, const Device* card) {
    bool prone = card && card->id && (card->id->vendor == 0x8086 || card->id->vendor == 0x15b3);
    if (!prone || !card->uses || !d.has_class(0x02)) return;
    auto port = std::find_if(card->uses->begin(), card->uses->end(),
                             [](const Use& u) { return u.kind == UseKind::bridge_port; });
    if (port == card->uses->end()) return;
    Diagnostic& f = at_device(out, facts, a, d,
                              "guests on the bridge over `" + port->name + "` may not reach the virtual function `" +
                                  d.address.str() + "` of the same card");
    show(f, *card, {}, use_text(*port));
    f.notes.push_back("the card's own switch knows only the addresses it was told");
    f.help.push_back("bridge fdb add MAC-OF-THE-GUEST dev " + port->name);
  });
}

void check_xvga(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    bool harmless = is_ovmf(vm.next) && !is_template(vm.next);  // else device-xvga-not-vga
    if (!harmless || !a.first || !a.first->is_vf() || !a.parsed().flag(HostpciKey::x_vga)) continue;
    Diagnostic& d = out.at(a, HostpciKey::x_vga, "`x-vga` on a virtual function only takes the VM's console away");
    show(d, *a.first, "physfn", "a virtual function has no display outputs");
    d.fix = drop_property(a, HostpciKey::x_vga, Safety::unsafe);
  }
}

constexpr Rule rules[] = {
    {
        .id = "device-pf-has-vfs",
        .severity = Severity::error,
        .summary = "a card is passed while its virtual functions exist",
        .why = "Taking the card from its driver switches SR-IOV off: the virtual functions vanish, and VMs that use "
               "them crash.",
        .bad = "hostpci0: 0000:05:00.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Pass virtual functions only, or remove them first.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/pci/iov.c; pve-common: SysFSTools.pm",
        .vm = check_pf,
    },
    {
        .id = "device-pf-on-vfio",
        .severity = Severity::error,
        .summary = "a virtual function of a card that is on vfio-pci",
        .why = "vfio asks for a VF token if the card itself is on vfio-pci, and Proxmox VE gives none.",
        .bad = "(of a card that ids= catches)\nhostpci0: 0000:4a:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Leave the card on its own driver: take its id out of ids=.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio_pci_core.c (vfio_pci_validate_vf_token)",
        .vm = check_pf_on_vfio,
    },
    {
        .id = "device-vf-kernel-regression",
        .severity = Severity::warning,
        .summary = "this kernel fails to open virtual functions",
        .why = "A fault in vfio of July 2025 is in three kernels of Proxmox VE: \"Permission denied\".",
        .bad = "(on kernel 6.14.8-1-pve)\nhostpci0: 0000:4a:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Upgrade the kernel, or pin another.",
        .fixable = Fixable::assisted,
        .source = "i915-sriov-dkms#321, #322",
        .vm = check_regression,
    },
    {
        .id = "device-vf-whole-slot",
        .severity = Severity::warning,
        .summary = "an address without a function takes several virtual functions",
        .why = "An address without a function stands for all functions of the slot, up to eight virtual functions.",
        .bad = "hostpci0: 0000:05:10",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Name the function.",
        .fixable = Fixable::assisted,
        .source = "pve-common: SysFSTools.pm (lspci)",
        .vm = check_whole_slot,
    },
    {
        .id = "device-vf-not-created",
        .severity = Severity::error,
        .summary = "the virtual function does not exist: its card has fewer of them enabled",
        .why = "Virtual functions are gone after every boot until something writes sriov_numvfs.",
        .bad = "hostpci0: 0000:05:11.0",
        .good = "hostpci0: 0000:05:10.6",
        .fix = "Write the number to sriov_numvfs (0 first), and make it last (hostpci sriov --persist).",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm-pci-passthrough.adoc; kernel: sysfs-bus-pci (sriov_numvfs)",
        .vm = check_not_created,
    },
    {
        .id = "device-vf-not-persistent",
        .severity = Severity::warning,
        .summary = "nothing creates the virtual functions again after a reboot",
        .why =
            "sriov_numvfs is forgotten at power-off; without something that writes it at boot, the VM finds no device.",
        .bad = "(with no udev rule)\nhostpci0: 0000:4a:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "A line in /etc/sysfs.d (package sysfsutils) or a udev rule.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: qm-pci-passthrough.adoc",
        .vm = check_not_persistent,
    },
    {
        .id = "device-vf-bridge-fdb",
        .severity = Severity::info,
        .summary = "guests on a bridge over the same card may not reach the virtual function",
        .why = "The card's switch sends to the bridge only what it knows to be there.",
        .bad = "(its card is a port of vmbr1)\nhostpci0: 0000:45:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix =
            "Add the guests' addresses to the card's table (bridge fdb add), or give the host a virtual function too.",
        .fixable = Fixable::assisted,
        .source = "mlx4_br#1; hotsos#365",
        .vm = check_bridge,
    },
    {
        .id = "device-sriov-no-mmio",
        .severity = Severity::error,
        .summary = "the firmware left no memory for virtual functions",
        .why = "The bridge's window is too small for the functions' BARs: \"not enough MMIO resources for SR-IOV\".",
        .bad = "(without memory for them)\nhostpci0: 0000:4b:10.0",
        .good = "hostpci0: 0000:05:10.0",
        .fix = "Switch on SR-IOV and Above 4G Decoding, or boot with pci=realloc.",
        .fixable = Fixable::assisted,
        .source = "kernel: drivers/pci/iov.c",
        .vm = check_no_memory,
    },
    {
        .id = "device-vf-xvga",
        .severity = Severity::info,
        .summary = "x-vga on a virtual function",
        .why =
            "A virtual function has no outputs; x-vga only hides KVM from the guest and takes the VM's console away.",
        .bad = "bios: ovmf\nhostpci0: 0000:05:10.0,x-vga=1",
        .good = "bios: ovmf\nhostpci0: 0000:05:10.0",
        .fix = "Remove x-vga.",
        .fixable = Fixable::automatic,
        .source = "qemu-server: PCI.pm",
        .vm = check_xvga,
    },
};
static_assert(well_formed(rules));

}  // namespace

std::vector<FunctionMaker> function_makers(const Facts& facts, const Device& card) {
  std::vector<FunctionMaker> found;
  auto look_at = [&](const std::string& path, std::string_view text) {
    std::optional<bool> creates;
    for (std::string_view line : split(text, '\n'))
      if (auto now = creates_vfs(line, facts, card)) creates = creates.value_or(false) || *now;
    if (creates) found.push_back({path, *creates});
  };
  if (facts.host->kernel.command_line) look_at("/proc/cmdline", *facts.host->kernel.command_line);
  for (const auto& [path, text] : facts.host->files)
    if (text.find("vfs") != text.npos || text.find("sriov") != text.npos) look_at(path, text);
  return found;
}

bool functions_at_boot(const Facts& facts, const Device& card) { return !function_makers(facts, card).empty(); }

const std::span<const Rule> device_virtual_rules = rules;

}  // namespace hostpci
