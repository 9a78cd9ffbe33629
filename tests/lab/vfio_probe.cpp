// Asks VFIO itself: is a group viable, can a device of it be had. One line an answer, for the lab's scenarios.
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

const char* const help =
    "usage: hostpci_lab_probe status GROUP…      GROUP viable|not-viable|no-node|ERRNO, a line each\n"
    "       hostpci_lab_probe take GROUP DEVICE  group=… container=… iommu=… device=…: ok or the errno of the step "
    "that failed\n"
    "       hostpci_lab_probe hold GROUP DEVICE  the same, and keeps the device open until standard input ends\n";

/// Says how a step went: "STEP=ok" or "STEP=EPERM".
bool step(const char* name, bool done) {
  std::printf("%s=%s ", name, done ? "ok" : strerrorname_np(errno));
  return done;
}

int open_group(const std::string& group) { return open(("/dev/vfio/" + group).c_str(), O_RDWR | O_CLOEXEC); }

const char* status_of(const std::string& group) {
  int descriptor = open_group(group);
  if (descriptor < 0) return errno == ENOENT ? "no-node" : strerrorname_np(errno);
  vfio_group_status status{};
  status.argsz = sizeof status;
  bool told = ioctl(descriptor, VFIO_GROUP_GET_STATUS, &status) == 0;
  const char* error = told ? "" : strerrorname_np(errno);
  close(descriptor);
  if (!told) return error;
  return status.flags & VFIO_GROUP_FLAGS_VIABLE ? "viable" : "not-viable";
}

void describe(int device) {
  vfio_device_info info{};
  info.argsz = sizeof info;
  if (ioctl(device, VFIO_DEVICE_GET_INFO, &info) == 0)
    std::printf("regions=%u irqs=%u reset=%s", info.num_regions, info.num_irqs,
                info.flags & VFIO_DEVICE_FLAGS_RESET ? "yes" : "no");
}

/// The steps of QEMU, in its order. Nothing is closed: the process's end does that.
bool take(const std::string& group, const char* device) {
  int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), descriptor = open_group(group), opened = -1;
  bool taken = step("group", descriptor >= 0) &&
               step("container", ioctl(descriptor, VFIO_GROUP_SET_CONTAINER, &container) == 0) &&
               step("iommu", ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) == 0) &&
               step("device", (opened = ioctl(descriptor, VFIO_GROUP_GET_DEVICE_FD, device)) >= 0);
  if (taken) describe(opened);
  std::puts("");
  std::fflush(stdout);
  return taken;
}

}  // namespace

int main(int count, char** arguments) {
  std::string mode = count > 1 ? arguments[1] : "";
  if (mode == "status") {
    for (int i = 2; i < count; ++i) std::printf("%s %s\n", arguments[i], status_of(arguments[i]));
    return 0;
  }
  if ((mode != "take" && mode != "hold") || count != 4) {
    std::fputs(help, stderr);
    return 2;
  }
  if (!take(arguments[2], arguments[3])) return 1;
  char byte;
  while (mode == "hold" && read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}
