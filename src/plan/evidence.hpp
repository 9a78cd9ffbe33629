// What a plan was made from, as digests: if one of them differs when the plan is carried out, it is another host by
// then.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plan/planner.hpp"

namespace hostpci {

/// By path the SHA-256 of every file of the boot set-up, the cluster and the VMs that decided; "" for those whose
/// absence decided. "devices": of what the devices are, who drives and uses them. "kernel": of the running kernel, its
/// command line and its IOMMU. "running": of which of the VMs wanted run. Files that change by themselves (menus of
/// boot loaders, reservations) are not among them.
std::map<std::string, std::string> evidence(const PlanInputs& inputs, const std::vector<std::uint32_t>& wanted);

/// Names of what differs, in order; a plan's own record on the left.
std::vector<std::string> changed_evidence(const std::map<std::string, std::string>& then,
                                          const std::map<std::string, std::string>& now);

}  // namespace hostpci
