// What a device was on before `bind`, kept until `unbind` has given it back or the host boots: /run/hostpci/drivers/ADDRESS.
#pragma once
#include <optional>
#include <string>

#include "live/placement.hpp"
#include "system/file_system.hpp"

namespace hostpci {

/// Two lines, `driver=NAME` and `driver_override=NAME`; the names may be empty.
std::string driver_memory_path(const PciAddress&);
std::string driver_memory_text(const Placement&);

/// Nothing where nothing is remembered. A file that is none of ours is a Failure.
Result<std::optional<Placement>> remembered_placement(const FileSystem&, const PciAddress&);
/// Replaces what was remembered: written beside it, then renamed into place.
Status remember_placement(FileSystem&, const PciAddress&, const Placement&);
/// Is where the move begins to be remembered? Not where something is, and no driver has come to the device since but those that keep it
/// for a VM.
bool is_worth_remembering(const Move&, bool is_remembered);
Status forget_placement(FileSystem&, const PciAddress&);

}  // namespace hostpci
