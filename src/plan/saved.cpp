// Where a plan was made, and whether that is here.
#include "plan/saved.hpp"

#include "text/digest.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {

PlanOrigin plan_origin(const FileSystem& system, std::string node, std::string program) {
  Result<std::string> id = system.read("/etc/machine-id");
  std::string machine = sha256_hex("hostpci plan " + (id ? std::string(trim(*id)) : std::string()));
  return {std::move(node), std::move(machine), std::move(program)};
}

std::string foreign_plan(const SavedPlan& saved, const PlanOrigin& here) {
  const PlanOrigin& there = saved.origin;
  if (!there.machine) return "the plan was made of a snapshot: make one on the host itself";
  if (there.node != here.node)
    return "the plan is for node `" + printable(there.node) + "`, this is `" + printable(here.node) + "`";
  if (there.machine != here.machine)
    return "the plan was made on another machine of the name `" + printable(here.node) + "`";
  if (there.program != here.program)
    return "the plan was made by hostpci " + printable(there.program) + ", this is " + here.program + ": make it anew";
  return {};
}

}  // namespace hostpci
