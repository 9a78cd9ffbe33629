// A write(2) that is not waited for for ever: a driver may hold it inside the kernel, where no signal reaches.
#pragma once
#include <string_view>

namespace hostpci {

/// Writes all bytes in one call, in a process of its own, and waits so long for its end: 0, or errno. EINPROGRESS: the kernel is still
/// at it, and may yet finish; the process is left to it. 0 milliseconds: this process writes, for as long as it takes. What the file was opened with beside the access (O_NONBLOCK) is dropped.
int write_within(int file, std::string_view bytes, int milliseconds);

}  // namespace hostpci
