// Whether a line gets its mediated device, and what stands in the way.
// Source: qemu-server PCI/Mdev.pm.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "rules/device.hpp"

namespace hostpci {

/// What stands between a line and its mediated device.
enum class Verdict : std::uint8_t {
  offered,
  unknown,
  unsupported,
  wrong_driver,
  card_for_vf,
  gvtg_gone,
  no_such_type,
  no_instance,
  not_creatable,
};

/// A device that the line may take, and what it says of the type.
struct Candidate {
  const Device* device = nullptr;
  Verdict verdict = Verdict::unknown;
};

/// The value of `mdev=`.
std::string_view mdev_type(const Assignment&);
/// "`nvidia-63`".
std::string quoted_type(const Assignment&);
/// The instance that exists under the name PVE gives this line's, or nothing.
const MdevInstance* own_instance(const Facts&, const Assignment&);
/// The device's row of that type, or nothing; the types must be known.
const MdevType* find_type(const Device&, std::string_view type);
/// Earlier lines of the same VM that need an instance of the same kind.
std::uint32_t needed_before(const Facts&, const Assignment&, const Device&);
/// The first device of the line if none will do, with the reason; PVE tries the entries of a mapping one by one.
std::optional<Candidate> failed(const Facts&, const Assignment&);

/// Calls f for each line that fails for this reason.
template <Verdict wanted, class F>
void each_failed(const Facts& facts, const VmFacts& vm, F f) {
  for (const Assignment& a : vm.assignments)
    if (auto c = failed(facts, a); c && c->verdict == wanted) f(a, *c->device);
}

}  // namespace hostpci
