// The corpus of fixtures/boot: each folder's place in a host, and what is done to its files.
#pragma once
#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "../support/temporary.hpp"
#include "config/boot_draft.hpp"

namespace hostpci::test {

using Files = BootDraft::Files;

inline const CommandLineHome grub_home{HomeKind::grub, "/etc/default/grub", true};
inline const CommandLineHome cmdline_home{HomeKind::kernel_cmdline, "/etc/kernel/cmdline", false};
inline const CommandLineHome legacy_home{HomeKind::grub_legacy, "/boot/grub/grub.conf", false};
inline constexpr const char* debian_grub = "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n";

/// One thing done to a draft, and its inverse (none: the change stays).
struct Step {
  std::string title;
  std::function<Refused(BootDraft&)> make, take_back;
};

inline Step argument(const std::string& text) {
  return {"+ " + text, [text](BootDraft& d) { return d.add_argument(text); },
          [text](BootDraft& d) { return d.take_back_argument(text); }};
}

inline const std::vector<Step> arguments{argument("intel_iommu=on"), argument("iommu=pt"), argument("memmap=4G$12G"),
                                  argument("vfio-pci.ids=10de:1b80")};

inline const std::vector<Step> modprobe_steps{
    {"id 10de:1b80", [](BootDraft& d) { return d.add_vfio_id("10de:1b80"); },
     [](BootDraft& d) { return d.remove_vfio_id("10de:1b80"); }},
    {"softdep nouveau", [](BootDraft& d) { return d.add_softdep("nouveau"); },
     [](BootDraft& d) { return d.remove_softdep("nouveau"); }},
    {"blacklist nouveau", [](BootDraft& d) { return d.add_blacklist("nouveau"); },
     [](BootDraft& d) { return d.remove_blacklist("nouveau"); }},
    {"unsafe interrupts",
     [](BootDraft& d) { return d.add_option("vfio_iommu_type1", "allow_unsafe_interrupts", "1"); },
     [](BootDraft& d) { return d.remove_option("vfio_iommu_type1", "allow_unsafe_interrupts"); }}};

inline const std::vector<Step> module_steps{{"vfio_pci at boot", [](BootDraft& d) { return d.add_boot_module("vfio_pci"); },
                                      [](BootDraft& d) { return d.remove_boot_module("vfio_pci"); }},
                                     {"no vfio_virqfd", [](BootDraft& d) { return d.drop_module("vfio_virqfd"); }, {}}};

inline const std::vector<Step> initramfs_steps{
    {"vfio_pci in the initramfs", [](BootDraft& d) { return d.add_initramfs_module("vfio_pci"); },
     [](BootDraft& d) { return d.remove_initramfs_module("vfio_pci"); }},
    {"no vfio_virqfd", [](BootDraft& d) { return d.drop_module("vfio_virqfd"); }, {}}};

inline const std::vector<Step> sysfs_steps{
    {"virtual functions by udev", [](BootDraft& d) { return d.add_virtual_functions("0000:03:00.0", 4); },
     [](BootDraft& d) { return d.remove_virtual_functions("0000:03:00.0"); }},
    {"no sriov_numvfs here",
     [](BootDraft& d) { return d.drop_sysfs_value("bus/pci/devices/0000:03:00.0/sriov_numvfs"); }, {}}};

/// How the files of one folder of the corpus are taken.
struct Format {
  std::string folder;
  std::function<std::string(const std::string&)> path;  ///< of a fixture's name
  std::vector<CommandLineHome> homes;
  std::vector<Step> steps;
};

inline std::function<std::string(const std::string&)> always(std::string path) {
  return [path](const std::string&) { return path; };
}

inline const std::vector<Format> formats{
    {"grub", always("/etc/default/grub"), {grub_home}, arguments},
    {"grub.d", [](const std::string& name) { return "/etc/default/grub.d/" + name + ".cfg"; }, {grub_home}, arguments},
    {"kernel-cmdline", always("/etc/kernel/cmdline"), {cmdline_home}, arguments},
    {"grub-legacy", always("/boot/grub/grub.conf"), {legacy_home}, arguments},
    {"modprobe", [](const std::string& name) { return "/etc/modprobe.d/" + name + ".conf"; }, {}, modprobe_steps},
    {"modules", always("/etc/modules"), {}, module_steps},
    {"initramfs-modules", always("/etc/initramfs-tools/modules"), {}, initramfs_steps},
    {"sysfs", always("/etc/sysfs.conf"), {}, sysfs_steps},
};

struct Sample {
  std::string name;
  Files files;
};

inline std::vector<Sample> samples(const Format& format) {
  std::vector<Sample> result;
  for (const auto& entry : std::filesystem::directory_iterator(FIXTURES "/boot/" + format.folder)) {
    Sample sample{entry.path().filename().string(), {}};
    if (format.folder == "grub.d") sample.files["/etc/default/grub"] = debian_grub;
    sample.files[format.path(sample.name)] = read_file(entry.path().string());
    result.push_back(std::move(sample));
  }
  std::sort(result.begin(), result.end(), [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return result;
}

inline BootDraft draft_of(const Format& format, const Files& files) {
  CommandLineHomes homes;
  homes.homes = format.homes;
  return {files, {}, homes, InitramfsTool::initramfs_tools};
}

}  // namespace hostpci::test
