// Holding a JSON document against a JSON schema, with a validator that is not ours.
#pragma once
#include <string>

namespace hostpci::test {

/// What python3-jsonschema says against the documents (one a line) under the schema of that file: a line for each
/// fault, empty if there is none. Without Python or its module the answer says so.
std::string schema_faults(const std::string& schema_path, const std::string& documents);

}  // namespace hostpci::test
