// Reads /proc/PID/fd of every process.
#include "live/vfio_openers.hpp"

#include <algorithm>
#include <set>

#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// The files by which a process may have the device.
std::set<std::string> files_of(const FileSystem& system, const Device& device) {
  std::set<std::string> files;
  if (device.group.value_or(-1) >= 0)
    for (const char* kind : {"", "noiommu-"}) files.insert("/dev/vfio/" + (kind + std::to_string(*device.group)));
  if (auto names = system.list(device_path(device.address, "vfio-dev")))
    for (const std::string& name : *names) files.insert("/dev/vfio/devices/" + name);
  return files;
}

std::string opened_of(const FileSystem& system, const std::string& process, const std::set<std::string>& files) {
  auto names = system.list(process + "/fd");
  if (!names) return {};
  for (const std::string& name : *names)
    if (auto target = system.read_link(process + "/fd/" + name); target && files.count(*target)) return *target;
  return {};
}

}  // namespace

std::vector<VfioOpener> vfio_openers(const FileSystem& system, const Device& device) {
  std::vector<VfioOpener> openers;
  std::set<std::string> files = files_of(system, device);
  auto names = system.list("/proc");
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    auto pid = number(name);
    if (!pid) continue;
    std::string process = "/proc/" + name, file = opened_of(system, process, files);
    if (file.empty()) continue;
    auto program = system.read(process + "/comm");
    openers.push_back({std::uint32_t(*pid), program ? std::string(trim(*program)) : "?", file});
  }
  return openers;
}

namespace {

void tell_openers(const FileSystem& system, const Device& device, const std::string& what, Sink& out) {
  for (const VfioOpener& opener : vfio_openers(system, device)) {
    std::string process = "process " + std::to_string(opener.pid) + " (`" + opener.program + "`)";
    Diagnostic& d = out.add({});
    d.rule = "conflict-in-use";
    d.message = what + " is in use by " + process;
    d.place = Place("/proc/" + std::to_string(opener.pid) + "/fd");
    d.labels.push_back({Place(opener.file), "is open"});
  }
}

}  // namespace

void object_to_openers(const FileSystem& system, const Device& device, Sink& out) {
  if (on_vfio(device)) tell_openers(system, device, "`" + describe(device) + "`", out);
}

void object_to_group_openers(const FileSystem& system, const Device& device, Sink& out) {
  if (!on_vfio(device)) tell_openers(system, device, "the IOMMU group of `" + describe(device) + "`", out);
}

}  // namespace hostpci
