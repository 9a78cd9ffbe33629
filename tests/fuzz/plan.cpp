// Any bytes as a saved plan: refused with a message fit for a terminal, or read so that it is written back with the
// same meaning. As a plan's own content they survive whole.
#include "holds.hpp"
#include "plan/saved.hpp"

using namespace hostpci;
using namespace hostpci::fuzz;

namespace {

void check_kept(const std::string& bytes) {
  SavedPlan saved;
  saved.origin.node = saved.plan.node = bytes;
  saved.plan.files.push_back({bytes, bytes, std::nullopt, 0644, {bytes}});
  saved.plan.refresh.push_back({{bytes}, bytes});
  saved.plan.read[bytes] = bytes.empty() ? "" : "x";
  const auto back = read_plan(write_plan(saved));
  HOLDS(back && *back == saved);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = input(data, size);
  const auto saved = read_plan(text);
  if (saved) {
    const auto back = read_plan(write_plan(*saved));
    HOLDS(back && *back == *saved);
  } else {
    HOLDS(is_message(saved.error().message, text));
  }
  check_kept(std::string(text));
  return 0;
}
