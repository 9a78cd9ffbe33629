// Any bytes as a snapshot: read or refused with findings inside the text; what is read is written so that it reads back
// equal.
#include "host/snapshot.hpp"

#include "holds.hpp"
#include "host/redact.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

namespace {

void check_findings(const SourcePtr& source, const Sink& sink) {
  HOLDS(!sink.diagnostics.empty());
  for (const Diagnostic& finding : sink.diagnostics) {
    HOLDS(finding.rule == "snapshot" && inside(source->text, finding.place.span));
    HOLDS(is_message(finding.message, source->text));
  }
}

void check_written(const Host& host) {
  const std::string text = write_snapshot(host);
  Sink sink;
  const auto back = read_snapshot(make_source("written", text), sink);
  HOLDS(back && sink.diagnostics.empty());
  HOLDS(*back == redacted(host));
  HOLDS(write_snapshot(*back) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const SourcePtr source = make_source("host.yaml", std::string(input(data, size)));
  Sink sink;
  const auto host = read_snapshot(source, sink);
  if (host)
    check_written(*host);
  else
    check_findings(source, sink);
  // the bytes as a text of the model too
  Host filled;
  filled.files[source->text] = source->text;
  filled.kernel.command_line = source->text;
  check_written(filled);
  return 0;
}
