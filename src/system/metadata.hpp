// What a file has beside its bytes, taken over from one open file to another.
#pragma once

namespace hostpci {

/// Owner, mode, ACLs and all other extended attributes; those that the source does not have are taken off the target. False: see errno.
/// Where a file system has no extended attributes, there are none to copy.
bool copy_metadata(int from, int to);

}  // namespace hostpci
