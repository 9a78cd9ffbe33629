// The kernel's VFIO where there is none, and who has a group open.
#include "live/vfio.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include "system/memory.hpp"

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

TEST_CASE("processes that have a group open, by the links of /proc") {
  MemoryFileSystem system;
  system.put_link("/proc/12/fd/3", "/dev/vfio/14");
  system.put_link("/proc/12/fd/4", "/dev/vfio/14");
  system.put_link("/proc/12/fd/5", "/dev/vfio/vfio");
  system.put("/proc/12/comm", "kvm\n");
  system.put_link("/proc/13/fd/3", "/dev/vfio/1");
  system.put_link("/proc/14/fd/0", "/dev/vfio/14");
  system.put_link("/proc/self/fd/0", "/dev/vfio/14");
  std::vector<VfioUser> users = vfio_users(system, 14);
  REQUIRE(users.size() == 2);
  CHECK(users[0].pid == 12);
  CHECK(users[0].name == "kvm");
  CHECK(users[0].evidence == "/proc/12/fd/3");
  CHECK(users[1].pid == 14);
  CHECK(users[1].name == "");
}
