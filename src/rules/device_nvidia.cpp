// Rules about NVIDIA's virtual GPUs: the driver they need, and the virtual functions they are made on.
#include "rules/device_mdev.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

void check_wrong_driver(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::wrong_driver>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f =
        out.at(a, HostpciKey::mdev,
               "a virtual GPU of `" + describe(d) + "` needs NVIDIA's host driver, it is on `" + *d.driver + "`");
    show(f, d, "driver", *d.driver);
    f.help.push_back(on_vfio(d) ? "take its id out of `ids=` and reboot"
                                : "blacklist nouveau, install NVIDIA's vGPU host driver and reboot");
  });
}

void check_card_for_vf(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::card_for_vf>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f =
        at_device(out, facts, a, d,
                  "virtual GPUs of `" + describe(d) + "` are made on its virtual functions, not on the card itself");
    show(f, d, "sriov_numvfs", std::to_string(d.sriov_numvfs.value_or(0)) + " of " + std::to_string(*d.sriov_totalvfs));
    if (d.virtfns.empty())
      f.help.push_back("enable them: `systemctl enable --now pve-nvidia-sriov@ALL.service`");
    else
      f.help.push_back("name one of them, such as `" + d.virtfns.front().str() + "`, or a mapping of all");
  });
}

void check_not_creatable(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::not_creatable>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f =
        out.at(a, HostpciKey::mdev, "vGPU type " + quoted_type(a) + " cannot be made on `" + d.address.str() + "` now");
    std::vector<std::string> shown;
    for (const MdevType& t : *d.mdev_types) shown.push_back("`" + t.type + "` " + t.name);
    show(f, d, "nvidia/creatable_vgpu_types", shown.empty() ? "empty" : join(shown, ", "));
    f.notes.push_back("the card's memory is used up, or its equal-size mode runs another type already");
  });
}

void check_mixed(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    if (!a.resolved.nvidia || !a.first || !a.first->is_vf()) continue;
    for (const auto& [address, users] : facts.users)
      for (const User& user : users) {
        const Assignment& o = *user.assignment;
        bool earlier = user.vm->vm->vmid < vm.vm->vmid && !(user.vm->running && vm.running);
        bool same_card = o.first && o.first->physfn == a.first->physfn && o.first->address == address;
        if (!earlier || !o.resolved.nvidia || !same_card || mdev_type(o) == mdev_type(a)) continue;
        Diagnostic& d = out.at(a, HostpciKey::mdev,
                               vm_label(*user.vm->vm) +
                                   " uses another vGPU type of the same card `" + a.first->physfn->str() + "`");
        d.labels.push_back({Findings::place(o, HostpciKey::mdev), "the other type"});
        d.notes.push_back("in equal-size mode, the default, a card runs one type at a time");
        d.help.push_back("nvidia-smi vgpu -shm 1 lets types differ");
        return;
      }
  }
}

constexpr Rule rules[] = {
    {
        .id = "device-nvidia-vfio-bound",
        .severity = Severity::error,
        .summary = "a virtual GPU is wanted, and the card is on vfio-pci or nouveau",
        .why = "Types come from NVIDIA's vGPU host driver, which must own the card.",
        .bad = "hostpci0: 0000:01:00.0,mdev=nvidia-63",
        .good = "hostpci0: 0000:01:00",
        .fix = "Take the card out of ids=, blacklist nouveau, reboot.",
        .fixable = Fixable::assisted,
        .source = "pve-docs: NVIDIA vGPU; pve-common: SysFSTools.pm",
        .vm = check_wrong_driver,
    },
    {
        .id = "device-nvidia-pf-instead-of-vf",
        .severity = Severity::error,
        .summary = "a virtual GPU is asked of the card instead of a virtual function",
        .why =
            "Since kernel 6.8, cards from Ampere on take the type on each virtual function; the card itself has none.",
        .bad = "(an A10)\nhostpci0: 0000:4c:00.0,mdev=nvidia-590",
        .good = "hostpci0: 0000:01:00",
        .fix = "Enable the virtual functions (pve-nvidia-sriov@ALL.service) and name one, or a mapping of all.",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI/Mdev.pm (create_nvidia_device)",
        .vm = check_card_for_vf,
    },
    {
        .id = "device-nvidia-type-unavailable",
        .severity = Severity::error,
        .summary = "the vGPU type cannot be made on this virtual function now",
        .why = "The card's memory is used up, or its equal-size mode runs another type.",
        .bad = "(an A10's)\nhostpci0: 0000:4c:00.4,mdev=nvidia-599",
        .good = "(an A10's)\nhostpci0: 0000:4c:00.4,mdev=nvidia-590",
        .fix = "Take a type that is listed, or switch to heterogeneous mode.",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI/Mdev.pm (create_nvidia_device)",
        .vm = check_not_creatable,
    },
    {
        .id = "device-nvidia-mixed-types",
        .severity = Severity::warning,
        .summary = "VMs use different vGPU types of one card",
        .why = "In equal-size mode, the default, a card runs instances of one size only.",
        .bad = "(another VM takes nvidia-590 of it)\nhostpci0: 0000:4c:00.4,mdev=nvidia-588",
        .good = "(an A10's)\nhostpci0: 0000:4c:00.4,mdev=nvidia-590",
        .fix = "Use one type, or nvidia-smi vgpu -shm 1.",
        .fixable = Fixable::manual,
        .source = "NVIDIA: vGPU heterogeneous mode",
        .vm = check_mixed,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_nvidia_rules = rules;

}  // namespace hostpci
