// What a VM's own file needs where lint only gives advice: machine type, display, leftovers in `args`, an EFI disk.
#include <algorithm>

#include "config/drives.hpp"
#include "config/vm_edit.hpp"
#include "plan/parts.hpp"
#include "rules/device.hpp"
#include "rules/vm_parts.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// A wanted VM of the workspace as it is by now; every change makes it anew.
class VmWork {
 public:
  VmWork(Workspace& work, std::uint32_t vmid) : work_(work), vmid_(vmid) {}

  const VmFacts& vm() const { return *work_.facts().vm(vmid_); }
  Workspace& work() const { return work_; }

  /// The key's value at the next start.
  void set(const std::string& key, const std::string& value, const std::string& reason) const {
    make(set_value(*vm().vm, section(key), key, value), reason);
  }

  void remove(const std::string& key, const std::string& reason) const {
    make(delete_key(*vm().vm, section(key), key), reason);
  }

  void make(std::vector<Edit> edits, const std::string& reason) const {
    std::vector<FileEdit> list;
    for (Edit& edit : edits) list.push_back({vm().vm->source->path, edit.span, std::move(edit.text)});
    work_.edit(list, reason);
  }

  std::vector<Diagnostic> findings(std::string_view rule) const {
    std::vector<Diagnostic> mine;
    for (Diagnostic& finding : findings_of_rule(work_, rule))
      if (finding.vm == vmid_) mine.push_back(std::move(finding));
    return mine;
  }

  bool has(std::string_view rule) const { return !findings(rule).empty(); }

 private:
  /// Where the line stands that counts at the next start.
  const VmSection& section(const std::string& key) const {
    const VmSection* pending = vm().vm->pending();
    return pending && pending->find(key) ? *pending : vm().vm->main();
  }

  Workspace& work_;
  std::uint32_t vmid_;
};

// Machine and display
// --------------------------------------------------------------------------------------------------

/// "pc-i440fx-9.0,viommu=virtio" -> "pc-q35-9.0,viommu=virtio"; without a type of i440fx the type goes in front.
std::string q35_machine(std::string_view value) {
  std::string text(value);
  if (std::size_t at = text.find("i440fx"); at != text.npos) return text.replace(at, 6, "q35");
  if (text.empty()) return "q35";
  for (std::string_view plain : {"pc", "type=pc"})
    if (text == plain || text.starts_with(std::string(plain) + ",")) return text.replace(plain.size() - 2, 2, "q35");
  return "q35," + text;
}

void set_machine(const VmWork& it) {
  if (!it.has("vm-pcie-needs-q35")) return;
  it.set("machine", q35_machine(it.vm().next.text("machine")),
         "a PCIe device needs the machine type q35 (vm-pcie-needs-q35)");
}

/// x-vga=1 says which display the guest shall have; the emulated one beside it is what the guest often starts on.
void set_display(const VmWork& it) {
  if (!it.has("vm-xvga-keeps-vga")) return;
  it.set("vga", "none", "the passed card is the guest's display, the emulated one is in its way (vm-xvga-keeps-vga)");
}

/// Who names a ROM file wants the guest's firmware to see it.
void show_rom(const VmWork& it) {
  for (const Diagnostic& finding : it.findings("vm-rombar0-romfile"))
    for (const Assignment& a : it.vm().assignments)
      if (a.key() == finding.key)
        return (void)it.work().edit(
            drop_property(a, HostpciKey::rombar, Safety::unsafe).edits,
            "with `rombar=0` the guest's firmware does not see the ROM file (vm-rombar0-romfile)");
}

// Leftovers in `args`
// --------------------------------------------------------------------------------------------------

/// The word and the option before it.
Span with_option(const VmFacts& vm, Span word) {
  Span before{word.begin, word.begin};
  for (const QemuWord& other : argument_words(vm))
    if (other.span.end <= word.begin) before = other.span;
  return {before.begin, word.end};
}

void cut_argument(const VmWork& it, Span word, const std::string& reason) {
  const VmFacts& vm = it.vm();
  const VmValue* args = vm.next.main().find("args");
  Span cut = with_option(vm, word);
  if (cut.begin <= args->span.begin && cut.end >= args->span.end) return it.remove("args", reason);
  const std::string& text = vm.vm->source->text;
  if (cut.begin > args->span.begin)
    while (cut.begin > args->span.begin && text[cut.begin - 1] == ' ') --cut.begin;
  else
    while (cut.end < args->span.end && text[cut.end] == ' ') ++cut.end;
  it.make({{cut, ""}}, reason);
}

/// `-set device.hostpciN…` of a line that is gone ends QEMU at its start. One that cannot reach a function is
/// somebody's wish: it stays.
void drop_dangling(const VmWork& it) {
  for (int round = 0; round < 16; ++round) {
    auto found = it.findings("vm-args-set-dangling");
    auto gone = std::find_if(found.begin(), found.end(),
                             [](const Diagnostic& d) { return d.message.find("no such line") != d.message.npos; });
    if (gone == found.end()) return;
    cut_argument(it, gone->place.span,
                 "`-set` names a hostpci line that is not there, and QEMU would end (vm-args-set-dangling)");
  }
}

/// The device that a `-device vfio-pci,host=…` of `args` takes, if a hostpci line takes it as well.
bool passed_twice(const VmWork& it, const Diagnostic& finding) {
  std::string text(slice(finding.place.source->text, finding.place.span));
  for (const Assignment& a : it.vm().assignments)
    for (const PciAddress& address : a.functions()) {
      std::string full = address.str();
      for (const std::string& spelled : {full, full.substr(full.find(':') + 1)})
        if (text.find("host=" + spelled) != text.npos) return true;
    }
  return false;
}

void drop_twice(const VmWork& it) {
  for (int round = 0; round < 16; ++round) {
    auto found = it.findings("vm-args-vfio");
    auto twice = std::find_if(found.begin(), found.end(), [&](const Diagnostic& d) { return passed_twice(it, d); });
    if (twice == found.end()) return;
    cut_argument(it, twice->place.span, "a hostpci line passes this device already (vm-args-vfio)");
  }
}

// EFI disk
// -------------------------------------------------------------------------------------------------------------

/// The storage of the VM's first disk, or "".
std::string storage_of(const Vm& vm) {
  for (std::string_view bus : {"scsi", "virtio", "sata", "ide"})
    for (const auto& [key, value] : vm.main().values) {
      if (!is_drive(key) || !key.starts_with(bus) || value.value.find("media=cdrom") != value.value.npos) continue;
      std::string volume = drive_volume(value.value);
      if (std::size_t colon = volume.find(':'); colon != volume.npos && volume[0] != '/')
        return volume.substr(0, colon);
    }
  return {};
}

/// A disk has to be allocated: only Proxmox VE can do that.
void ask_for_efidisk(const VmWork& it) {
  if (!it.has("vm-ovmf-no-efidisk")) return;
  std::string vmid = std::to_string(it.vm().vm->vmid), storage = storage_of(it.vm().next);
  if (storage.empty())
    return it.work().obstacle(it.vm().vm->source->path, 0,
                              "VM " + vmid +
                                  " has no EFI disk, and no disk that shows on which storage it could be: `qm set " +
                                  vmid + " --efidisk0 STORAGE:1,efitype=4m,pre-enrolled-keys=0`");
  it.work().plan.by_hand.push_back(
      {{"qm", "set", vmid, "--efidisk0", storage + ":1,efitype=4m,pre-enrolled-keys=0"},
       "OVMF without an EFI disk forgets its settings at every stop (vm-ovmf-no-efidisk)"});
}

}  // namespace

void plan_vms(Workspace& work) {
  std::vector<std::uint32_t> vmids = work.plan.vms;
  for (std::uint32_t vmid : vmids) {
    const VmFacts* vm = work.facts().vm(vmid);
    if (!vm || !work.may_change(*vm)) continue;
    VmWork it(work, vmid);
    set_machine(it);
    set_display(it);
    show_rom(it);
    drop_dangling(it);
    drop_twice(it);
    ask_for_efidisk(it);
  }
}

}  // namespace hostpci
