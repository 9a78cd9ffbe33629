// Digests of bytes in lower-case hex: SHA-1, Proxmox's of a configuration file, and SHA-256.
#pragma once
#include <string>
#include <string_view>

namespace hostpci {

/// 40 hex digits, as PVE::Tools computes it over the raw bytes of the file.
std::string sha1_hex(std::string_view bytes);
/// 64 hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace hostpci
