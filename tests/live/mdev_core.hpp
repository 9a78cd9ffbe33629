// The kernel's core of mediated devices in memory: types that share what is free, instances that come and go, NVIDIA's framework.
// Source: kernel drivers/vfio/mdev (mdev_core.c, mdev_sysfs.c), samples/vfio-mdev/mtty.c; qemu-server PCI/Mdev.pm.
#pragma once
#include <cerrno>
#include <string>
#include <vector>

#include "system/failure.hpp"
#include "system/memory.hpp"
#include "text/words.hpp"

namespace hostpci::test {

inline const std::string pci_devices = "/sys/bus/pci/devices/", mdev_devices = "/sys/bus/mdev/devices/";

class MdevCore : public MemoryFileSystem {
 public:
  /// mtty-1 takes one of two ports, mtty-2 both.
  void put_parent(const std::string& address) {
    put_device(address, "0x0200", "0x8086", "0x10d3");
    for (int ports : {1, 2}) {
      std::string type = types(address) + "mtty-" + std::to_string(ports);
      put(type + "/name", std::string(ports == 1 ? "Single" : "Dual") + " port serial\n");
      put(type + "/create", "");
    }
    count_free(address);
  }

  void put_vendor(const std::string& address, const std::string& current = "0") {
    put_device(address, "0x0302", "0x10de", "0x2236");
    put(pci_devices + address + "/nvidia/current_vgpu_type", current + "\n");
    put(pci_devices + address + "/nvidia/creatable_vgpu_types", "ID    : vGPU Name\n557   : NVIDIA A10-1Q\n558   : NVIDIA A10-2Q\n");
  }

  void put_device(const std::string& address, const std::string& class_code, const std::string& vendor, const std::string& device) {
    const std::string directory = pci_devices + address;
    put(directory + "/class", class_code + "00\n");
    put(directory + "/vendor", vendor + "\n");
    put(directory + "/device", device + "\n");
    put_link(directory + "/iommu_group", "../../../kernel/iommu_groups/4");
    put("/sys/bus/mdev/drivers_probe", "");
    put("/run/utmp", "");
  }

  /// PID has the node open.
  void put_process(const std::string& pid, const std::string& name, const std::string& node) {
    put("/proc/" + pid + "/comm", name + "\n");
    put_link("/proc/" + pid + "/fd/0", "/dev/null");
    put_link("/proc/" + pid + "/fd/5", node);
  }

  /// A VM that Proxmox VE started, with these arguments.
  void put_vm(const std::string& vmid, const std::string& pid, const std::vector<std::string>& arguments) {
    const std::string file = "/run/qemu-server/" + vmid + ".pid";
    put(file, pid + "\n");
    std::string line;
    for (const std::string& word : {std::string("/usr/bin/kvm"), std::string("-pidfile"), file}) line += word + '\0';
    for (const std::string& word : arguments) line += word + '\0';
    put("/proc/" + pid + "/cmdline", line);
  }

  Status write_attribute(const std::string& path, std::string_view value, int milliseconds) override {
    ++writes;
    if (path.ends_with("/create")) return create_instance(path, std::string(value));
    if (path.ends_with("/remove") && path.starts_with(mdev_devices)) return remove_instance(path);
    if (path.ends_with("/current_vgpu_type")) return set_type(path, std::string(value));
    return MemoryFileSystem::write_attribute(path, value, milliseconds);
  }

  bool has(const std::string& uuid) const { return links_.count(mdev_devices + uuid) > 0; }

  int writes = 0;
  bool deaf = false;  ///< says that it did what it did not

 private:
  static std::string types(const std::string& address) { return pci_devices + address + "/mdev_supported_types/"; }

  void count_free(const std::string& address) {
    put(types(address) + "mtty-1/available_instances", std::to_string(ports_) + "\n");
    put(types(address) + "mtty-2/available_instances", std::to_string(ports_ / 2) + "\n");
  }

  Status create_instance(const std::string& path, const std::string& uuid) {
    std::vector<std::string_view> parts = split(path, '/');
    const std::string type(parts[parts.size() - 2]), address(parts[parts.size() - 4]);
    const int ports = type == "mtty-2" ? 2 : 1;
    if (!files_.count(path)) return system_failure("write to", path, ENOENT);
    if (uuid.size() != 36) return system_failure("write to", path, EINVAL);
    if (has(uuid)) return system_failure("write to", path, EEXIST);
    if (ports_ < ports) return system_failure("write to", path, ENOSPC);
    if (deaf) return Done{};
    const std::string directory = "/sys/devices/pci0000:00/" + address + "/" + uuid;
    put_link(mdev_devices + uuid, "../../.." + directory.substr(4));
    put_link(directory + "/mdev_type", "../mdev_supported_types/" + type);
    put_link(directory + "/iommu_group", "../../../../kernel/iommu_groups/19");
    put(directory + "/vfio-dev/vfio0/dev", "511:0\n");
    put(directory + "/remove", "");
    ports_ -= ports;
    count_free(address);
    return Done{};
  }

  Status remove_instance(const std::string& path) {
    auto directory = canonical(path.substr(0, path.rfind('/')));
    if (!directory || !files_.count(*directory + "/remove")) return system_failure("write to", path, ENOENT);
    if (deaf) return Done{};
    std::vector<std::string_view> parts = split(*directory, '/');
    ports_ += links_.at(*directory + "/mdev_type").ends_with("2") ? 2 : 1;
    std::erase_if(files_, [&](const auto& file) { return file.first.starts_with(*directory + "/"); });
    std::erase_if(links_, [&](const auto& link) { return link.first.starts_with(*directory + "/"); });
    links_.erase(mdev_devices + std::string(parts.back()));
    count_free(std::string(parts[parts.size() - 2]));
    return Done{};
  }

  /// What is set has to be taken back before another type can be.
  Status set_type(const std::string& path, const std::string& id) {
    const std::string list = path.substr(0, path.rfind('/')) + "/creatable_vgpu_types";
    if (id != "0" && files_.at(list).find(id + "  ") == std::string::npos) return system_failure("write to", path, EINVAL);
    if (deaf) return Done{};
    put(path, id + "\n");
    put(list, id == "0" ? "ID    : vGPU Name\n557   : NVIDIA A10-1Q\n" : "");
    return Done{};
  }

  int ports_ = 2;
};

}  // namespace hostpci::test
