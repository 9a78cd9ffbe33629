// SHA-1 of bytes in lower-case hex: Proxmox's digest of a configuration file.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

/// 40 hex digits, as PVE::Tools computes it over the raw bytes of the file.
std::string sha1_hex(std::string_view bytes);

}  // namespace hostpci
