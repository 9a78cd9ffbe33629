// The hostpci line to write for a device: its properties and why, those left out and why, and the VM around it.

#include <algorithm>

#include "rules/device.hpp"
#include "rules/suggestion_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool is_display(const Device& d) { return d.is_gpu() && !d.is_vf(); }

void choose_type(Draft& draft) {
  const Device& d = draft.device();
  if (whole_slot(draft) || !d.mdev_types || d.mdev_types->empty()) {
    if (d.nvidia_vgpu)
      draft.leave("mdev=TYPE", "NVIDIA's vGPU framework offers no type on this function now: see `hostpci mdev`");
    return;
  }
  draft.line.types = *d.mdev_types;
  auto free = std::find_if(d.mdev_types->begin(), d.mdev_types->end(),
                           [](const MdevType& t) { return t.available.value_or(0) > 0; });
  if (free == d.mdev_types->end()) {
    draft.leave("mdev=TYPE",
                "no instance of any of its types is free, or their number could not be read: see `hostpci mdev`");
    return;
  }
  std::string choice = d.mdev_types->size() > 1
                           ? ", the first of " + std::to_string(d.mdev_types->size()) + " types with a free instance"
                           : "";
  draft.write(HostpciKey::mdev, free->type,
              quoted(free->type) + (free->name.empty() || free->name == free->type ? "" : " (" + free->name + ")") +
                  choice + ": the host keeps the device and other VMs may share it");
}

void decide_pcie(Draft& draft) {
  bool express = draft.device().is_gpu() || draft.device().has_subclass(0x0108);
  if (!draft.vm) {
    draft.leave("pcie=1", std::string("for a q35 VM: the device becomes a PCIe one") +
                              (express ? ", which drivers of this kind expect" : "") +
                              "; an i440fx VM would not start with it");
  } else if (draft.mediated() && !draft.device().nvidia_vgpu) {
    draft.leave("pcie=1", "a mediated device of this kind is a conventional one");
  } else if (draft.type.q35) {
    draft.write(HostpciKey::pcie, "1",
                vm_label(*draft.vm) +
                    " runs q35: without it the device sits behind a conventional PCI bridge");
  } else {
    std::string type = draft.type.type.empty() ? "i440fx, the default," : std::string(draft.type.type);
    draft.leave("pcie=1", vm_label(*draft.vm) + " runs " + type +
                              " and would not start: \"q35 machine model is not enabled\"" +
                              (express ? "; q35 is the better choice for such a device in a new VM, an installed guest "
                                         "sees new hardware with it"
                                       : ""));
  }
}

bool other_primary(const Draft& draft) {
  std::vector<HostpciLine> lines = draft.next.hostpci();
  return std::any_of(lines.begin(), lines.end(), [](const HostpciLine& l) { return l.parsed.flag(HostpciKey::x_vga); });
}

void decide_x_vga(Draft& draft) {
  const Device& d = draft.device();
  if (!is_display(d) || draft.mediated()) return;
  std::string_view vga = draft.vm ? vga_type(draft.next) : std::string_view();
  if (!d.has_subclass(0x0300)) {
    draft.leave("x-vga=1", "the device has no VGA registers (class " +
                               std::string(d.has_subclass(0x0302) ? "0302, 3D controller" : "03xx") + ")");
  } else if (draft.vm && other_primary(draft)) {
    draft.leave("x-vga=1", "another line of the VM has it, and only one display can be the primary one");
  } else if (vga == "none" && !is_ovmf(draft.next)) {
    draft.write(HostpciKey::x_vga, "1",
                "the VM has `vga: none` and SeaBIOS: the card is its only display, and its VGA registers are needed "
                "from the start");
  } else if (vga == "none") {
    draft.leave("x-vga=1",
                "not needed: with `vga: none` the card is the only display already, and OVMF wants no VGA registers");
  } else if (!vga.empty()) {
    draft.leave("x-vga=1",
                "the VM has `vga: " + std::string(vga) +
                    "`, which stays its first display; to make the card the primary one write `vga: none` too");
  } else {
    draft.leave("x-vga=1",
                "only if a monitor at the card shall be the guest's primary display; Proxmox VE then takes the "
                "emulated one away. Not for computing or transcoding");
  }
}

/// A ROM file at hand that was made for this device.
std::string fitting_rom(const Draft& draft) {
  for (const auto& [file, rom] : draft.host().roms) {
    if (!rom.exists || rom.signature != true || rom.truncated) continue;
    auto fits = [&](const Host::RomFile::Image& i) {
      return i.id == draft.device().id && (!draft.vm || !is_ovmf(draft.next) || i.code_type == 3);
    };
    if (std::any_of(rom.images.begin(), rom.images.end(), fits)) return file;
  }
  return {};
}

void decide_rom(Draft& draft) {
  const Device& d = draft.device();
  if (d.is_vf() || draft.mediated()) return;
  std::string file = fitting_rom(draft);
  if (is_display(d) && !file.empty()) {
    draft.leave("romfile=" + file,
                "the file fits this card; needed only if the guest's screen stays black" +
                    std::string(d.boot_vga == true ? ": the firmware has used the card's own ROM" : ""));
  } else if (is_display(d) && d.boot_vga == true) {
    draft.leave("romfile=FILE",
                "the card is the host's boot display, whose ROM the firmware may have altered; if the guest's screen "
                "stays black, put a clean copy below /usr/share/kvm" +
                    std::string(draft.vm && is_ovmf(draft.next) ? " (one with an EFI image, for OVMF)" : ""));
  } else if ((d.has_class(0x01) || d.has_class(0x02)) && d.rom == true) {
    draft.leave("rombar=0",
                "only if the card's boot ROM slows or stops the guest's firmware and the guest does not boot from it");
  }
}

void decide_legacy_igd(Draft& draft) {
  const Device& d = draft.device();
  bool igd = is_display(d) && d.id && d.id->vendor == 0x8086 && d.address.str() == "0000:00:02.0";
  if (!igd || draft.mediated()) return;
  draft.leave("legacy-igd=1",
              "only for an old guest's primary display: it takes an i440fx VM with SeaBIOS and `vga: none`, and "
              "excludes `x-vga`");
}

std::optional<int> free_index(const Vm& vm, const Vm& next) {
  auto taken = [&](const std::string& key) {
    const VmSection* pending = vm.pending();
    return vm.main().find(key) || next.main().find(key) || (pending && pending->find(key));
  };
  for (int n = 0; n < 16; ++n)
    if (!taken("hostpci" + std::to_string(n))) return n;
  return {};
}

void look_at_vm(Draft& draft) {
  const Vm& vm = *draft.vm;
  std::string named = vm_label(vm);
  draft.line.index = free_index(vm, draft.next);
  if (!draft.line.index) draft.line.notes.push_back(named + " has no free hostpciN: all of 0 to 15 are taken");
  if (is_template(draft.next)) draft.line.notes.push_back(named + " is a template: Proxmox VE attaches nothing to it");
  if (!vm.node.empty() && !draft.host().node.empty() && vm.node != draft.host().node)
    draft.line.notes.push_back(named + " is on node " + quoted(vm.node) + ", the device on " +
                               quoted(draft.host().node));
  if (auto facts = draft.facts.vm(vm.vmid); facts && facts->running)
    draft.line.notes.push_back(named + " runs: the line waits in [PENDING] for its next start");
}

}  // namespace

std::string Suggestion::value() const {
  std::vector<std::string> parts;
  for (const SuggestedProperty& p : properties)
    parts.push_back(p.key == HostpciKey::host ? p.value : std::string(name(p.key)) + "=" + p.value);
  return join(parts, ",");
}

std::string Suggestion::key() const { return "hostpci" + std::to_string(index.value_or(0)); }

Suggestion suggest_line(const Facts& facts, const AddressPattern& pattern, const Vm* vm) {
  Draft draft{facts, pattern, vm, {}, {}, {}};
  if (vm) draft.next = next_start(*vm), draft.type = machine(draft.next);
  std::vector<const Device*> meant = meant_devices(*facts.host, pattern);
  if (meant.empty()) return draft.line;
  choose_functions(draft, std::move(meant));
  if (!draft.line.refusal.empty()) return draft.line;
  name_device(draft);
  choose_type(draft);
  decide_pcie(draft);
  decide_x_vga(draft);
  decide_rom(draft);
  decide_legacy_igd(draft);
  if (vm) look_at_vm(draft);
  return draft.line;
}

}  // namespace hostpci
