// Rules about what the host cannot give or translate: huge pages, address bits, resized BARs, conventional PCI.
#include <algorithm>
#include <set>

#include "grammar/property_string.hpp"
#include "rules/device.hpp"
#include "rules/refused.hpp"
#include "rules/versions.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

// Huge pages ---------------------------------------------------------------------------------------------------------

void check_hugepages(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Fact<std::uint32_t>& free = facts.host->kernel.free_gib_pages;
  if (vm.next.text("hugepages") != "1024" || !free || vm.running || vm.foreign || is_template(vm.next)) return;
  std::uint64_t need = (memory_mib(vm.next) + 1023) / 1024;
  if (need <= *free) return;
  Diagnostic& d = out.at_key("hugepages", "the VM needs " + count(need, "huge page") + " of 1 GiB, the host has " +
                                              std::to_string(*free) + " free");
  d.labels.push_back({Place("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages"), std::to_string(*free)});
  d.notes.emplace_back(
      "Proxmox VE tries to make them when the VM starts; on a node that has run for a while that seldom succeeds");
  d.help.push_back("reserve them at boot: `hugepagesz=1G hugepages=" + std::to_string(need) +
                   "`, or more for other VMs");
}

// Address bits -------------------------------------------------------------------------------------------------------

/// The guest sees as many address bits as the processor has.
bool shows_all_bits(std::string_view cpu) {
  const PropertyString parsed = parse_property_string(cpu);
  const Property *type = parsed.find("cputype", "cputype"), *bits = parsed.find("phys-bits"),
                 *guest = parsed.find("guest-phys-bits");
  if (guest) return false;
  return bits ? bits->value == "host" : type && type->value == "host";
}

void check_bits(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Kernel& kernel = facts.host->kernel;
  std::string cpu(vm.next.text("cpu"));
  if (!kernel.iommu_bits || !kernel.phys_bits || *kernel.iommu_bits >= *kernel.phys_bits || !is_ovmf(vm.next) ||
      !shows_all_bits(cpu))
    return;
  auto whole = [](const Assignment& a) { return takes(a) && a.first; };
  if (std::none_of(vm.assignments.begin(), vm.assignments.end(), whole) ||
      vm.next.text("args").find("phys-bits") != std::string_view::npos)
    return;
  std::string bits = std::to_string(*kernel.iommu_bits);
  Diagnostic& d = out.at_key(
      "cpu", "the guest sees " + std::to_string(*kernel.phys_bits) + " address bits, the IOMMU translates " + bits);
  d.labels.push_back({Place("/sys/class/iommu"), bits + " bits"});
  d.notes.emplace_back(
      "OVMF puts large BARs above what the IOMMU reaches: `VFIO_MAP_DMA failed: Invalid argument`; only transfers from "
      "device to "
      "device fail, mostly it is noise");
  std::string option = at_least(*facts.host, "qemu-server", "9.0.18") ? "guest-phys-bits" : "phys-bits";
  if (option == "phys-bits" && cpu.find("phys-bits") != cpu.npos) return d.help.push_back("`phys-bits=" + bits + "`");
  d.fix = fix_value(vm, "`" + option + "=" + bits + "`", "cpu", cpu + "," + option + "=" + bits, Safety::unsafe);
}

// Resizable BARs -----------------------------------------------------------------------------------------------------

std::uint64_t largest_bar(const Device& d) {
  std::uint64_t largest = 0;
  if (!d.bars) return 0;
  for (std::size_t i = 0; i < d.bars->size() && i < 6; ++i) largest = std::max(largest, (*d.bars)[i].size());
  return largest;
}

void check_resized(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (vm.next.text("ostype") == "l26" || vm.next.text("ostype") == "l24") return;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      bool amd = d->id && d->id->vendor == 0x1002;  // NVIDIA's and Intel's drivers want large BARs
      if (!takes(a) || !amd || !d->is_gpu() || d->resizable != true || largest_bar(*d) <= 256u << 20) continue;
      Diagnostic& f = at_device(out, facts, a, *d,
                                "`" + describe(*d) + "` has a BAR of " + std::to_string(largest_bar(*d) >> 20) +
                                    " MiB, made larger by the firmware");
      show(f, *d, "resource", "Resizable BAR is on");
      f.notes.emplace_back("some drivers fail with it in a guest: Code 43, a black screen");
      f.help.emplace_back(
          "if it does not work, switch Resizable BAR off in the firmware, or shrink the BAR before the VM starts "
          "(resourceN_resize)");
    }
}

// Conventional PCI ---------------------------------------------------------------------------------------------------

/// The bridge below which the device stands, if it leads from PCI Express to conventional PCI. The kernel's pcieport
/// takes root ports and switches only: what an emulator puts right behind those shares no conventional bus.
const Device* legacy_bridge(const Host& host, const Device& d) {
  const Device* below = &d;
  for (int depth = 0; depth < 16 && below->express == false && below->parent; ++depth) {
    const Device* bridge = host.find(*below->parent);
    if (!bridge) return nullptr;
    if (bridge->driver == "pcieport") return nullptr;
    if (bridge->express == true) return bridge;
    below = bridge;
  }
  return nullptr;
}

void check_legacy(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::set<const Device*> told;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices) {
      if (!takes(a) || is_any_bridge(*d)) continue;
      const Device* bridge = legacy_bridge(*facts.host, *d);
      if (!bridge || !told.insert(bridge).second) continue;
      std::vector<const Device*> others;
      for (const auto& [address, other] : facts.host->devices)
        if (!is_any_bridge(other) && !names(vm, address) && legacy_bridge(*facts.host, other) == bridge)
          others.push_back(&other);
      if (others.empty()) continue;
      Diagnostic& f = at_device(out, facts, a, *d,
                                "`" + describe(*d) + "` stands behind the PCI bridge `" + bridge->address.str() +
                                    "` together with " + list(others));
      show(f, *bridge, {}, "from PCI Express to conventional PCI");
      f.notes.emplace_back("to the IOMMU all of them are one device, and they often share an interrupt line");
      f.help.emplace_back("pass all of them to this VM, or use a PCI Express card");
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-hugepages-unavailable",
        .severity = Severity::warning,
        .summary = "the host has not enough huge pages of 1 GiB",
        .why = "Pages of 1 GiB have to be found in one piece. Memory that has been in use for a while has none: "
               "\"hugepage allocation failed\".",
        .bad = "# /sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages\n2\n# "
               "/etc/pve/qemu-server/100.conf\nmemory: 8192\nhugepages: 1024\nhostpci0: "
               "0000:01:00\n",
        .good = "# /sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages\n8\n# "
                "/etc/pve/qemu-server/100.conf\nmemory: 8192\nhugepages: 1024\nhostpci0: "
                "0000:01:00\n",
        .fix = "Reserve them on the kernel command line: hugepagesz=1G hugepages=N.",
        .fixable = Fixable::assisted,
        .source = "qemu-server Memory.pm (hugepages_allocate)",
        .vm = check_hugepages,
    },
    {
        .id = "device-physbits-iommu",
        .severity = Severity::info,
        .summary = "the guest sees more address bits than the IOMMU translates",
        .why = "With cpu: host, OVMF places 64-bit BARs by the processor's address width; IOMMUs of client processors "
               "often end at 39 bits, and "
               "mapping such a BAR fails. That is mostly noise in the log.",
        .bad = "(cpu: host with OVMF, 46 address bits in /proc/cpuinfo, 39 in the IOMMU's capabilities)",
        .good = "bios: ovmf\nefidisk0: local-lvm:vm-100-disk-0,size=4M\nmachine: q35\ncpu: host\nhostpci0: "
                "0000:01:00,pcie=1",
        .fix = "cpu: host,guest-phys-bits=39 (qemu-server 9.0.18 and later), or phys-bits=39.",
        .fixable = Fixable::assisted,
        .source = "qemu: docs/igd-assign.txt; kernel: drivers/iommu/intel (MGAW)",
        .vm = check_bits,
    },
    {
        .id = "device-rebar",
        .severity = Severity::info,
        .summary = "an AMD graphics card with Resizable BAR goes to a guest that may not cope with it",
        .why = "The firmware made the card's BAR as large as its memory. Some drivers outside Linux fail with that in "
               "a guest.",
        .bad = "(an AMD card with a BAR of 16 GiB in a Windows VM)",
        .good = "hostpci0: 0000:01:00",
        .fix = "If the card does not work, switch Resizable BAR off, or shrink the BAR by resourceN_resize before the "
               "VM starts.",
        .fixable = Fixable::assisted,
        .source =
            "Complete-Single-GPU-Passthrough#22; kernel: Documentation/ABI/testing/sysfs-bus-pci (resourceN_resize)",
        .vm = check_resized,
    },
    {
        .id = "device-legacy-pci-bridge",
        .severity = Severity::warning,
        .summary = "a conventional PCI card shares its bridge with other devices",
        .why = "Behind a bridge from PCI Express to PCI all cards use the bridge's identity: the IOMMU cannot tell "
               "them apart, and their interrupt "
               "lines are often shared.",
        .bad = "(one of two PCI cards behind a bridge)\nhostpci0: 0000:07:01.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Pass all of them, or use a PCI Express card.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/pci/search.c (pci_for_each_dma_alias)",
        .vm = check_legacy,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_limits_rules = rules;

}  // namespace hostpci
