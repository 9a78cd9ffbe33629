// Rules about what passthrough needed before VFIO: pci-stub, and the menu of GRUB 1.
#include <algorithm>

#include "rules/setup.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

void label_stubs(const Facts& facts, Diagnostic& d) {
  for (const auto& [address, device] : facts.host->devices)
    if (device.driver == "pci-stub")
      d.labels.push_back({Place(device_path(address, "driver")), describe(device) + ": pci-stub"});
}

void pci_stub(const Facts& facts, Findings& findings) {
  auto ids = module_parameter(facts, "pci_stub", "ids", false);
  if (!ids || ids->value.empty()) return;
  Diagnostic& d = findings.add(ids->place, "pci-stub only keeps `" + ids->value + "` from other drivers: it is not VFIO");
  label_stubs(facts, d);
  d.notes.emplace_back("Proxmox VE takes the devices from it and binds them to vfio-pci when the VM starts");
  d.help.push_back("let vfio-pci have them at boot: `options vfio-pci ids=" + ids->value + "` in /etc/modprobe.d/vfio.conf");
}

constexpr std::string_view old_menus[] = {"/boot/grub/grub.conf", "/boot/grub/menu.lst"};

/// Passthrough arguments of the `kernel` lines of GRUB 1's menu that the running kernel does not have.
std::vector<KernelArgument> stray_arguments(const Facts& facts, const SourcePtr& menu) {
  std::vector<KernelArgument> known = running_arguments(facts), stray;
  if (const auto* next = next_arguments(facts))
    for (const ConfiguredArgument& c : *next) known.push_back(c.argument);
  for (std::size_t at = 0; at < menu->text.size(); at = menu->line_at(std::uint32_t(at)).end + std::size_t(1)) {
    Span line = menu->line_at(std::uint32_t(at));
    std::string_view text = slice(menu->text, line);
    if (auto parts = words(text); parts.empty() || parts[0] != "kernel") continue;
    for (const KernelArgument& a : parse_kernel_command_line(text, line.begin))
      if (is_passthrough_parameter(a.name) && !contains(known, a)) known.push_back(a), stray.push_back(a);
  }
  return stray;
}

std::string joined(const std::vector<KernelArgument>& arguments) {
  std::string text;
  for (const KernelArgument& a : arguments) text += (text.empty() ? "" : " ") + std::string(a.text);
  return text;
}

void old_grub_menu(const Facts& facts, Findings& findings) {
  if (facts.bootloader == Bootloader::unknown || !facts.host->kernel.command_line) return;
  for (std::string_view path : old_menus) {
    const std::string* text = facts.host->file(std::string(path));
    if (!text) continue;
    SourcePtr menu = make_source(std::string(path), *text);
    std::vector<KernelArgument> stray = stray_arguments(facts, menu);
    if (stray.empty()) continue;
    Diagnostic& d = findings.add(Place(menu, stray.front().span),
                                 "`" + joined(stray) + "` has no effect here: " + std::string(path) + " was GRUB 1's menu");
    d.notes.push_back(facts.bootloader_evidence);
    label_end(d, facts, "this is what the boot loader reads");
    d.help.push_back("put what is still needed into " + next_file(facts) + ", " + refresh_help(facts));
  }
}

constexpr Rule table[] = {
    {.id = "setup-pci-stub",
     .severity = Severity::info,
     .summary = "devices are held by pci-stub, which passthrough no longer uses",
     .why = "pci-stub kept devices free for the assignment that KVM itself did; Linux dropped that in 4.12. VFIO works "
            "with vfio-pci, which also lets idle devices sleep and resets them.",
     .bad = "# /etc/default/grub\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet pci-stub.ids=8086:1521\"\n",
     .good = "# /etc/modprobe.d/vfio.conf\noptions vfio-pci ids=8086:1521\n",
     .fix = "write `options vfio-pci ids=` instead, or nothing: Proxmox VE binds the device itself",
     .fixable = Fixable::assisted,
     .source = "linux drivers/pci/pci-stub.c, \"KVM: x86: drop legacy device assignment\" (4.12); qemu-server PCI.pm",
     .host = pci_stub},
    {.id = "setup-grub-old-menu",
     .severity = Severity::warning,
     .summary = "kernel parameters stand in the menu of GRUB 1",
     .why = "GRUB 2 reads /boot/grub/grub.cfg, which update-grub makes of /etc/default/grub; systemd-boot has entries of "
            "its own. Both pass over /boot/grub/grub.conf and menu.lst, which guides of before 2013 edit.",
     .bad = "# /boot/grub/grub.conf\ntitle Debian\nkernel /vmlinuz ro root=/dev/sda1 pcie_acs_override=downstream\n",
     .good = "# /boot/grub/grub.conf\ntitle Debian\nkernel /vmlinuz ro root=/dev/sda1 quiet\n",
     .fix = "put the parameters into /etc/default/grub or /etc/kernel/cmdline, and refresh the boot entries",
     .fixable = Fixable::assisted,
     .source = "GRUB's manual, \"Differences from previous versions\"",
     .host = old_grub_menu},
};
static_assert(well_formed(table));

}  // namespace

const std::span<const Rule> setup_legacy_rules = table;

}  // namespace hostpci
