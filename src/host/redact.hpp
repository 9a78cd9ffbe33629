// What identifies a single machine and says nothing to a rule: MAC addresses and serial numbers, taken out of texts.
#pragma once
#include <string>
#include <string_view>

#include "host/host.hpp"

namespace hostpci {

/// MAC addresses (six to eight pairs of hex digits between ':' or '-') become xx:xx:…, those in interface names
/// (enx001122334455) enxxxxxxxxxxxxx; names below /dev/disk/by-id become "redacted" behind their bus
/// ("ata-redacted-part1"); the values of `serial=`, `serial:` and ID_SERIAL… become "redacted". Everything else stays
/// as it is; a text that was redacted does not change again.
std::string redact(std::string_view text);

/// The host with every text redacted that may hold such: files, command lines, arguments, uses.
Host redacted(Host host);

}  // namespace hostpci
