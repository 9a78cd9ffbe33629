// Rules about mediated devices: types, free instances, what an unclean stop leaves, Intel GVT-g.
#include "rules/device_mdev.hpp"

#include "rules/mdev_uuid.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

void check_unsupported(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::unsupported>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f = out.at(a, HostpciKey::mdev, "`" + describe(d) + "` does not support mediated devices");
    show(f, d, "mdev_supported_types", "does not exist: " + driver_text(d));
    bool intel = d.id && d.id->vendor == 0x8086 && d.is_gpu();
    if (on_vfio(d))
      f.help.push_back("the parent of a mediated device stays on its own driver: take its id out of `ids=`");
    else if (intel)
      f.help.push_back("load `kvmgt` and boot with `i915.enable_gvt=1`");
    else
      f.help.push_back(d.is_gpu() ? "load the vendor's driver for virtual GPUs"
                                  : "remove `mdev`, or name the graphics card");
  });
}

void check_type(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::no_such_type>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f = out.at(a, HostpciKey::mdev, "`" + describe(d) + "` has no mediated type " + quoted_type(a));
    std::vector<std::string_view> names;
    std::vector<std::string> shown;
    for (const MdevType& t : *d.mdev_types) {
      names.push_back(t.type);
      shown.push_back("`" + t.type + "`" + (t.available ? " (" + std::to_string(*t.available) + " free)" : ""));
    }
    show(f, d, "mdev_supported_types", "has " + join(shown, ", "));
    if (auto near = closest(mdev_type(a), names)) f.help.push_back("did you mean `" + std::string(*near) + "`?");
  });
}

/// "VM 101", or the instance's name if it is not one of PVE's.
std::string holder(const MdevInstance& instance) {
  auto owner = mdev_owner(instance.uuid);
  return owner ? "VM " + std::to_string(owner->vmid) : "`" + instance.uuid + "`";
}

void check_instance(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::no_instance>(facts, vm, [&](const Assignment& a, const Device& d) {
    std::uint32_t before = needed_before(facts, a, d);
    Diagnostic& f = out.at(
        a, HostpciKey::mdev,
        "`" + describe(d) + "` has no free instance of " + quoted_type(a) + (before ? " left for this line" : ""));
    show(f, d, "mdev_supported_types/" + std::string(mdev_type(a)) + "/available_instances",
         std::to_string(*find_type(d, mdev_type(a))->available));
    if (facts.host->mdevs)
      for (const MdevInstance& instance : *facts.host->mdevs)
        if (instance.parent == d.address) f.notes.push_back(holder(instance) + " holds one of `" + instance.type + "`");
    std::vector<std::string> free;
    for (const MdevType& t : *d.mdev_types)
      if (t.available.value_or(0) > 0) free.push_back("`" + t.type + "`");
    f.help.push_back(free.empty() ? "stop a VM that holds one"
                                  : "stop a VM that holds one, or take a smaller type: " + join(free, ", "));
  });
}

void check_leftover(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!facts.host->running || vm.running || vm.foreign || is_template(vm.next)) return;
  for (const Assignment& a : vm.assignments) {
    const MdevInstance* instance = a.is_mdev() ? own_instance(facts, a) : nullptr;
    if (!instance) continue;
    bool differs = !instance->type.empty() && instance->type != mdev_type(a);
    std::string path = "/sys/bus/mdev/devices/" + instance->uuid;
    Diagnostic& d = out.at(a, HostpciKey::mdev,
                           vm_label(*vm.vm) + " is stopped, and its mediated device is still there" +
                               (differs ? " with type `" + instance->type + "`" : ""));
    if (differs) d.severity = Severity::error;
    d.labels.push_back({Place(path), "of `" + instance->parent.str() + "`"});
    if (differs) d.notes.push_back("the VM would not start: \"already exists, but type is not\"");
    d.help.push_back("echo 1 > " + path + "/remove");
  }
}

/// The function of the slot that has mediated types, else the first.
const Device* function_with_types(const Facts& facts, const std::vector<PciAddress>& functions) {
  for (const PciAddress& address : functions)
    if (const Device* d = facts.device(address); d && ((d->mdev_types && !d->mdev_types->empty()) || d->nvidia_vgpu))
      return d;
  return functions.empty() ? nullptr : facts.device(functions.front());
}

void check_multifunction(const Facts& facts, const VmFacts& vm, Findings& out) {
  for (const Refusal& refusal : vm.refusals) {
    const Assignment* a = assignment_of(vm, refusal.index);
    if (!a || refusal.rule != "device-mdev-multifunction") continue;
    Diagnostic& d = out.at(*a, refusal.message);
    d.place = Place(vm.vm->source, refusal.span);
    const Device* one = a->resolved.choices.empty() ? nullptr : function_with_types(facts, a->resolved.choices.front());
    if (!one || a->parsed().hosts.size() != 1) continue;
    const HostElement& element = a->parsed().hosts.front();
    d.labels.push_back({Place(vm.vm->source, element.span), "means all functions of the slot"});
    std::string text = std::string(element.text) + one->address.str().substr(one->address.slot().size());
    d.fix = replace(vm, "name one function", element.span, text, Safety::safe);
    d.help.push_back("write `" + text + "`");
  }
}

void check_gvtg(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_failed<Verdict::gvtg_gone>(facts, vm, [&](const Assignment& a, const Device& d) {
    Diagnostic& f = out.at(a, HostpciKey::mdev, "`" + describe(d) + "` has no GVT-g: it ends with the 10th generation");
    f.help.push_back(d.sriov_totalvfs.value_or(0) > 0 ? "use its virtual functions (SR-IOV)"
                                                      : "use SR-IOV where the driver has it, or pass the whole device");
  });
}

constexpr Rule rules[] = {
    {
        .id = "device-mdev-unsupported",
        .severity = Severity::error,
        .summary = "mdev on a device without mediated devices",
        .why = "The driver that offers types is not loaded, the device is on vfio-pci, or it cannot do it at all.",
        .bad = "hostpci0: 0000:02:00.0,mdev=i915-GVTg_V5_4",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Load kvmgt or the vendor's driver, and keep the device off vfio-pci.",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI/Mdev.pm",
        .vm = check_unsupported,
    },
    {
        .id = "device-mdev-type-unknown",
        .severity = Severity::error,
        .summary = "the device does not offer this mediated type",
        .why = "Names of types change with driver, kernel and aperture size.",
        .bad = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_2",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Take one of those listed (`hostpci devices`).",
        .fixable = Fixable::assisted,
        .source = "qemu-server: PCI/Mdev.pm",
        .vm = check_type,
    },
    {
        .id = "device-mdev-no-instance",
        .severity = Severity::error,
        .summary = "no free instance of the mediated type",
        .why = "Types share the card's memory: each instance of one takes from all.",
        .bad = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\nhostpci1: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_8\nhostpci1: 0000:00:02.0,mdev=i915-GVTg_V5_8",
        .fix = "Stop a VM that holds one, or take a smaller type.",
        .fixable = Fixable::manual,
        .source = "qemu-server: PCI/Mdev.pm",
        .vm = check_instance,
    },
    {
        .id = "device-mdev-leftover",
        .severity = Severity::warning,
        .summary = "a mediated device of a stopped VM is still there",
        .why = "An unclean stop leaves it; with another type than the line asks for, the VM does not start.",
        .bad = "(stopped uncleanly)\nhostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Write 1 to its attribute remove.",
        .fixable = Fixable::manual,
        .source = "qemu-server: PCI/Mdev.pm, QemuServer.pm (cleanup_pci_devices)",
        .vm = check_leftover,
    },
    {
        .id = "device-mdev-multifunction",
        .severity = Severity::error,
        .summary = "mdev on an address that means several functions",
        .why = "Proxmox VE refuses a mediated device whose parent is more than one function.",
        .bad = "hostpci0: 0000:01:00,mdev=nvidia-63",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "Name the function.",
        .fixable = Fixable::automatic,
        .source = "qemu-server: PCI.pm",
        .vm = check_multifunction,
    },
    {
        .id = "device-gvtg-unsupported",
        .severity = Severity::error,
        .summary = "GVT-g on a processor that has none",
        .why = "The kernel knows GVT-g from Broadwell to Comet Lake (5th to 10th generation); later ones have SR-IOV "
               "or nothing.",
        .bad = "(an Alder Lake)\nhostpci0: 0000:4d:00.0,mdev=i915-GVTg_V5_4",
        .good = "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4",
        .fix = "SR-IOV from the 12th generation on, or the whole device.",
        .fixable = Fixable::manual,
        .source = "kernel: i915/intel_gvt.c (is_supported_device)",
        .vm = check_gvtg,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_mdev_rules = rules;

}  // namespace hostpci
