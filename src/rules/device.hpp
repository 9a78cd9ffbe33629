// What the rules about assigned devices share: which lines make PVE take a device from the host, and how devices are
// named and shown.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rule.hpp"

namespace hostpci {

/// `driver=keep`: PVE neither binds nor resets.
bool keeps_driver(const Assignment&);
/// PVE unbinds the line's functions, and all other endpoints of their groups, from host drivers when the VM starts: a
/// plain line. Mediated devices stay on their driver, and so do those of `driver=keep` and of templates. Source:
/// qemu-server PCI.pm (prepare_pci_device), pve-common SysFSTools.pm (pci_dev_group_bind_to_vfio).
bool takes(const Assignment&);

/// Bridges of every kind: VFIO does not count them.
bool is_any_bridge(const Device&);
/// vfio-pci or a variant driver (mlx5_vfio_pci, xe-vfio-pci), known.
bool on_vfio(const Device&);
/// A driver is bound that is neither of VFIO nor pci-stub, known.
bool on_host_driver(const Device&);
/// "driver `nouveau`", "no driver", "unknown driver".
std::string driver_text(const Device&);
/// "disk sda (/boot)", "bridge port eno1 (vmbr0)": what the host uses it for.
std::string use_text(const Use&);
/// Kernel release of the host against "6.1": nothing if unknown.
std::optional<bool> kernel_at_least(const Host&, int major, int minor);

/// The VM's line with that index, or nothing.
const Assignment* assignment_of(const VmFacts&, int index);
/// One use of the host that is gone with a line, and the device that carries it.
struct HostLoss {
  const Assignment* assignment;
  const Device* named;    ///< the device that the line names
  const Device* carrier;  ///< the same, or another member of its group
  const Use* use = nullptr;
};
/// What a VM takes from the host: what its lines name and, through the group, members it does not name. Without uses;
/// not what VFIO holds already.
std::vector<HostLoss> taken_devices(const Facts&, const VmFacts&);
/// A device's own uses and, through its group, those of members the VM does not name. What vfio-pci holds already is
/// lost already.
std::vector<HostLoss> host_losses(const Facts&, const VmFacts&);

/// The VM names this function in any of its lines.
bool names(const VmFacts&, const PciAddress&);
/// Endpoints of the group that the VM does not name, in address order.
std::vector<const Device*> other_members(const Facts&, const VmFacts&, int group);
/// Functions of the same slot, without the device itself.
std::vector<const Device*> siblings(const Host&, const Device&);
/// "`a`, `b` and `c`", devices as describe() has them.
std::string list(const std::vector<const Device*>&);

/// A boolean option of vfio-pci that is on: where the last modprobe.d line that counts sets it, or the running command
/// line.
std::optional<Place> vfio_option(const Facts&, std::string_view option);

/// A label on the attribute that was read.
void show(Diagnostic&, const Device&, std::string_view attribute, std::string message);
/// The host element that the device came by, or nothing (mapping, or the device is not of this line).
const HostElement* element_of(const Facts&, const Assignment&, const Device&);
/// The place of that element; of the mapping or the whole value if there is none.
Place element_place(const Facts&, const Assignment&, const Device&);
/// A finding at that element, with VM and key set.
Diagnostic& at_device(Findings&, const Facts&, const Assignment&, const Device&, std::string message);
/// Replaces the text of a span of the VM's file.
Fix replace(const VmFacts&, std::string title, Span, std::string text, Safety = Safety::unsafe);
/// Takes the property out of the line, with the comma before or after it.
Fix drop_property(const Assignment&, HostpciKey, Safety);
/// Takes out the whole line; nothing if it stands elsewhere than in a main section without pending changes of the key.
std::optional<Fix> drop_line(const Assignment&, std::string title);

}  // namespace hostpci
