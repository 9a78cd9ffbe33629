// A plan as a JSON document (hostpci-plan(5), schemas/plan.schema.json) and back. Bytes that are no UTF-8 are kept as
// base64, so nothing is lost.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "plan/plan.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"

namespace hostpci {

/// On which machine a plan was made. A plan of a snapshot has no machine: it can be shown, not applied.
struct PlanOrigin {
  std::string node;
  std::optional<std::string> machine;  ///< SHA-256 made of /etc/machine-id, so that the id itself is not told
  std::string program;                 ///< the version that made it
  bool operator==(const PlanOrigin&) const = default;
};

/// The machine below the root. Without a machine-id it is told by its node's name alone.
PlanOrigin plan_origin(const FileSystem& system, std::string node, std::string program);

struct SavedPlan {
  PlanOrigin origin;
  Plan plan;
  bool operator==(const SavedPlan&) const = default;
};

/// The document with the digest over all of it, and a last line feed.
std::string write_plan(const SavedPlan& saved);

/// Any bytes. Refused: what is no such document, another version of the format, fields that are missing, unknown or of
/// a wrong kind, and a digest that does not fit the content.
Result<SavedPlan> read_plan(std::string_view text);

/// Why this machine must not carry the plan out: made of a snapshot, on another host, by another version. Empty: it
/// may.
std::string foreign_plan(const SavedPlan& saved, const PlanOrigin& here);

}  // namespace hostpci
