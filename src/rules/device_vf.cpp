// Which virtual function a missing address would be.
// Source: PCI Express specification, SR-IOV capability (First VF Offset, VF Stride); kernel drivers/pci/iov.c
// (pci_iov_virtfn_bus).
#include "rules/device_vf.hpp"

#include <algorithm>

namespace hostpci {
namespace {

/// Bus, device and function as the one number that offset and stride count in.
std::uint32_t routing(const PciAddress& a) {
  return std::uint32_t(a.bus) << 8 | std::uint32_t(a.device) << 3 | a.function;
}

/// Where the card's functions that exist show offset and, with two of them, stride: the number in that row from 1, or
/// 0.
std::uint32_t place_in_row(const Device& card, std::uint32_t wanted) {
  std::vector<std::uint32_t> ids;
  for (const PciAddress& vf : card.virtfns) ids.push_back(routing(vf));
  std::sort(ids.begin(), ids.end());
  if (ids.empty() || wanted <= ids.back()) return 0;
  std::uint32_t stride = ids.size() > 1 ? ids[1] - ids[0] : 1;
  bool fits = (wanted - ids[0]) % stride == 0 && (wanted - ids[0]) / stride < *card.sriov_totalvfs;
  return fits ? (wanted - ids[0]) / stride + 1 : 0;
}

/// Without any function: the same slot, or (never on a root bus) the card's bus, where nothing but its functions can
/// be.
bool in_reach(const Device& card, const PciAddress& wanted) {
  if (wanted.same_slot(card.address)) return wanted.function > card.address.function;
  if (card.address.bus == 0) return false;
  return wanted.bus == card.address.bus && wanted > card.address;
}

bool could_create(const Device& card, const PciAddress& wanted) {
  std::uint32_t total = card.sriov_totalvfs.value_or(0);
  if (total == 0 || !card.sriov_numvfs || *card.sriov_numvfs >= total) return false;
  if (wanted.domain != card.address.domain || routing(wanted) <= routing(card.address)) return false;
  return card.virtfns.empty() ? in_reach(card, wanted) : place_in_row(card, routing(wanted)) > 0;
}

}  // namespace

std::optional<MissingFunction> missing_function(const Host& host, std::string_view element) {
  auto pattern = parse_address_pattern(element);
  if (!pattern) return {};
  MissingFunction best{pattern->address, nullptr, 0};
  if (pattern->whole_slot) best.address.function = 0;
  for (const auto& [address, card] : host.devices)
    if (could_create(card, best.address)) best.physfn = &card;  // the nearest below the address
  if (!best.physfn) return {};
  best.ordinal = place_in_row(*best.physfn, routing(best.address));
  return best;
}

}  // namespace hostpci
