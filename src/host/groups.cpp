// The verdict on an IOMMU group.
#include "host/groups.hpp"

#include <algorithm>
#include <array>

namespace hostpci {
namespace {

/// Header type 1 or 2: a PCI-to-PCI or CardBus bridge.
bool is_port(const Device& device) {
  return device.has_subclass(0x0604) || device.has_subclass(0x0607) || device.has_subclass(0x0609);
}

/// On the root bus one slot holds unrelated parts of the chipset; elsewhere it is one card.
bool one_card(const std::vector<const Device*>& endpoints) {
  const PciAddress& first = endpoints.front()->address;
  if (first.bus == 0) return endpoints.size() == 1;
  return std::all_of(endpoints.begin(), endpoints.end(),
                     [&](const Device* device) { return device->address.same_slot(first); });
}

}  // namespace

bool is_vfio_driver(std::string_view driver) { return driver.find("vfio") != driver.npos; }
bool is_keeper(std::string_view driver) { return is_vfio_driver(driver) || driver == "pci-stub"; }

std::string_view name(GroupKind kind) {
  static constexpr std::array<std::string_view, 3> names{"bridges", "isolated", "shared"};
  return names[std::size_t(kind)];
}

Fact<bool> GroupVerdict::viable() const {
  if (!blockers.empty()) return false;
  return unknown.empty() ? Fact<bool>(true) : Fact<bool>();
}

GroupVerdict group_verdict(const Host& host, int group) {
  GroupVerdict verdict;
  for (const Device* member : host.group(group)) {
    if (is_port(*member)) continue;
    if (!member->has_subclass(0x0600)) verdict.endpoints.push_back(member);
    if (!member->driver)
      verdict.unknown.push_back(member);
    else if (!member->driver->empty() && !is_keeper(*member->driver))
      verdict.blockers.push_back(member);
  }
  if (verdict.endpoints.empty())
    verdict.kind = GroupKind::bridges;
  else
    verdict.kind = one_card(verdict.endpoints) ? GroupKind::isolated : GroupKind::shared;
  return verdict;
}

}  // namespace hostpci
