// The validator is Debian's python3-jsonschema, run as a program: the system's Python if the one of PATH lacks it.
#include "schema.hpp"

#include "process.hpp"

namespace hostpci::test {
namespace {

constexpr const char* script = R"(
import json, sys
from jsonschema.validators import validator_for
with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
validator = validator_for(schema)
validator.check_schema(schema)
lines = sys.stdin.buffer.read().decode("utf-8").splitlines()
if not lines:
    print("no document")
for number, line in enumerate(lines, 1):
    for fault in validator(schema).iter_errors(json.loads(line)):
        print("document %d, /%s: %s" % (number, "/".join(map(str, fault.absolute_path)), fault.message))
)";

}  // namespace

std::string schema_faults(const std::string& schema_path, const std::string& documents) {
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    if (run_program({python, "-c", "import jsonschema"}).status != 0) continue;
    Ran ran = run_program({python, "-c", script, schema_path}, documents);
    return ran.status == 0 ? ran.out : ran.out + ran.err;
  }
  return "no python3 has the module jsonschema: install python3-jsonschema, which debian/control names\n";
}

}  // namespace hostpci::test
