// Traces of how the host boots that are no configuration: which tools are installed, what the firmware starts, and the
// files that make boot entries.
#include <algorithm>

#include "host/parts.hpp"

namespace hostpci {
namespace {

/// Those of some tools that a directory has, as a text under the directory's name with a slash behind it.
void keep_tools(const FileSystem& system, const std::string& directory, Host& host) {
  if (!system.stat(directory)) return;
  std::string present;
  for (const char* name : {"dracut", "grub-mkconfig", "grub2-mkconfig", "grubby", "kernel-install", "mkinitcpio",
                           "mkinitramfs", "proxmox-boot-tool", "sdbootutil", "update-grub", "update-initramfs"})
    if (system.stat(directory + '/' + name)) present.append(name) += '\n';
  host.files[directory + '/'] = std::move(present);
}

void keep_file(const FileSystem& system, const std::string& path, Host& host) {
  if (auto bytes = system.read(path)) host.files[path] = std::move(*bytes);
}

void keep_entries(const FileSystem& system, Host& host) {
  const std::string directory = "/boot/loader/entries";
  auto names = system.list(directory);
  if (!names) return;
  for (const std::string& name : *names)
    if (name[0] != '.' && name.size() > 5 && name.substr(name.size() - 5) == ".conf")
      keep_file(system, directory + '/' + name, host);
}

std::size_t little_endian(std::string_view bytes, std::size_t at) {
  return at + 1 < bytes.size() ? std::size_t((unsigned char)bytes[at]) | std::size_t((unsigned char)bytes[at + 1]) << 8 : 0;
}

std::string narrow(std::string_view utf16) {
  std::string text;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2)
    if (utf16[i + 1] == 0 && utf16[i] >= ' ' && utf16[i] <= '~') text += utf16[i];
  return text;
}

/// The bytes of a GUID in the order in which they are written: "8be4df61-93ca-11d2-aa0d-00e098032b8c".
std::string guid(std::string_view bytes) {
  constexpr int order[] = {3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int i : order) {
    unsigned byte = i < 0 ? 0 : (unsigned char)bytes[std::size_t(i)];
    if (i < 0)
      text += '-';
    else
      (text += digits[byte >> 4]) += digits[byte & 15];
  }
  return text;
}

/// The partition and the file of an EFI_LOAD_OPTION: "PARTUUID \EFI\systemd\systemd-bootx64.efi"; empty if it has none.
/// Source: UEFI specification 3.1.3 and 10.3.5 (hard drive: type 4, subtype 1; file path: type 4, subtype 4).
std::string load_option(std::string_view bytes) {
  std::size_t at = 4 + 6;  // the variable's attributes; the option's attributes and the length of its paths
  while (at + 1 < bytes.size() && little_endian(bytes, at) != 0) at += 2;
  std::string partition, file;
  for (at += 2; at + 4 <= bytes.size();) {
    std::size_t length = little_endian(bytes, at + 2);
    if (length < 4 || at + length > bytes.size() || bytes[at] == 0x7f) break;
    if (bytes[at] == 4 && bytes[at + 1] == 1 && length >= 42) partition = guid(bytes.substr(at + 24, 16));
    if (bytes[at] == 4 && bytes[at + 1] == 4) file += narrow(bytes.substr(at + 4, length - 4));
    at += length;
  }
  return partition.empty() || file.empty() ? std::string() : partition + ' ' + file;
}

/// Boot0000-… to BootFFFF-… of the firmware, read into text.
void keep_firmware_entries(const FileSystem& system, Host& host) {
  const std::string directory = "/sys/firmware/efi/efivars";
  auto names = system.list(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.size() < 9 || name.rfind("Boot", 0) != 0 || name[8] != '-') continue;
    auto bytes = system.read(directory + '/' + name);
    std::string option = bytes ? load_option(*bytes) : std::string();
    if (!option.empty()) host.files[directory + '/' + name] = std::move(option);
  }
}

}  // namespace

void scan_boot_evidence(const FileSystem& system, Host& host) {
  keep_tools(system, "/usr/sbin", host);
  keep_tools(system, "/usr/bin", host);
  for (const char* path : {"/etc/os-release", "/etc/hostpci/added", "/etc/initramfs-tools/hooks/hostpci",
                           "/etc/dracut.conf.d/hostpci.conf", "/etc/mkinitcpio.conf.d/hostpci.conf"})
    keep_file(system, path, host);
  keep_entries(system, host);
  keep_firmware_entries(system, host);
}

}  // namespace hostpci
