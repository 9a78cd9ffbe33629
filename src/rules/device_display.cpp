// Rules about graphics cards: the host's own console, the firmware's framebuffer, functions that belong together,
// x-vga.
#include <algorithm>

#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_display(const Device& d) { return d.is_gpu() && !d.is_vf(); }

/// Calls f for every graphics card of the VM that PVE takes from the host.
template <class F>
void each_display(const VmFacts& vm, F f) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && is_display(*d)) f(a, *d);
}

struct Range {
  std::uint64_t start = 0, end = 0;
};

/// "c0000000-c07effff" -> its ends; nothing for zeros, which is what others than root are shown.
std::optional<Range> parse_range(std::string_view text) {
  text = trim(text.substr(0, text.find(" : ")));
  std::size_t dash = text.find('-');
  if (dash == text.npos) return {};
  auto start = number(text.substr(0, dash), 16), end = number(text.substr(dash + 1), 16);
  if (!start || !end || *end == 0) return {};
  return Range{*start, *end};
}

/// The BAR that holds the range, or -1.
int bar_around(const Device& d, const Range& range) {
  if (!d.bars) return -1;
  for (std::size_t i = 0; i < d.bars->size() && i < 6; ++i) {
    const Bar& bar = (*d.bars)[i];
    if (bar.size() && bar.start <= range.start && range.end <= bar.end) return int(i);
  }
  return -1;
}

/// The lines of /proc/iomem where a firmware framebuffer holds a range.
std::vector<std::string> framebuffers(const Kernel& kernel) {
  std::vector<std::string> lines;
  if (kernel.bootfb && !kernel.bootfb->empty()) lines.push_back(*kernel.bootfb);
  if (kernel.iomem)
    for (const auto& [range, owner] : *kernel.iomem)
      if (lines.empty() || lines.front() != range + " : " + owner) lines.push_back(range + " : " + owner);
  return lines;
}

/// vfio-pci evicts the framebuffer itself when it takes a VGA device: not yet done while the card is on no driver.
/// Source: kernel vfio_pci_core.c (vfio_pci_vga_init, aperture_remove_conflicting_pci_devices), 6.1.
bool will_be_evicted(const Facts& facts, const Device& d) {
  return d.has_subclass(0x0300) && !on_vfio(d) && kernel_at_least(*facts.host, 6, 1).value_or(false);
}

void check_bootfb(const Facts& facts, const VmFacts& vm, Findings& out) {
  const Kernel& kernel = facts.host->kernel;
  each_display(vm, [&](const Assignment& a, const Device& d) {
    if (!kernel.bootfb && d.boot_vga == true)
      return out.unknown("who holds the memory of " + d.address.str(), "/proc/iomem");
    for (const std::string& line : framebuffers(kernel)) {
      auto range = parse_range(line);
      int bar = range ? bar_around(d, *range) : -1;
      if (bar < 0) continue;
      Diagnostic& f =
          at_device(out, facts, a, d,
                    "the firmware's framebuffer still holds BAR " + std::to_string(bar) + " of `" + describe(d) + "`");
      f.labels.push_back({Place("/proc/iomem"), line});
      show(f, d, "resource", "BAR " + std::to_string(bar) + " lies around it");
      if (will_be_evicted(facts, d)) {
        f.severity = Severity::warning;
        f.notes.push_back("this kernel frees it when vfio-pci takes a VGA device; early binding makes sure of it");
      }
      f.help.push_back(
          "bind the card to vfio-pci at boot, or add `initcall_blacklist=sysfb_init` to the kernel command line");
      return;
    }
  });
}

void check_boot_vga(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_display(vm, [&](const Assignment& a, const Device& d) {
    if (d.boot_vga != true) return;
    Diagnostic& f = at_device(out, facts, a, d, "`" + describe(d) + "` is the host's boot display");
    if (on_vfio(d)) f.severity = Severity::info;  // bound early: the console was given up on purpose
    show(f, d, "boot_vga", "1, " + driver_text(d));
    f.notes.push_back(
        "the host's console freezes when the VM starts, and the ROM that the firmware shadowed may be altered");
    f.help.push_back("choose another primary display in the firmware, or give the card a `romfile`");
  });
}

bool has_serial_console(const Host& host) {
  if (!host.kernel.command_line) return false;
  for (std::string_view word : words(*host.kernel.command_line))
    if (word.substr(0, 11) == "console=tty" && word.size() > 11 && (word[11] < '0' || word[11] > '9')) return true;
  return false;
}

/// Some display is left to the host when every VM has taken its own.
bool display_left(const Facts& facts) {
  for (const auto& [address, d] : facts.host->devices) {
    if (!is_display(d)) continue;
    auto users = facts.users.find(address);
    if (users == facts.users.end()) return true;
    if (std::none_of(users->second.begin(), users->second.end(), [](const User& u) { return takes(*u.assignment); }))
      return true;
  }
  return false;
}

void check_only_gpu(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (display_left(facts) || has_serial_console(*facts.host)) return;
  each_display(vm, [&](const Assignment& a, const Device& d) {
    if (&d != a.first) return;
    Diagnostic& f = at_device(out, facts, a, d, "no display is left to the host beside `" + describe(d) + "`");
    if (on_vfio(d)) f.severity = Severity::info;
    f.help.push_back("keep a way in without it: IPMI, or a serial console (`console=ttyS0`)");
  });
}

bool is_audio(const Device& d) { return d.has_subclass(0x0403); }
bool is_usbc(const Device& d) { return d.has_subclass(0x0c03) || d.has_subclass(0x0c80); }

/// An APU shares its slot with the chipset's own devices, which are AMD's with another vendor id.
bool belongs_to(const Device& gpu, const Device& other) {
  return !gpu.id || !other.id || gpu.id->vendor != 0x1002 || other.id->vendor != 0x1022;
}

/// Functions of the card that its VM does not take.
std::vector<const Device*> forgotten(const Facts& facts, const VmFacts& vm, const Device& gpu,
                                     bool (*wanted)(const Device&)) {
  std::vector<const Device*> found;
  if (gpu.address.bus == 0) return found;
  for (const Device* s : siblings(*facts.host, gpu))
    if (belongs_to(gpu, *s) && wanted(*s) && !s->is_vf() && !names(vm, s->address)) found.push_back(s);
  return found;
}

/// All of the slot if nothing speaks against it, else the functions one by one.
std::optional<Fix> take_along(const Facts& facts, const Assignment& a, const Device& gpu,
                              const std::vector<const Device*>& more) {
  const HostElement* element = element_of(facts, a, gpu);
  if (!element || element->pattern.whole_slot) return {};
  bool whole = true;
  for (const Device* s : siblings(*facts.host, gpu))
    whole = whole && belongs_to(gpu, *s) && !s->is_vf() && !names(*a.owner, s->address);
  std::string text(element->text.substr(0, whole ? element->text.rfind('.') : element->text.size()));
  if (!whole)
    for (const Device* s : more) text += ";" + s->address.str();
  return replace(*a.owner, whole ? "pass the whole card" : "pass the function too", element->span, text);
}

/// In a group of its own and idle: the host's bus reset is all that is missing.
bool stays_apart(const Device& gpu, const Device& other) {
  return gpu.group && other.group && *gpu.group != *other.group && other.driver && !on_host_driver(other);
}

void check_forgotten(const Facts& facts, const VmFacts& vm, Findings& out, bool (*wanted)(const Device&),
                     const char* what) {
  each_display(vm, [&](const Assignment& a, const Device& gpu) {
    if (gpu.address.function != 0) return;
    std::vector<const Device*> missing = forgotten(facts, vm, gpu, wanted);
    if (missing.empty()) return;
    Diagnostic& f = at_device(out, facts, a, gpu,
                              "`" + gpu.address.str() + "` is passed without the card's " + what + " " + list(missing));
    for (const Device* s : missing)
      show(f, *s, {},
           driver_text(*s) + (s->group.value_or(-1) >= 0 ? ", IOMMU group " + std::to_string(*s->group) : ""));
    if (std::all_of(missing.begin(), missing.end(), [&](auto* s) { return stays_apart(gpu, *s); }))
      f.severity = Severity::info;
    f.fix = take_along(facts, a, gpu, missing);
    if (!f.fix) f.help.push_back("pass all functions of the card: `" + gpu.address.slot() + "`");
  });
}

void check_audio(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_forgotten(facts, vm, out, is_audio, "audio function");
}

void check_usbc(const Facts& facts, const VmFacts& vm, Findings& out) {
  check_forgotten(facts, vm, out, is_usbc, "USB-C function");
}

/// QEMU gets x-vga=on and needs the device's VGA region: SeaBIOS on x86 with a whole device.
bool wants_vga_region(const VmFacts& vm, const Assignment& a) {
  return a.first && !a.is_mdev() && !is_ovmf(vm.next) && !is_template(vm.next);
}

void check_not_vga(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Assignment& a : vm.assignments) {
    if (!wants_vga_region(vm, a) || !a.parsed().flag(HostpciKey::x_vga) || !a.first->class_code) continue;
    if (a.first->has_subclass(0x0300) && !a.first->is_vf()) continue;
    Diagnostic& d = out.at(a, HostpciKey::x_vga, "`x-vga` needs a VGA device, `" + describe(*a.first) + "` is none");
    show(d, *a.first, "class", a.first->is_vf() ? "a virtual function has no VGA registers" : "not 0x0300xx");
    d.fix = drop_property(a, HostpciKey::x_vga, Safety::unsafe);
  }
}

void check_disable_vga(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::optional<Place> option = vfio_option(facts, "disable_vga");
  if (!option) return;
  for (const Assignment& a : vm.assignments)
    for (HostpciKey key : {HostpciKey::x_vga, HostpciKey::legacy_igd}) {
      if (!wants_vga_region(vm, a) || !a.parsed().flag(key)) continue;
      Diagnostic& d =
          out.at(a, key, "`" + std::string(name(key)) + "` cannot work while vfio-pci has `disable_vga` set");
      d.labels.push_back({*option, "takes the VGA registers from every device that is passed"});
      d.help.push_back("remove `disable_vga`, run `update-initramfs -u -k all` and reboot");
    }
}

constexpr Rule rules[] = {
    {
        .id = "device-bootfb-claims-bar",
        .severity = Severity::error,
        .summary = "the firmware's framebuffer still holds memory of the graphics card",
        .why = "The console the firmware set up (simpledrm, efifb) reserves a range inside a BAR of the boot card. "
               "vfio-pci then says "
               "\"can't reserve\", and the guest's driver fails.",
        .bad = "(under the boot console)\nhostpci0: 0000:46:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Bind the card to vfio-pci at boot (kernel 6.1 and later then free it), or boot with "
               "initcall_blacklist=sysfb_init.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio_pci_core.c, drivers/firmware/sysfb.c",
        .vm = check_bootfb,
    },
    {
        .id = "device-boot-vga",
        .severity = Severity::warning,
        .summary = "the card is the host's boot display",
        .why = "Firmware console and shadowed ROM belong to this card: the host's console freezes, and the guest may "
               "see an altered ROM.",
        .bad = "hostpci0: 0000:00:02.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Choose another primary display in the firmware, or run the host headless: bind the card at boot and "
               "give it a romfile.",
        .fixable = Fixable::manual,
        .source = "kernel: drivers/firmware/sysfb.c; sysfs boot_vga",
        .vm = check_boot_vga,
    },
    {
        .id = "device-only-gpu",
        .severity = Severity::warning,
        .summary = "no display is left to the host",
        .why = "Without any display the host cannot be rescued at its own console when the network is gone.",
        .bad = "(with every other display passed as well)\nhostpci0: 0000:00:02.0\nhostpci1: 0000:01:00\nhostpci2: "
               "0000:46:00.0;0000:47:00.0;0000:48:00.0;0000:49:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Keep IPMI or a serial console, and know how to boot without binding the card.",
        .fixable = Fixable::manual,
        .source = "sysfs class",
        .vm = check_only_gpu,
    },
    {
        .id = "device-gpu-audio-missing",
        .severity = Severity::warning,
        .summary = "a graphics card is passed without its audio function",
        .why = "Guest drivers expect the whole card (Code 43), and the card can be reset only if the VM has all its "
               "functions.",
        .bad = "hostpci0: 0000:01:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Use the address without a function: it means all of them.",
        .fixable = Fixable::automatic,
        .source = "qemu: hw/vfio/pci.c (hot reset); vendor-reset#4",
        .vm = check_audio,
    },
    {
        .id = "device-gpu-usbc-missing",
        .severity = Severity::warning,
        .summary = "a graphics card is passed without its USB-C functions",
        .why = "Cards since Turing carry a USB controller and its UCSI function in the same IOMMU group: a reset pulls "
               "them from "
               "under the host.",
        .bad = "(with a USB-C port)\nhostpci0: 0000:47:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Use the address without a function.",
        .fixable = Fixable::automatic,
        .source = "qemu: hw/vfio/pci.c (hot reset); kubevirt#14024",
        .vm = check_usbc,
    },
    {
        .id = "device-xvga-not-vga",
        .severity = Severity::error,
        .summary = "x-vga on a device that is no VGA device",
        .why = "QEMU asks vfio for the VGA registers, which only class 0300 has: \"does not support requested feature "
               "x-vga\". "
               "With OVMF Proxmox VE does not pass x-vga on.",
        .bad = "hostpci0: 0000:02:00.0,x-vga=1",
        .good = "hostpci0: 0000:01:00,x-vga=1",
        .fix = "Remove x-vga.",
        .fixable = Fixable::automatic,
        .source = "qemu: hw/vfio/pci.c; kernel: vfio_pci_core.c (vfio_pci_is_vga)",
        .vm = check_not_vga,
    },
    {
        .id = "device-xvga-disable-vga",
        .severity = Severity::error,
        .summary = "x-vga or legacy-igd while vfio-pci has disable_vga set",
        .why = "disable_vga takes the VGA registers from all devices that are passed, and x-vga needs them.",
        .bad = "(options vfio-pci disable_vga=1)\nhostpci0: 0000:01:00,x-vga=1",
        .good = "hostpci0: 0000:01:00,x-vga=1",
        .fix = "Remove disable_vga=1, update the initramfs and reboot.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio_pci.c (vfio_vga_disabled)",
        .vm = check_disable_vga,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_display_rules = rules;

}  // namespace hostpci
