// What `machine:`, `bios:`, `vga:`, `boot:`, `efidisk0:` and `cpu:` of a VM mean.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/vm.hpp"

namespace hostpci {

struct Machine {
  std::string_view type;  ///< as typed: "q35", "pc-q35-8.1+pve0", "virt"; empty: PVE's default (i440fx, virt on arm64)
  bool q35 = false;       ///< PVE's own test: the type contains "q35"
  std::optional<std::pair<int, int>> version;  ///< 8.1
  std::optional<int> pve;                      ///< +pve0
  std::string_view viommu;                     ///< "", "intel", "virtio"
};

Machine machine(std::string_view value);
Machine machine(const Vm&);

bool is_ovmf(const Vm&);
bool is_template(const Vm&);
/// `vga:` – the type ("std", "none", "qxl2"), empty if the key is absent or has no type.
std::string_view vga_type(const Vm&);
/// Device keys of `boot: order=`, in order; empty if there is none.
std::vector<std::string_view> boot_order(const Vm&);
/// MiB; PVE's default 512 where absent.
std::uint64_t memory_mib(const Vm&);
/// ostype is a Windows one (win7, win10, w2k8, wxp …).
bool is_windows(const Vm&);
/// The vCPU architecture: "x86_64" or "aarch64" (`arch:`).
std::string_view architecture(const Vm&);

}  // namespace hostpci
