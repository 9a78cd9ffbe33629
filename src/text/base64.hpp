// Bytes as base64 (RFC 4648, with padding) and back.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hostpci {

std::string base64(std::string_view bytes);
/// Nothing unless base64() would write exactly this text.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace hostpci
