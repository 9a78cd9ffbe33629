// A write to the running kernel as data: what goes where, and what must be read there afterwards. A command that returns 0 has
// seen it.
#pragma once
#include <string>
#include <vector>

#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// What shows that the kernel did it.
enum class Shows : std::uint8_t {
  nothing,  ///< the kernel's own answer to the write has to do (reset)
  text,     ///< the attribute reads so, blanks around it aside; "(null)" is what driver_override reads where none is set: ""
  link,     ///< the link's last part reads so; "": there is no link
  present,  ///< the path exists
  absent,   ///< it does not
};

struct KernelWrite {
  std::string path, value;      ///< an attribute below /sys, and what is written to it
  Shows shows = Shows::nothing;
  std::string proof, expected;  ///< the path that is read back, and what it has to read
};

/// In place of milliseconds: each write has its usual time, 60 s for those within which the kernel tries drivers on devices, 10 s for the rest.
inline constexpr int usual_time = -1;
/// What this write may take then.
int time_of(const KernelWrite&, int milliseconds);

/// The last part of the link's target; empty where the kernel has no such link.
Result<std::string> link_end(const FileSystem&, const std::string& path);

/// Writes and reads back. The failure's message says which of the two it was; its code is that of write_attribute, or EIO
/// where the kernel took the write and does not show it.
Status carry_out(FileSystem&, const KernelWrite&, int milliseconds);

/// Each in turn; ends with the first that fails. Signals are held meanwhile.
Status carry_out(FileSystem&, const std::vector<KernelWrite>&, int milliseconds);

/// What `--dry-run` prints for it: "write `vfio-pci` to /sys/…/driver_override".
std::string as_text(const KernelWrite&);

}  // namespace hostpci
