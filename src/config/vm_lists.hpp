// Lists of names as Proxmox VE cuts them, and the deletions that [PENDING] holds.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

/// Items between commas, semicolons, white space and NUL; runs of these count once. Source: pve-common ParseUtils.pm
/// (split_list).
std::vector<std::string_view> list_items(std::string_view text);

/// One key of `delete:` in [PENDING]; `!key` is a forced one.
struct PendingDelete {
  std::string key;
  bool force = false;
  bool operator==(const PendingDelete&) const = default;
};

/// In the order of the list, each key once (the last mention counts).
std::vector<PendingDelete> parse_pending_delete(std::string_view list);
/// Sorted and joined by commas, as PVE writes it.
std::string format_pending_delete(std::vector<PendingDelete> deletes);

}  // namespace hostpci
