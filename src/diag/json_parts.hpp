// The objects that the JSON forms of a report are made of.
#pragma once
#include <boost/json.hpp>

#include "diag/diagnostic.hpp"

namespace hostpci {

/// A finding as an item of "diagnostics" in schemas/lint.schema.json.
boost::json::object diagnostic_object(const Diagnostic& diagnostic);
/// The object "summary" there.
boost::json::object summary_object(const Summary& summary);

}  // namespace hostpci
