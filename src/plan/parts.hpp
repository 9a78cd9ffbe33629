// The parts of the planner, a file each, in the order in which they work. Each changes the workspace and tells why.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "plan/workspace.hpp"

namespace hostpci {

/// Fixes of lint, of the VMs and of files of the boot set-up other than the command line.
void plan_fixes(Workspace&);
/// What lint leaves to a decision: machine type, display, leftovers in `args`, the EFI disk.
void plan_vms(Workspace&);
/// A mapping in place of an address of this node, for VMs that high availability starts elsewhere.
void plan_mappings(Workspace&);
/// ids= and blacklists that catch what the host needs: taken out, so that plan_binding() goes by address.
void plan_id_lists(Workspace&);

/// Kernel arguments that this kernel and processor need, and those that do nothing.
void plan_command_line(Workspace&);
/// Devices that vfio-pci has to have before their own driver.
void plan_binding(Workspace&);
/// Modules at boot and their options: GVT-g, vGPU, unsafe interrupts.
void plan_modules(Workspace&);
/// Virtual functions at every boot.
void plan_virtual_functions(Workspace&);
/// So many functions of that card at every boot, for no VM in particular; 0: hostpci's rule goes.
void plan_functions_at_boot(Workspace&, const Device& card, const FunctionsRule& wanted);

/// Commands that make the changes of this plan count.
void plan_commands(Workspace&);
/// The same, and what older changes still wait for.
void plan_refresh(Workspace&);
/// What the host has to do without: what VMs take, and what vfio-pci takes at boot that it did not take `before` the
/// plan.
void plan_losses(Workspace&, const std::set<PciAddress>& before);
/// Devices of `ids=` on a driver of the host that no VM takes.
void tell_idle_ids(Workspace&);
/// Errors that no part of the plan mends.
void plan_remaining(Workspace&);

/// "0000:01:00.0 (VGA, 10de:1b80)" in backquotes.
std::string quoted(const Device&);
/// The rule's findings in the workspace as it is by now; a VM's only if the VM is wanted.
std::vector<Diagnostic> findings_of_rule(Workspace&, std::string_view rule);

}  // namespace hostpci
