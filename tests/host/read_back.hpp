// A snapshot's text read, with what was found.
#pragma once
#include <optional>
#include <string>

#include "host/snapshot.hpp"

namespace hostpci::test {

struct ReadBack {
  std::optional<Host> host;
  Sink sink;
  SourcePtr source;
  explicit ReadBack(std::string text) : source(make_source("host.yaml", std::move(text))) {
    host = read_snapshot(source, sink);
  }
  std::string message() const { return sink.diagnostics.empty() ? "" : sink.diagnostics.front().message; }
  Position position() const { return source->position(sink.diagnostics.front().place.span.begin); }
};

}  // namespace hostpci::test
