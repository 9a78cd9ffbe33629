// Rules about resets: devices that cannot be reset, cards that do not come back from one.
#include <algorithm>

#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The kernel offers no way to reset the function alone, known.
bool no_method(const Device& d) { return d.reset == false || (d.reset_method && d.reset_method->empty()); }

bool has_method(const Device& d, std::string_view method) {
  if (!d.reset_method) return false;
  std::vector<std::string_view> methods = words(*d.reset_method);
  return std::find(methods.begin(), methods.end(), method) != methods.end();
}

/// The VM has some device of that IOMMU group, and with it the group: that is what a reset of the bus asks for.
bool owns_group(const VmFacts& vm, Fact<int> group) {
  if (group.value_or(-1) < 0) return false;
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && d->group == group) return true;
  return false;
}

/// Endpoints of the device's bus whose groups the VM does not own: a reset of the bus, QEMU's last means, needs all of
/// them.
std::vector<const Device*> bus_mates(const Facts& facts, const VmFacts& vm, const Device& d) {
  std::vector<const Device*> others;
  for (const auto& [address, other] : facts.host->devices) {
    bool same_bus = address.domain == d.address.domain && address.bus == d.address.bus;
    if (same_bus && !is_any_bridge(other) && !other.is_vf() && !names(vm, address) && !owns_group(vm, other.group))
      others.push_back(&other);
  }
  return others;
}

/// Calls f for every whole device that PVE takes.
template <class F>
void each_device(const VmFacts& vm, F f) {
  for (const Assignment& a : vm.assignments)
    for (const Device* d : a.devices)
      if (takes(a) && !d->is_vf() && !is_any_bridge(*d)) f(a, *d);
}

void check_none(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_device(vm, [&](const Assignment& a, const Device& d) {
    bool bus_reset = d.address.bus != 0;  // below a port, QEMU resets the whole bus instead
    if (!no_method(d) || bus_reset) return;
    Diagnostic& f = at_device(out, facts, a, d, "`" + describe(d) + "` cannot be reset");
    show(f, d, "reset", "does not exist");
    f.notes.push_back("it keeps what the guest left in it: a second start, or giving it back to the host, may fail");
  });
}

/// Functions that other rules name already: audio and USB-C of a graphics card.
bool told_elsewhere(const Facts& facts, const Device& d, const Device& other) {
  PciAddress first = d.address;
  first.function = 0;
  const Device* card = facts.device(first);
  bool part = other.has_subclass(0x0403) || other.has_subclass(0x0c03) || other.has_subclass(0x0c80);
  return card && card->is_gpu() && part && d.address.same_slot(other.address);
}

bool only_bus_reset(const Device& d) {
  return d.flr != true && (no_method(d) || (d.reset_method && *d.reset_method == "bus"));
}

void check_bus(const Facts& facts, const VmFacts& vm, Findings& out) {
  std::vector<std::uint32_t> told;
  each_device(vm, [&](const Assignment& a, const Device& d) {
    std::uint32_t bus = d.address.domain << 8 | d.address.bus;
    if (d.address.bus == 0 || !only_bus_reset(d) || std::find(told.begin(), told.end(), bus) != told.end()) return;
    std::vector<const Device*> others = bus_mates(facts, vm, d);
    others.erase(std::remove_if(others.begin(), others.end(), [&](auto* o) { return told_elsewhere(facts, d, *o); }),
                 others.end());
    if (others.empty()) return;
    told.push_back(bus);
    Diagnostic& f = at_device(
        out, facts, a, d,
        "`" + describe(d) + "` can only be reset with its whole bus, and the VM does not have " + list(others));
    show(f, d, "reset_method", d.reset_method && !d.reset_method->empty() ? *d.reset_method : "none");
    f.help.push_back("pass all devices of the bus to this VM");
  });
}

struct Family {
  std::uint16_t first, last;
  std::string_view name;
};

/// AMD cards that vendor-reset knows. Source: vendor-reset, README and device table.
constexpr Family reset_bug[] = {
    {0x67c0, 0x67df, "Polaris 10"}, {0x67e0, 0x67ff, "Polaris 11"}, {0x6980, 0x699f, "Polaris 12"},
    {0x6860, 0x687f, "Vega 10"},    {0x66a0, 0x66af, "Vega 20"},    {0x7310, 0x731f, "Navi 10"},
    {0x7340, 0x734f, "Navi 14"},    {0x7360, 0x7362, "Navi 12"},
};
/// Processors with graphics that do not come back either, and that vendor-reset does not know.
constexpr Family apus[] = {
    {0x15dd, 0x15dd, "Raven"},     {0x15d8, 0x15d8, "Picasso"},  {0x1636, 0x1636, "Renoir"},
    {0x1638, 0x1638, "Cezanne"},   {0x164c, 0x164c, "Lucienne"}, {0x164e, 0x164e, "Raphael"},
    {0x1681, 0x1681, "Rembrandt"}, {0x15bf, 0x15bf, "Phoenix"},  {0x15e7, 0x15e7, "Barcelo"},
};

template <std::size_t n>
std::string_view family(const Device& d, const Family (&families)[n]) {
  if (!d.id || d.id->vendor != 0x1002 || !d.is_gpu()) return {};
  for (const Family& f : families)
    if (f.first <= d.id->device && d.id->device <= f.last) return f.name;
  return {};
}

bool has_module(const Host& host, std::string_view name) {
  return host.kernel.modules &&
         std::find(host.kernel.modules->begin(), host.kernel.modules->end(), name) != host.kernel.modules->end();
}

void check_amd(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_device(vm, [&](const Assignment& a, const Device& d) {
    std::string_view card = family(d, reset_bug), apu = family(d, apus);
    if ((card.empty() && apu.empty()) || !d.reset_method || has_method(d, "device_specific")) return;
    if (!card.empty() && has_module(*facts.host, "vendor_reset")) return;  // device-reset-method-stale
    Diagnostic& f = at_device(
        out, facts, a, d,
        "`" + describe(d) + "` (" + std::string(card.empty() ? apu : card) + ") may not come back from a reset");
    show(f, d, "reset_method", d.reset_method->empty() ? "empty" : *d.reset_method);
    f.notes.push_back("the first start works; after the VM stops, the card or the host may hang until a power cycle");
    if (card.empty()) f.severity = Severity::info;
    f.help.push_back(card.empty()
                         ? "in Windows guests RadeonResetBugFix switches it off before they stop"
                         : "install vendor-reset and its udev rule, which sets `reset_method` to `device_specific`");
  });
}

void check_stale(const Facts& facts, const VmFacts& vm, Findings& out) {
  if (!has_module(*facts.host, "vendor_reset") || !kernel_at_least(*facts.host, 5, 15).value_or(true)) return;
  each_device(vm, [&](const Assignment& a, const Device& d) {
    if (family(d, reset_bug).empty() || !d.reset_method) return;
    std::vector<std::string_view> methods = words(*d.reset_method);
    if (!methods.empty() && methods.front() == "device_specific") return;
    Diagnostic& f =
        at_device(out, facts, a, d, "vendor-reset is loaded, but the kernel does not use it for `" + describe(d) + "`");
    show(f, d, "reset_method", methods.empty() ? "empty" : *d.reset_method);
    f.help.push_back("a udev rule has to write `device_specific` to it at boot: the project has one");
  });
}

void check_stuck(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_device(vm, [&](const Assignment& a, const Device& d) {
    bool dead = d.id == PciId{0xffff, 0xffff}, cold = d.power_state == "D3cold";
    if (!dead && !(cold && on_vfio(d))) return;
    Diagnostic& f =
        at_device(out, facts, a, d,
                  dead ? "`" + d.address.str() + "` does not answer: it reads all ones"
                       : "`" + describe(d) + "` is switched off (D3cold)" + (vm.running ? " while the VM runs" : ""));
    if (!dead && !vm.running) {
      f.severity = Severity::info;
      f.notes.push_back(
          "that is normal for an idle device where the board can cut its power; \"stuck in D3\" at the start means it "
          "is lost");
    }
    show(f, d, "power_state", d.power_state.value_or("unknown"));
    f.help.push_back(
        "if it stays dead, only a cold boot revives it; then `options vfio-pci disable_idle_d3=1` and `d3cold_allowed` "
        "0");
  });
}

void check_cardwide(const Facts& facts, const VmFacts& vm, Findings& out) {
  each_device(vm, [&](const Assignment& a, const Device& d) {
    bool blackwell = d.is_gpu() && d.id && d.id->vendor == 0x10de && d.id->device >= 0x2b80 && d.id->device <= 0x2fff;
    if (!blackwell) return;
    Diagnostic& f =
        at_device(out, facts, a, d, "cards like `" + describe(d) + "` were reported not to come back from a reset");
    f.help.push_back(
        "keep the card's firmware and the kernel up to date; \"not ready after FLR\" in the log is the sign");
  });
}

constexpr Rule rules[] = {
    {
        .id = "device-no-reset",
        .severity = Severity::warning,
        .summary = "the device cannot be reset",
        .why = "A device without any reset keeps the guest's state. The first start works, the second may not.",
        .bad = "(on the root bus, without a reset)\nhostpci0: 0000:00:1a.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Prefer a device with FLR; reboot the host between uses.",
        .fixable = Fixable::manual,
        .source = "qemu-server: PCI.pm (prepare_pci_device); kernel: drivers/pci/pci.c",
        .vm = check_none,
    },
    {
        .id = "device-reset-bus-not-owned",
        .severity = Severity::warning,
        .summary = "only a bus reset is left, and the VM does not have all of the bus",
        .why = "QEMU resets the bus only if the VM owns every device on it: \"depends on group which is not owned\".",
        .bad = "(one of two ports, without FLR)\nhostpci0: 0000:43:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Pass all functions.",
        .fixable = Fixable::assisted,
        .source = "qemu: hw/vfio/pci.c (vfio_pci_hot_reset)",
        .vm = check_bus,
    },
    {
        .id = "device-amd-reset-bug",
        .severity = Severity::warning,
        .summary = "an AMD graphics card that does not come back from a reset",
        .why =
            "Polaris, Vega and the first Navi cards survive no bus reset: the second start fails, or the host hangs.",
        .bad = "(an RX 580)\nhostpci0: 0000:49:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "vendor-reset with its udev rule; RadeonResetBugFix in Windows for processors with graphics.",
        .fixable = Fixable::assisted,
        .source = "vendor-reset#46, #72, #80",
        .vm = check_amd,
    },
    {
        .id = "device-reset-method-stale",
        .severity = Severity::warning,
        .summary = "vendor-reset is loaded and not used",
        .why = "Since kernel 5.15 the reset method is chosen by reset_method, whose default still is the bus reset.",
        .bad = "(vendor_reset is loaded)\nhostpci0: 0000:49:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Install the project's udev rule.",
        .fixable = Fixable::assisted,
        .source = "vendor-reset#46, #80",
        .vm = check_stale,
    },
    {
        .id = "device-stuck-d3",
        .severity = Severity::error,
        .summary = "the device does not answer",
        .why = "After a failed reset or a lost wake-up a device reads all ones; QEMU says \"stuck in D3\".",
        .bad = "(reads all ones)\nhostpci0: 0000:4f:00.0",
        .good = "hostpci0: 0000:01:00",
        .fix = "Cold boot; then disable_idle_d3=1, and 0 in d3cold_allowed by a udev rule.",
        .fixable = Fixable::assisted,
        .source = "kernel: vfio_pci_core.c; vendor-reset#76",
        .vm = check_stuck,
    },
    {
        .id = "device-gpu-reset-cardwide",
        .severity = Severity::info,
        .summary = "a card of a generation that was reported to hang after resets",
        .why = "Cards of the RTX 50 series were reported in 2025 to hang the host when a VM stops: \"not ready after "
               "FLR\".",
        .bad = "(an RTX 5080)\nhostpci0: 0000:47:00",
        .good = "hostpci0: 0000:01:00",
        .fix = "Update the card's firmware and the kernel.",
        .fixable = Fixable::manual,
        .source = "NVIDIA/open-gpu-kernel-modules#853",
        .vm = check_cardwide,
    },
};
static_assert(well_formed(rules));

}  // namespace

const std::span<const Rule> device_reset_rules = rules;

}  // namespace hostpci
