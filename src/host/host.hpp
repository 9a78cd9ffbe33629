// The host as a value: everything that rules, showcmd and devices may know of it, read live or out of a snapshot.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "grammar/pci_address.hpp"

namespace hostpci {

/// nullopt: could not be read (unknown). Whatever T says otherwise is known; "absent" is a value of T.
template <class T>
using Fact = std::optional<T>;

/// Fields of a snapshot that this version does not know, by name, as YAML text: kept and written back.
using Extra = std::map<std::string, std::string>;

/// What hangs on a device, through any depth of /sys.
enum class UseKind : std::uint8_t { disk, filesystem, swap, net, bridge_port, console, input, sound, drm };
std::string_view name(UseKind);

/// One use: `name` is the kernel's ("nvme0n1", "eno1", "fb0"), `detail` what it carries ("/", "vmbr0 192.0.2.10/24
/// (default route)"). `critical`: the host loses its root, boot or swap disk, its management network or its only
/// console with it.
struct Use {
  UseKind kind = UseKind::disk;
  std::string name, detail;
  bool critical = false;
  Extra extra = {};
  bool operator==(const Use&) const = default;
};

/// One directory of mdev_supported_types (or one row of NVIDIA's creatable_vgpu_types: name "nvidia-ID").
struct MdevType {
  std::string type, name, description;
  Fact<std::uint32_t> available;  ///< free instances
  Extra extra = {};
  bool operator==(const MdevType&) const = default;
};

/// A base address register as in /sys/.../resource.
struct Bar {
  std::uint64_t start = 0, end = 0, flags = 0;
  std::uint64_t size() const { return end ? end - start + 1 : 0; }
  bool operator==(const Bar&) const = default;
};

struct PciId {
  std::uint16_t vendor = 0, device = 0;
  auto operator<=>(const PciId&) const = default;
  std::string str() const;  ///< "10de:1b80"
};

struct Device {
  PciAddress address;
  Fact<std::uint32_t> class_code;  ///< 0x030000
  Fact<PciId> id;
  Fact<PciId> subsystem;              ///< 0000:0000: none
  Fact<std::string> driver;           ///< "": none bound
  Fact<std::string> driver_override;  ///< "": none
  Fact<int> group;                    ///< IOMMU group, -1: none
  std::optional<PciAddress> parent;   ///< the bridge above; none on a root bus
  Fact<bool> bridge;    ///< header type 1 or a class 06xx that VFIO does not count (host, ISA, PCI bridges)
  Fact<bool> boot_vga;  ///< false too where the attribute does not exist
  std::optional<PciAddress> physfn;  ///< set on a virtual function
  std::vector<PciAddress> virtfns;
  Fact<std::uint32_t> sriov_totalvfs, sriov_numvfs;  ///< 0 where the device has none
  Fact<bool> acs, flr;             ///< capabilities (libpci); unknown without the whole configuration space
  Fact<bool> reset;                ///< the attribute `reset` exists
  Fact<std::string> reset_method;  ///< "flr bus", "" if empty
  Fact<std::string> power_state;   ///< "D0", "D3cold"
  Fact<bool> d3cold_allowed;
  Fact<int> numa_node;                     ///< -1: none
  Fact<bool> express;                      ///< a PCI Express function (it has link attributes), not conventional PCI
  Fact<bool> resizable;                    ///< a BAR can be resized (resourceN_resize)
  Fact<std::uint32_t> irq;                 ///< legacy interrupt, 0: none
  Fact<bool> msi;                          ///< MSI or MSI-X in use (msi_irqs has entries)
  Fact<std::vector<Bar>> bars;             ///< in order, as many lines as `resource` has
  Fact<bool> rom;                          ///< the attribute `rom` exists: the device has an option ROM BAR or shadow
  Fact<std::vector<MdevType>> mdev_types;  ///< empty: no mediated devices
  bool nvidia_vgpu = false;                ///< the directory nvidia/ of the vendor's own vGPU framework exists
  Fact<std::string> nvidia_current_type;   ///< current_vgpu_type, "0" or "": none
  Fact<std::vector<Use>> uses;
  Extra extra;

  bool is_vf() const { return physfn.has_value(); }
  bool has_class(std::uint32_t base) const { return class_code && (*class_code >> 16) == base; }  ///< 0x03
  bool has_subclass(std::uint32_t sub) const { return class_code && (*class_code >> 8) == sub; }  ///< 0x0300
  bool is_gpu() const { return has_class(0x03); }
  bool is_bridge() const { return bridge.value_or(false); }
  bool operator==(const Device&) const = default;
};

/// A virtual machine of this node as far as the running system shows it.
struct RunningVm {
  std::uint32_t vmid = 0;
  std::uint32_t pid = 0;
  std::vector<std::string> arguments;  ///< of the process
  Extra extra = {};
  bool operator==(const RunningVm&) const = default;
};

/// A mediated device that exists (/sys/bus/mdev/devices).
struct MdevInstance {
  std::string uuid, type;
  PciAddress parent;
  Extra extra = {};
  bool operator==(const MdevInstance&) const = default;
};

/// A device on a USB bus ("1-4.2"), or a root hub ("usb1").
struct UsbDevice {
  PciAddress controller;
  Fact<PciId> id;
  Extra extra = {};
  bool operator==(const UsbDevice&) const = default;
};

struct Kernel {
  Fact<std::string> release;                 ///< uname -r, "6.8.12-4-pve"
  Fact<std::string> command_line;            ///< /proc/cmdline without its line end
  Fact<std::string> cpu_vendor;              ///< "GenuineIntel", "AuthenticAMD"
  Fact<std::vector<std::string>> cpu_flags;  ///< sorted
  Fact<std::uint32_t> phys_bits;             ///< address sizes in /proc/cpuinfo
  Fact<std::uint32_t> cpus;
  Fact<std::uint64_t> memory_kib;      ///< MemTotal
  Fact<std::uint32_t> free_gib_pages;  ///< huge pages of 1 GiB that are free, all NUMA nodes together
  Fact<std::uint32_t> iommu_bits;      ///< address bits that the narrowest of Intel's IOMMUs translates
  /// What the kernel logged since boot of devices, resets, faults and the IOMMU (kernel_log.cpp has the list), without
  /// level and time; of each kind and device the first few.
  Fact<std::vector<std::string>> log;
  Fact<std::string> log_file;  ///< where `log` was read if that is not the kernel's own buffer: "/var/log/kern.log"
  Fact<std::vector<std::string>> modules;  ///< loaded, as in /proc/modules (underscores), sorted
  Fact<bool> modules_directory;            ///< /lib/modules has a directory of the running release
  /// Parameters of loaded modules that matter, as /sys/module has them: "i915.max_vfs" -> "7"; "" where the value may
  /// not be read.
  Fact<std::map<std::string, std::string>> parameters;
  Fact<std::vector<std::string>> builtin;  ///< modules.builtin of the running kernel (underscores), sorted
  Fact<std::vector<std::string>> iommus;   ///< /sys/class/iommu: "dmar0", "ivhd0"; empty: no IOMMU
  Fact<bool> interrupt_remapping;          ///< an IR- chip in /proc/interrupts
  Fact<std::string> interrupt_chips;       ///< the evidence: one chip name that decided it
  Fact<bool> dmar_table, ivrs_table;       ///< ACPI tables
  Fact<bool> unsafe_interrupts;            ///< vfio_iommu_type1's allow_unsafe_interrupts
  Fact<bool> efi;                          ///< booted by UEFI: /sys/firmware/efi
  Fact<bool> secure_boot;
  Fact<std::string> container;  ///< what shows that the system is a container: "/run/systemd/container"; "" if nothing does
  Fact<std::string> bootfb;  ///< the /proc/iomem line of BOOTFB/simplefb/efifb/vesafb with its address, "" if none
  Fact<std::map<std::string, std::string>> iomem;  ///< "f0000000-f0ffffff" -> owner, only framebuffer lines
  Extra extra;
  bool operator==(const Kernel&) const = default;
};

struct Host {
  std::string node;  ///< the node's name; "" if unknown
  std::map<PciAddress, Device> devices;
  Fact<bool> groups_known;  ///< /sys/kernel/iommu_groups could be read (an empty directory is known: no groups)
  std::map<int, std::string> group_types;  ///< "identity", "DMA", "DMA-FQ"
  Kernel kernel;
  Fact<std::vector<RunningVm>> running;
  Fact<std::vector<MdevInstance>> mdevs;
  Fact<std::map<std::string, UsbDevice>> usb;  ///< by port
  Fact<std::vector<std::string>> nodes;        ///< of the cluster (corosync.conf), sorted; empty: no cluster
  /// Where links below /dev/disk lead ("/dev/disk/by-id/ata-X" -> "sda"): only those that a configuration names; filled
  /// on request.
  std::map<std::string, std::string> links;
  std::map<std::string, std::string> packages;  ///< installed versions of the packages that matter: qemu-server,
                                                ///< pve-qemu-kvm, pve-manager …; empty: unknown
  Fact<std::string> architecture;               ///< "amd64", "arm64"
  /// Configuration files by path, as they are (boot set-up, modprobe.d, modules, pci.cfg, storage.cfg, interfaces …).
  /// Absent ones are not listed; those that exist and could not be read are in `unreadable`.
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> unreadable;  ///< path -> why
  /// When the initramfs images and the files that go into them were last written (seconds); empty where there is no
  /// image.
  std::map<std::string, std::uint64_t> times;
  /// Option ROM files by name below /usr/share/kvm: what their first bytes say.
  struct RomFile {
    bool exists = false;
    std::uint64_t size = 0;
    Fact<bool> signature;  ///< 55AA at 0
    struct Image {
      std::uint8_t code_type = 0;  ///< 0: legacy BIOS, 3: EFI
      PciId id;
      std::uint64_t length = 0;
      bool last = false;
      Extra extra = {};
      bool operator==(const Image&) const = default;
    };
    std::vector<Image> images;  ///< the PCIR chain as far as it is sound
    bool truncated = false;     ///< the chain points past the end of the file
    Extra extra;
    bool operator==(const RomFile&) const = default;
  };
  std::map<std::string, RomFile> roms;  ///< only those that a configuration names; filled on request
  std::string extra;                    ///< unknown top-level fields of a snapshot, as YAML text

  const Device* find(const PciAddress& address) const;
  const std::string* file(const std::string& path) const;
  /// Devices of a group in address order; bridges included.
  std::vector<const Device*> group(int id) const;
  /// All groups in order.
  std::vector<int> group_ids() const;
  bool operator==(const Host&) const = default;
};

}  // namespace hostpci
