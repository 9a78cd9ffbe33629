// The transaction that the suites of faults carry out: two VMs, the mappings, GRUB's defaults and a new file of modprobe.d.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apply/transaction.hpp"
#include "system/file_system.hpp"

namespace hostpci::test {

inline const std::string vm_directory = "/etc/pve/nodes/pve1/qemu-server/";

inline std::vector<FileChange> five_files() {
  const std::string gpu = "gpu\n\tmap id=10de:1b80,iommugroup=2,node=pve1,path=0000:01:00\n\n";
  const std::string nic = "nic\n\tmap id=8086:1572,iommugroup=7,node=pve1,path=0000:05:00.0\n\n";
  return {{vm_directory + "100.conf", "cores: 1\nmemory: 2048\n", "cores: 1\nhostpci0: mapping=nic\nmemory: 2048\n"},
          {vm_directory + "101.conf", "cores: 2\n", "cores: 2\nhostpci0: mapping=gpu\n"},
          {"/etc/pve/mapping/pci.cfg", gpu, gpu + nic},
          {"/etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=on\"\n"},
          {"/etc/modprobe.d/hostpci.conf", std::nullopt, "options vfio-pci ids=10de:1b80\n"}};
}

inline TransactionRequest five_file_request() {
  TransactionRequest request;
  request.what = "apply 100 101";
  request.files = five_files();
  request.refresh = {{{"update-grub"}, ""}, {{"update-initramfs", "-u", "-k", "all"}, ""}};
  request.run = [](const PlannedCommand&) { return Done{}; };
  return request;
}

/// Which of the two states all files are in; "mixed: …" names those that are in another than the first.
inline std::string state_of(const FileSystem& system, const std::vector<FileChange>& files) {
  std::string old_files, new_files, others;
  for (const FileChange& file : files) {
    auto text = system.read(file.path);
    std::optional<std::string> now = text ? std::optional(*text) : std::nullopt;
    std::string& where = now == file.before ? old_files : now == file.after ? new_files : others;
    where += " " + file.path.substr(file.path.rfind('/') + 1);
  }
  if (others.empty() && new_files.empty()) return "old";
  if (others.empty() && old_files.empty()) return "new";
  return "mixed: old" + old_files + "; new" + new_files + "; neither" + others;
}

/// Files that a transaction lays beside others and ought to have taken away.
inline std::string left_over(const std::map<std::string, std::string>& files) {
  std::string found;
  for (const auto& [path, bytes] : files)
    if (path.find("/.hostpci-") != path.npos || path.find(".new/") != path.npos || path.find(".old/") != path.npos) found += " " + path;
  return found;
}

}  // namespace hostpci::test
