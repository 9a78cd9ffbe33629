// What the kernel's VFIO says of an IOMMU group: asked as QEMU would, and let go of at once.
// Source: kernel drivers/vfio/group.c, container.c, vfio_iommu_type1.c; Documentation/driver-api/vfio.rst.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hostpci {

/// The questions in their order.
enum class VfioStep : std::uint8_t {
  node,    ///< open /dev/vfio/GROUP: ENOENT no member is on a VFIO driver, EBUSY a process has it, EACCES not allowed
  status,  ///< VFIO_GROUP_GET_STATUS
  container,  ///< open /dev/vfio/vfio: ENOENT a kernel with iommufd alone
  attach,     ///< VFIO_GROUP_SET_CONTAINER
  iommu,      ///< VFIO_SET_IOMMU: EPERM the kernel does not let this group go to a VM
  none,
};
std::string_view name(VfioStep);  ///< "VFIO_GROUP_GET_STATUS"

struct VfioAnswer {
  std::optional<bool> viable;         ///< unknown where node or status was refused
  VfioStep refused = VfioStep::none;  ///< of a group that is not viable no more is asked
  int code = 0;                       ///< errno of that step
};

/// Who is asked.
class Vfio {
 public:
  virtual ~Vfio() = default;
  virtual VfioAnswer ask(int group) = 0;
};

/// The running kernel. While it answers, for a fraction of a millisecond, no other process can open the group.
std::unique_ptr<Vfio> kernel_vfio();

/// "/dev/vfio/14"
std::string vfio_node(int group);

}  // namespace hostpci
