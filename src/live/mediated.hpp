// Mediated devices of the running host: what speaks against making or removing one, the writes that do it, what proves them.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"
#include "live/kernel_write.hpp"

namespace hostpci {

struct MediatedAct {
  std::vector<Diagnostic> objections;  ///< one that is an error: refused, and `writes` is empty
  std::vector<KernelWrite> writes;     ///< empty too where all is as wanted already
  std::vector<std::string> given_up;   ///< directories below /sys of what goes: nobody may have its VFIO device open
};

/// A UUID as the kernel writes it, in lower case; nothing if it is none.
std::optional<std::string> kernel_uuid(std::string_view text);

/// NVIDIA's own framework takes the type on the function itself, and no instance is made: "nvidia-557", or "557" alone.
/// Source: qemu-server PCI/Mdev.pm (create_nvidia_device).
std::optional<std::string> vendor_type(const Device&, std::string_view type);

/// An instance of that type (a directory of mdev_supported_types) under that UUID. The objections are those that lint has to a
/// line with this device and type.
MediatedAct create_mediated(const Host&, const Device&, const std::string& type, const std::string& uuid);
/// The same with NVIDIA's framework; `type` as vendor_type() gives it.
MediatedAct create_mediated(const Host&, const Device&, const std::string& type);

/// One instance.
MediatedAct remove_mediated(const Host&, const std::string& uuid);
/// What is on a function: every instance, or the type that NVIDIA's framework has set.
MediatedAct remove_mediated(const Host&, const Device&);

/// Asks every process: one that has the VFIO device of something that goes open is an objection, and then nothing is written.
/// To remove it all the same would wait inside the kernel until it is closed.
void object_to_open_files(const FileSystem&, MediatedAct&);

/// Adds all of the second; nothing is written if either is refused.
void join(MediatedAct&, MediatedAct);

}  // namespace hostpci
