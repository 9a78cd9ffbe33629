// Rules about what the kernel logged since boot: devices that did not come back, faults, reserved memory, ROMs that
// cannot be read.
#include <algorithm>

#include "rules/device.hpp"
#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string log_path(const Facts& facts) { return facts.host->kernel.log_file.value_or("/dev/kmsg"); }

bool is_address_part(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; }

/// The word stands there whole, not as a part of a longer address.
bool has_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != line.npos; at = line.find(word, at + 1)) {
    std::size_t end = at + word.size();
    // "vfio-pci 0000:01:00.0: text": a colon ends it too
    bool ends = end == line.size() || !is_address_part(line[end]) ||
                (line[end] == ':' && (end + 1 == line.size() || line[end + 1] == ' '));
    if ((at == 0 || !is_address_part(line[at - 1])) && ends) return true;
  }
  return false;
}

/// The kernel writes "0000:01:00.0"; the IOMMU's drivers "01:00.0" in the first domain too.
bool is_about(std::string_view line, const PciAddress& address) {
  std::string name = address.str();
  return has_word(line, name) || (address.domain == 0 && has_word(line, std::string_view(name).substr(5)));
}

/// Lines about the device that hold the text.
std::vector<std::string_view> lines_about(const Facts& facts, const PciAddress& address, std::string_view text) {
  std::vector<std::string_view> found;
  if (!facts.host->kernel.log) return found;
  for (const std::string& line : *facts.host->kernel.log)
    if (line.find(text) != line.npos && is_about(line, address)) found.push_back(line);
  return found;
}

void show_line(const Facts& facts, Diagnostic& d, std::string_view line) {
  d.labels.push_back({Place(log_path(facts)), "`" + std::string(line) + "`"});
}

template <class F>
void each_taken(const Facts& facts, const VmFacts& vm, F f) {
  if (!facts.host->kernel.log) return;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && !is_any_bridge(*d)) f(a, *d);
}

/// A card with a ROM of its own whose contents the guest would need: a graphics card that the host did not boot with.
bool needs_its_rom(const Assignment& a, const Device& d) {
  bool given = a.parsed().has(HostpciKey::romfile) || !a.parsed().flag(HostpciKey::rombar, true);
  return d.is_gpu() && !d.is_vf() && d.rom == true && d.boot_vga == false && !given;
}

void check_rom(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_taken(facts, vm, [&](const Assignment& a, const Device& d) {
    auto lines = needs_its_rom(a, d) ? lines_about(facts, d.address, "Invalid PCI ROM header signature")
                                     : std::vector<std::string_view>();
    if (lines.empty() || !lines.back().starts_with("vfio-pci ")) return;
    Diagnostic& f = at_device(out, facts, a, d, "the ROM of `" + describe(d) + "` cannot be read");
    show_line(facts, f, lines.back());
    f.notes.emplace_back("without it the guest's firmware shows no picture on the card");
    f.help.emplace_back(
        "give it a copy of the card's ROM (`romfile=`), or `rombar=0` if the guest's driver does without");
  });
}

void check_rmrr(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_taken(facts, vm, [&](const Assignment& a, const Device& d) {
    auto lines = lines_about(facts, d.address, "platform RMRR requirement");
    if (lines.empty()) lines = lines_about(facts, d.address, "requested this device have a 1:1 IOMMU mapping");
    if (lines.empty()) return;
    Diagnostic& f = at_device(
        out, facts, a, d, "the firmware keeps `" + describe(d) + "` for itself: the kernel does not let a VM have it");
    show_line(facts, f, lines.back());
    f.help.emplace_back(
        "take the slot out of the firmware's reserved memory (HPE: `conrep`, RMRDS), or boot Proxmox's kernel with "
        "`intel_iommu=on,relax_rmrr`");
  });
}

/// A few faults while a VM starts are normal.
constexpr std::size_t many_faults = 10;

void check_faults(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_taken(facts, vm, [&](const Assignment& a, const Device& d) {
    std::vector<std::string_view> lines;
    for (std::string_view kind : {"DMAR: [DMA ", "AMD-Vi: Event logged ["}) {
      auto more = lines_about(facts, d.address, kind);
      lines.insert(lines.end(), more.begin(), more.end());
    }
    if (lines.size() < many_faults) return;
    Diagnostic& f = at_device(out, facts, a, d, "the IOMMU logged faults of `" + describe(d) + "` again and again");
    show_line(facts, f, lines.back());
    f.notes.emplace_back(
        "the device reaches for memory that it was not given: a wrong identity behind a bridge, a failed reset, or a "
        "driver of the "
        "host that was still at work");
    f.help.emplace_back(
        "look whether it can be reset (`hostpci devices`); some SATA and PCI cards never work behind an IOMMU");
  });
}

/// What a line means, and the rule that knows more.
struct Trouble {
  std::string_view text, meaning, rule;
};
constexpr Trouble troubles[] = {
    {"; giving up", "did not come back from a reset", "device-no-reset"},
    {"can't reserve [", "has a BAR that something else holds", "device-bootfb-claims-bar"},
    {"device inaccessible", "did not wake up", "device-stuck-d3"},
    {"AER: Uncorrect", "reported an error on the bus", "device-gpu-reset-cardwide"},
};

bool lost_power(std::string_view line) { return line.find("from D3cold to D0") != line.npos; }

/// The option that keeps idle devices awake is set or running.
bool kept_awake(const Facts& facts) {
  const auto& parameters = facts.host->kernel.parameters;
  bool runs =
      parameters && parameters->count("vfio_pci.disable_idle_d3") && parameters->at("vfio_pci.disable_idle_d3") == "Y";
  return runs || vfio_option(facts, "disable_idle_d3");
}

bool sleeps_deeply(const Device& d) { return d.is_gpu() || d.has_subclass(0x0108); }

void check_trouble(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_taken(facts, vm, [&](const Assignment& a, const Device& d) {
    for (const Trouble& trouble : troubles) {
      auto lines = lines_about(facts, d.address, trouble.text);
      if (lines.empty() || (lost_power(lines.back()) && sleeps_deeply(d) && !kept_awake(facts))) continue;
      Diagnostic& f = at_device(out, facts, a, d,
                                "`" + describe(d) + "` " + std::string(trouble.meaning) + ", says the kernel's log");
      show_line(facts, f, lines.back());
      f.help.push_back("`hostpci explain " + std::string(trouble.rule) + "` tells more");
    }
  });
}

/// Where vfio-pci gets its options, if it gets any.
std::optional<Place> options_place(const Facts& facts) {
  for (const PlacedDirective& placed : facts.boot->directives(DirectiveKind::options, "vfio_pci"))
    if (placed.source->path.starts_with("/etc/modprobe.d/")) return Place(placed.source, placed.directive->module.span);
  SourcePtr file = facts.boot->source("/etc/modprobe.d/vfio.conf");
  return file ? std::optional(Place(file, file->line_at(0))) : std::nullopt;
}

void check_idle(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_taken(facts, vm, [&](const Assignment& a, const Device& d) {
    auto lines =
        sleeps_deeply(d) ? lines_about(facts, d.address, "device inaccessible") : std::vector<std::string_view>();
    if (lines.empty() || !lost_power(lines.back()) || kept_awake(facts)) return;
    Diagnostic& f = at_device(out, facts, a, d, "`" + describe(d) + "` fell into a sleep from which it did not wake");
    show_line(facts, f, lines.back());
    std::vector<FileEdit> edits;
    if (auto place = options_place(facts)) {
      f.labels.push_back({*place, "vfio-pci's options"});
      edits.push_back(append_line(place->source, "options vfio-pci disable_idle_d3=1"));
    }
    f.notes.emplace_back("without the option idle devices sleep; awake they draw more power");
    mend(f, "add `options vfio-pci disable_idle_d3=1` to a file of /etc/modprobe.d, " + initramfs_help(facts), Safety::safe,
         std::move(edits));
  });
}

void check_false_positive(const Facts& facts, Findings& out) {
  const Kernel& kernel = facts.host->kernel;
  if (!kernel.log || !kernel.iommus || !kernel.iommus->empty() || !uses_passthrough(facts)) return;
  for (const std::string& line : *kernel.log) {
    if (line.find("DMAR: IOMMU enabled") == line.npos) continue;
    Diagnostic& d = out.add(Place(log_path(facts)), "the log says `DMAR: IOMMU enabled`, but no IOMMU is active");
    d.labels.push_back({Place("/sys/class/iommu"), "empty"});
    d.notes.emplace_back("the kernel writes the line when it reads `intel_iommu=on`, before it looks for the hardware");
    return;
  }
}

constexpr Rule rules[] = {
    {
        .id = "device-rom-unreadable",
        .severity = Severity::warning,
        .summary = "the card's option ROM cannot be read",
        .why = "Some cards show no ROM once a driver has used them, and some AMD cards never do; the guest's firmware "
               "then has no picture.",
        .bad = "# /dev/kmsg\nvfio-pci 0000:01:00.0: Invalid PCI ROM header signature: expecting 0xaa55, got 0xffff\n# "
               "/etc/pve/qemu-server/100.conf\nhostpci0: 0000:01:00\n",
        .good = "# /dev/kmsg\nvfio-pci 0000:01:00.0: Invalid PCI ROM header signature: expecting 0xaa55, got 0xffff\n# "
                "/etc/pve/qemu-server/100.conf\nhostpci0: 0000:01:00,romfile=gtx1080.rom\n",
        .fix = "romfile= with a copy of the card's ROM; rombar=0 where the guest's driver does without.",
        .fixable = Fixable::assisted,
        .source = "kernel: drivers/pci/rom.c; qemu: hw/vfio/pci.c",
        .vm = check_rom,
    },
    {
        .id = "host-rmrr",
        .severity = Severity::error,
        .summary = "the firmware reserves memory for the device",
        .why = "Some servers keep cards under their own management (RMRR). The kernel refuses to give such a device to "
               "a VM: \"failed to set iommu for "
               "container\".",
        .bad = "# /dev/kmsg\nvfio-pci 0000:01:00.0: DMAR: Device is ineligible for IOMMU domain attach due to platform "
               "RMRR requirement.  Contact your "
               "platform vendor.\n",
        .good = "hostpci0: 0000:01:00",
        .fix = "Take the slot out of the firmware's reserved memory, or boot with intel_iommu=on,relax_rmrr (Proxmox's "
               "kernels).",
        .fixable = Fixable::assisted,
        .source = "kernel: drivers/iommu/intel/iommu.c, drivers/iommu/iommu.c; pve-kernel (relax_rmrr)",
        .vm = check_rmrr,
    },
    {
        .id = "host-dma-faults",
        .severity = Severity::warning,
        .summary = "the IOMMU logged many faults of the device",
        .why = "The device reaches for memory outside of what the VM was given. A few lines when a VM starts are "
               "normal, many are not.",
        .bad = "(ten lines like `DMAR: [DMA Read] Request device [01:00.0] fault addr 0xfffff000` in the kernel's log)",
        .good = "# /dev/kmsg\nDMAR: [DMA Read] Request device [01:00.0] fault addr 0xfffff000 [fault reason 0x06] PTE "
                "Read access is not set\n",
        .fix = "See the rules about resets; some cards never work behind an IOMMU.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/iommu/intel/dmar.c, drivers/iommu/amd/iommu.c; qemu: docs/igd-assign.txt",
        .vm = check_faults,
    },
    {
        .id = "host-reset-kernel-log",
        .severity = Severity::info,
        .summary = "the kernel logged trouble with a device that a VM takes",
        .why = "What failed since boot is in the log: resets, wake-ups, BARs, errors on the bus.",
        .bad = "# /dev/kmsg\nvfio-pci 0000:01:00.0: not ready 65535ms after bus reset; giving up\n",
        .good = "# /dev/kmsg\nvfio-pci 0000:04:00.0: not ready 65535ms after bus reset; giving up\n",
        .fix = "See the rule that the finding names.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/pci/pci.c, drivers/pci/setup-res.c, drivers/pci/pcie/aer.c",
        .vm = check_trouble,
    },
    {
        .id = "host-iommu-false-positive",
        .severity = Severity::info,
        .summary = "the log says that the IOMMU is enabled, and it is not",
        .why = "`DMAR: IOMMU enabled` is printed when the kernel reads intel_iommu=on, even on AMD or with VT-d off in "
               "the firmware; and it is missing "
               "where a kernel enables VT-d by itself.",
        .bad = "# /dev/kmsg\nDMAR: IOMMU enabled\n# /sys/class/iommu\n",
        .good = "# /dev/kmsg\nDMAR: IOMMU enabled\n",
        .fix = "Trust /sys/class/iommu and the IOMMU groups, not the line.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/iommu/intel/iommu.c (intel_iommu_setup)",
        .host = check_false_positive,
    },
    {
        .id = "setup-disable-idle-d3",
        .severity = Severity::info,
        .summary = "an idle device did not wake up, and nothing keeps it awake",
        .why =
            "vfio-pci lets devices that no VM uses sleep (D3cold). Some graphics cards and drives do not wake from it.",
        .bad =
            "# /dev/kmsg\nvfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, device inaccessible\n",
        .good = "# /dev/kmsg\nvfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, device "
                "inaccessible\n# "
                "/etc/modprobe.d/vfio.conf\noptions vfio-pci disable_idle_d3=1\n",
        .fix = "options vfio-pci disable_idle_d3=1.",
        .fixable = Fixable::automatic,
        .source = "kernel: drivers/vfio/pci/vfio_pci.c",
        .vm = check_idle,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> kernel_log_rules = rules;

}  // namespace hostpci
