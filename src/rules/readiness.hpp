// Is this host ready for passthrough: what `doctor` asks of it, as data. Configuration checks are lint's own findings,
// put together.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "rules/facts.hpp"

namespace hostpci {

enum class CheckStatus : std::uint8_t { pass, warn, fail, unknown };
std::string_view name(CheckStatus);  ///< "PASS", "WARN", "FAIL", "UNKNOWN"

/// What was read: a path below the root and what it said.
struct Evidence {
  std::string path, value;
  bool operator==(const Evidence&) const = default;
};

struct Check {
  std::string_view name;  ///< lower case, stable: "iommu", "boot-loader"
  CheckStatus status = CheckStatus::unknown;
  std::string message;  ///< one line
  std::vector<Evidence> evidence;
  std::string mend;                   ///< what to do, in words; empty: nothing
  std::vector<std::string> commands;  ///< to run for it, in order
  std::string_view cause, certainty;  ///< of a missing IOMMU: find_iommu_cause
  std::vector<std::string> rules;     ///< lint's rules that the check stands on and that found something
};

/// Why a host has no IOMMU.
struct IommuCause {
  std::string_view cause;      ///< "firmware", "command-line", "kernel", "guest", "platform", "unknown"
  std::string_view certainty;  ///< "certain", "likely", "possible"
  std::string message;
  std::vector<Evidence> evidence;
  std::string mend;
  std::vector<std::string> commands;
};

/// For a host whose /sys/class/iommu is empty.
IommuCause find_iommu_cause(const Facts&);

/// A missing part is a fault only where Proxmox VE is installed or a VM has a hostpci line; elsewhere it is worth a
/// warning.
bool needs_passthrough(const Facts&);

/// What makes a change of the kernel command line count, for the loader that boots this host: {"update-grub",
/// "reboot"}.
std::vector<std::string> refresh_commands(const Facts&);

/// Every check, in the order in which a host comes up. `unread`: why some VM's file could not be read; empty: all were.
std::vector<Check> check_readiness(const Facts&, const std::string& unread = {});

/// The rules of lint that checks stand on.
std::vector<std::string> readiness_rules();

struct Readiness {
  CheckStatus status = CheckStatus::pass;  ///< the worst; unknown only if the IOMMU itself could not be judged
  std::string message;
  std::array<std::size_t, 4> counts{};  ///< by CheckStatus
  bool ready() const { return status == CheckStatus::pass || status == CheckStatus::warn; }
};
Readiness judge(const Facts&, const std::vector<Check>&);

}  // namespace hostpci
