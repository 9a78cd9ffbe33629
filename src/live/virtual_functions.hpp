// Virtual functions of the running kernel, made and removed: what speaks against it, the writes, the way back.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "live/kernel_write.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

struct FunctionsRequest {
  std::uint32_t count = 0;
  bool probe = true;  ///< false: no driver of the host is tried on the functions that are made
  Fact<bool> autoprobe =
      {};  ///< sriov_drivers_autoprobe of the card as it is now; unknown counts as the kernel's own: true
};

/// Does the kernel try drivers on new functions of the card?
Fact<bool> drivers_autoprobe(const FileSystem&, const Device& card);

/// A Failure: the device makes no virtual functions, or not so many, now or at any boot.
Status functions_possible(const Device& card, std::uint32_t count);

/// What speaks against that number on the running host, by the names of lint's rules. A number that changes removes all
/// functions that exist: one that a VM, a process or the host uses is an error, one that the host might miss a warning,
/// one that VFIO has and nobody holds is told. Empty where the number is that already. `system`: the running host's, whose
/// processes, reservations and interfaces say who has them; null: not asked.
std::vector<Diagnostic> functions_objections(const Host&, const FileSystem* system, const Device& card,
                                             std::uint32_t count);

/// Through 0 where there are some: the kernel takes no other number then (EBUSY). Empty where the number is that
/// already. Source: drivers/pci/iov.c (sriov_numvfs_store).
std::vector<KernelWrite> functions_writes(const Device& card, const FunctionsRequest&);

/// Carries the writes out and holds the result against the request: so many functions, on no driver but vfio-pci if
/// none was to be tried. After a failure the old number is written again; the message says what became of that.
Status set_functions(FileSystem&, const Device& card, const FunctionsRequest&, int milliseconds);

struct FunctionDriver {
  PciAddress address;
  std::string driver;  ///< "": none
};
/// The card's functions as the kernel has them now. Drivers may come later than the functions (udev loads modules):
/// waits until each has one, but no longer than this.
std::vector<FunctionDriver> function_drivers(const FileSystem&, const Device& card, int milliseconds);

}  // namespace hostpci
