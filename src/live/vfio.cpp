// The ioctls of VFIO, each with the errno that it was refused with.
#include "live/vfio.hpp"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

#include "system/descriptor.hpp"

namespace hostpci {
namespace {

Descriptor open_node(const std::string& path) { return Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC)); }

VfioAnswer& refused(VfioAnswer& answer, VfioStep step) {
  answer.refused = step;
  answer.code = errno;
  return answer;
}

/// Attaches the group to a container of its own, and takes it off again.
void attach(int group, VfioAnswer& answer) {
  Descriptor container = open_node("/dev/vfio/vfio");
  int number = container.number();
  if (!container) {
    refused(answer, VfioStep::container);
  } else if (::ioctl(group, VFIO_GROUP_SET_CONTAINER, &number) != 0) {
    refused(answer, VfioStep::attach);
  } else {
    if (::ioctl(number, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0) refused(answer, VfioStep::iommu);
    ::ioctl(group, VFIO_GROUP_UNSET_CONTAINER);
  }
}

class KernelVfio : public Vfio {
 public:
  VfioAnswer ask(int id) override {
    VfioAnswer answer;
    Descriptor group = open_node(vfio_node(id));
    if (!group) return refused(answer, VfioStep::node);
    vfio_group_status status{};
    status.argsz = sizeof status;
    if (::ioctl(group.number(), VFIO_GROUP_GET_STATUS, &status) != 0) return refused(answer, VfioStep::status);
    answer.viable = (status.flags & VFIO_GROUP_FLAGS_VIABLE) != 0;
    if (*answer.viable) attach(group.number(), answer);
    return answer;
  }
};

}  // namespace

std::string_view name(VfioStep step) {
  constexpr std::array<std::string_view, 6> names{
      "open", "VFIO_GROUP_GET_STATUS", "open", "VFIO_GROUP_SET_CONTAINER", "VFIO_SET_IOMMU", ""};
  return names[std::size_t(step)];
}

std::unique_ptr<Vfio> kernel_vfio() { return std::make_unique<KernelVfio>(); }

std::string vfio_node(int group) { return "/dev/vfio/" + std::to_string(group); }

}  // namespace hostpci
