// What the files of the start's checks share: a line as the start will take it, and how a check is made.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.hpp"
#include "live/start_check.hpp"
#include "rules/device.hpp"

namespace hostpci {

/// A hostpci line with the functions that this start would take.
struct StartLine {
  const Assignment* assignment = nullptr;
  std::vector<const Device*> devices;
  std::size_t choice = 0;  ///< place among the entries of a mapping

  std::string key() const { return assignment->key(); }
  bool mediated() const { return assignment->resolved.mdev; }
  bool keeps() const { return keeps_driver(*assignment); }
};

/// Of a mapping the first entry that no running VM holds, as PVE reserves it. Source: qemu-server PCI.pm
/// (choose_hostpci_devices).
std::vector<StartLine> start_lines(const StartContext&);

Check make_check(std::string_view name, CheckStatus, std::string message, std::vector<Evidence> = {},
                 std::string mend = {});
/// A finding as a check: FAIL for an error, WARN for a warning.
Check check_of(std::string_view name, const Diagnostic&, std::string prefix = {});

/// driver, group and attach; each group once.
void check_groups(const StartContext&, const std::vector<StartLine>&, std::vector<Check>&);
Check check_memory(const StartContext&, const std::vector<StartLine>&);
/// MiB that this process may lock (RLIMIT_MEMLOCK); nothing: no limit, as of root.
std::optional<std::uint64_t> lock_limit(const FileSystem&);
/// MiB that a trial may pin: the VM's own, but no more than a quarter of what is available, or 256 where so many are.
std::uint64_t memory_to_try(const StartContext&);

}  // namespace hostpci
