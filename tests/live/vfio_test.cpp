// The kernel's VFIO where it knows of no such group.
#include "live/vfio.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace hostpci;

TEST_CASE("a group that the kernel has no node for") {
  VfioAnswer answer = kernel_vfio()->ask(2147483647);
  CHECK_FALSE(answer.viable.has_value());
  CHECK(answer.refused == VfioStep::node);
  CHECK(answer.code == ENOENT);
}

TEST_CASE("steps and nodes by name") {
  CHECK(vfio_node(14) == "/dev/vfio/14");
  CHECK(name(VfioStep::status) == "VFIO_GROUP_GET_STATUS");
  CHECK(name(VfioStep::iommu) == "VFIO_SET_IOMMU");
}
