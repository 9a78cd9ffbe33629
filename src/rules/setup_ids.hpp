// The ids that vfio-pci takes at boot: where they are written and which devices they mean.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rules/setup.hpp"

namespace hostpci {

/// One "vendor:device[:subvendor[:subdevice[:class[:mask]]]]" of an ids= list.
struct VfioId {
  std::string text;
  std::optional<PciId> id;  ///< nothing if the kernel cannot read it
  std::uint32_t subvendor = any, subdevice = any, device_class = 0, class_mask = 0;
  Place place;
  bool exact = true;  ///< the place's span is the id alone

  static constexpr std::uint32_t any = 0xffffffff;
  bool matches(const Device&) const;
};

/// One ids= list: an option of modprobe.d, or a kernel argument.
struct IdList {
  std::vector<VfioId> ids;
  Place place;        ///< of the word
  bool exact = true;  ///< ids stand in the file as they are
  bool command_line = false;
};

/// Every ids= list in the order in which kmod hands them over; the last one is in effect.
std::vector<IdList> id_lists(const Facts& facts);
/// The ids in effect at the next boot.
std::vector<VfioId> effective_ids(const Facts& facts);
/// Takes the id and one comma beside it out; nothing if it stands alone, or its bytes do not stand there as they are.
std::vector<FileEdit> remove_id(const VfioId& id);
/// The devices an id means, bridges left out: vfio-pci refuses these.
std::vector<const Device*> devices_of(const VfioId& id, const Facts& facts);
/// Whether the device leaves its driver with the one at `taken`: the same, one of its IOMMU group, or, where there are
/// no groups, another function of the card.
bool goes_along(const Facts& facts, const PciAddress& taken, const Device& device);
/// A line of some VM of this node may take this function from its driver, or it goes along with one: mediated devices
/// and `driver=keep` take nothing.
bool is_taken(const Facts& facts, const PciAddress& address);
/// The line that needs the host's own driver on this device: a mediated device of it, or a virtual function, be it one
/// that is still to be made.
const Assignment* needs_host_driver(const Facts& facts, const Device& device);

}  // namespace hostpci
