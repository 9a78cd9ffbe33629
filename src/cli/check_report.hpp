// Checks and the verdict over them as they are printed: what doctor and start-check share.
#pragma once
#include <boost/json/object.hpp>
#include <vector>

#include "cli/output.hpp"
#include "rules/readiness.hpp"

namespace hostpci {

/// One aligned line a check, the verdict last.
void print_checks(const std::vector<Check>&, const Readiness&, bool colour, Output&);

/// `head` (version, node …), then `checks` and `verdict`: schemas/doctor.schema.json.
void print_checks_json(boost::json::object head, const std::vector<Check>&, const Readiness&, Output&);

}  // namespace hostpci
