// The host as YAML (schemas/snapshot.schema.yaml): written by `snapshot`, read by --host.
#pragma once
#include <string>

#include "diag/diagnostic.hpp"
#include "host/host.hpp"

namespace hostpci {

/// Without serial numbers and MAC addresses: those are taken out of the files' texts too.
std::string write_snapshot(const Host& host);

/// A wrong or broken document is findings (rule "snapshot", with line and column) and nothing else; unknown fields are
/// kept in `extra`.
std::optional<Host> read_snapshot(const SourcePtr& source, Sink& sink);

}  // namespace hostpci
