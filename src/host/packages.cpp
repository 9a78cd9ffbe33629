// Versions of installed packages out of dpkg's own files: nothing is run.
#include <algorithm>
#include <array>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::array<std::string_view, 20> wanted{"dpkg",  // on every such system: one that was read is never empty
                                                  "dracut",
                                                  "driverctl",
                                                  "grub-efi-amd64",
                                                  "grub-pc",
                                                  "initramfs-tools",
                                                  "intel-microcode",
                                                  "amd64-microcode",
                                                  "libpve-common-perl",
                                                  "libpve-guest-common-perl",
                                                  "ovmf",
                                                  "proxmox-kernel-helper",
                                                  "proxmox-ve",
                                                  "pve-edk2-firmware",
                                                  "pve-manager",
                                                  "pve-nvidia-vgpu-helper",
                                                  "pve-qemu-kvm",
                                                  "qemu-server",
                                                  "sysfsutils",
                                                  "systemd-boot"};

/// The value of a field of one stanza; fields stand at line starts.
std::string_view field(std::string_view stanza, std::string_view name) {
  for (std::size_t at = 0; at < stanza.size();) {
    std::size_t end = std::min(stanza.find('\n', at), stanza.size());
    std::string_view line = stanza.substr(at, end - at);
    if (line.substr(0, name.size()) == name && line.substr(name.size(), 1) == ":")
      return trim(line.substr(name.size() + 1));
    at = end + 1;
  }
  return {};
}

bool is_installed(std::string_view status) {
  auto parts = words(status);
  return parts.size() == 3 && parts[2] == "installed";
}

void read_stanza(std::string_view stanza, std::map<std::string, std::string>& packages) {
  std::string_view package = field(stanza, "Package");
  if (std::find(wanted.begin(), wanted.end(), package) == wanted.end()) return;
  if (is_installed(field(stanza, "Status"))) packages[std::string(package)] = field(stanza, "Version");
}

}  // namespace

void scan_packages(const FileSystem& system, Host& host) {
  if (auto status = read_text(system, "/var/lib/dpkg/status")) {
    std::string_view rest = *status;
    while (!rest.empty()) {
      std::size_t end = std::min(rest.find("\n\n"), rest.size());
      read_stanza(rest.substr(0, end), host.packages);
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  }
  // the first architecture listed is the native one; a system without foreign ones has no such file or an empty one
  auto list = read_text(system, "/var/lib/dpkg/arch");
  auto names = list ? words(*list) : std::vector<std::string_view>();
  if (!names.empty()) host.architecture = std::string(names[0]);
}

}  // namespace hostpci
