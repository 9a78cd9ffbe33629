// Configuration files that rules read: boot set-up, module options, networks, mappings, storage. Kept as they are, by
// path.
#include <algorithm>
#include <cerrno>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Nothing that an administrator writes is larger; what is larger is told as unreadable.
constexpr std::size_t largest = std::size_t(1) << 20;

bool absent(const Failure& failure) { return failure.code == ENOENT || failure.code == ENOTDIR; }

/// A link to /dev/null masks a file of the same name elsewhere: it reads as empty.
bool is_mask(const FileSystem& system, const std::string& path) {
  auto target = system.read_link(path);
  return target && *target == "/dev/null";
}

/// `listed`: its directory has the name, so that where nothing can be read there is a link.
void keep(const FileSystem& system, const std::string& path, Host& host, bool listed = false) {
  auto bytes = system.read(path);
  if (!bytes && (listed || !absent(bytes.error())) && is_mask(system, path)) bytes = std::string();
  if (!bytes && absent(bytes.error())) return;
  if (!bytes)
    host.unreadable[path] = bytes.error().message;
  else if (bytes->size() > largest)
    host.unreadable[path] = "larger than 1 MiB";
  else
    host.files[path] = std::move(*bytes);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Every file of a directory whose name ends so; hidden ones are nobody's configuration.
void keep_directory(const FileSystem& system, const std::string& directory, std::string_view ending, Host& host) {
  auto names = system.list(directory);
  if (!names && !absent(names.error())) host.unreadable[directory] = names.error().message;
  if (!names) return;
  for (const std::string& name : *names) {
    if (name[0] == '.' || !ends_with(name, ending)) continue;
    std::string path = directory + '/' + name;
    // a folder is no file; whether it is one is asked only where reading failed
    auto kind = ending.empty() ? system.stat(path) : Result<FileStat>(FileStat{});
    if (kind && kind->kind == FileKind::directory) continue;
    keep(system, path, host, true);
  }
}

/// Does this directory only lead to one that was read already (/lib -> /usr/lib)?
bool is_alias(const FileSystem& system, const std::string& directory, const std::string& other) {
  auto a = system.canonical(directory), b = system.canonical(other);
  return a && b && *a == *b;
}

void keep_vendor_directories(const FileSystem& system, const std::string& folder, Host& host) {
  keep_directory(system, "/run/" + folder, ".conf", host);
  keep_directory(system, "/usr/local/lib/" + folder, ".conf", host);
  keep_directory(system, "/usr/lib/" + folder, ".conf", host);
  if (!is_alias(system, "/lib/" + folder, "/usr/lib/" + folder))
    keep_directory(system, "/lib/" + folder, ".conf", host);
}

/// Of grub.cfg only what it boots: the lines that start with menuentry or linux, trimmed.
void keep_grub_menu(const FileSystem& system, const std::string& path, Host& host) {
  auto bytes = system.read(path);
  if (!bytes && absent(bytes.error())) return;
  if (!bytes) {
    host.unreadable[path] = bytes.error().message;
    return;
  }
  std::string& menu = host.files[path];
  for (std::string_view line : split(*bytes, '\n')) {
    line = trim(line);
    auto parts = words(line.substr(0, 16));
    if (parts.empty() ||
        (parts[0] != "menuentry" && parts[0] != "linux" && parts[0] != "linuxefi" && parts[0] != "linux16"))
      continue;
    menu.append(line) += '\n';
  }
}

/// What the boot loader says of itself, UTF-16 behind four bytes of attributes: "systemd-boot 252.12".
void keep_loader_info(const FileSystem& system, Host& host) {
  const std::string path = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
  auto bytes = system.read(path);
  if (!bytes || bytes->size() < 4) return;
  std::string text;
  for (std::size_t i = 4; i + 1 < bytes->size(); i += 2)
    if ((*bytes)[i + 1] == 0 && (*bytes)[i] >= ' ' && (*bytes)[i] <= '~') text += (*bytes)[i];
  host.files[path] = text;
}

void keep_time(const FileSystem& system, const std::string& path, Host& host) {
  if (auto status = system.stat(path); status && status->mtime > 0) host.times[path] = std::uint64_t(status->mtime);
}

/// Is the initramfs older than what belongs into it? Asked by times; without an image there is no question.
void keep_times(const FileSystem& system, Host& host) {
  auto names = system.list("/boot");
  if (!names) return;
  for (const std::string& name : *names)
    if (name.rfind("initrd.img-", 0) == 0 && !ends_with(name, ".bak")) keep_time(system, "/boot/" + name, host);
  if (host.times.empty()) return;
  for (const auto& [path, text] : host.files)
    if (path.rfind("/etc/modprobe.d/", 0) == 0 || path == "/etc/initramfs-tools/modules") keep_time(system, path, host);
}

/// Of the users' file only which guests are in which pool: the rest names people.
void keep_pools(const FileSystem& system, Host& host) {
  const std::string path = "/etc/pve/user.cfg";
  auto text = read_text(system, path);
  if (!text) return;
  std::string pools;
  for (std::string_view line : split(*text, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() > 3 && fields[0] == "pool")
      pools += "pool:" + std::string(fields[1]) + "::" + std::string(fields[3]) + "::\n";
  }
  if (!pools.empty()) host.files[path] = pools;
}

void keep_pve_files(const FileSystem& system, Host& host) {
  for (const char* path :
       {"/etc/pve/mapping/pci.cfg", "/etc/pve/storage.cfg", "/etc/pve/ha/resources.cfg", "/etc/pve/ha/groups.cfg",
        "/etc/pve/ha/rules.cfg", "/etc/pve/jobs.cfg", "/run/qemu-server/pci-id-reservations"})
    keep(system, path, host);
  if (host.files.count("/etc/pve/jobs.cfg")) keep_pools(system, host);
  std::string containers = "/etc/pve/lxc";
  if (!system.stat(containers) && !host.node.empty()) containers = "/etc/pve/nodes/" + host.node + "/lxc";
  keep_directory(system, containers, ".conf", host);
}

}  // namespace

void scan_files(const FileSystem& system, Host& host) {
  for (const char* path :
       {"/etc/default/grub", "/etc/kernel/cmdline", "/etc/kernel/proxmox-boot-uuids", "/etc/kernel/proxmox-boot-pin",
        "/etc/modules", "/etc/initramfs-tools/modules", "/etc/sysfs.conf", "/etc/network/interfaces", "/etc/fstab"})
    keep(system, path, host);
  keep_grub_menu(system, "/boot/grub/grub.cfg", host);
  keep(system, "/boot/grub/grub.conf", host);
  keep(system, "/boot/grub/menu.lst", host);
  keep_directory(system, "/etc/default/grub.d", ".cfg", host);
  // here files with a wrong ending matter too: kmod passes over them
  keep_directory(system, "/etc/modprobe.d", "", host);
  keep_vendor_directories(system, "modprobe.d", host);
  keep_directory(system, "/etc/modules-load.d", ".conf", host);
  keep_vendor_directories(system, "modules-load.d", host);
  keep_directory(system, "/etc/sysfs.d", ".conf", host);
  keep_directory(system, "/etc/udev/rules.d", ".rules", host);
  keep_directory(system, "/etc/network/interfaces.d", "", host);
  keep_pve_files(system, host);
  keep_loader_info(system, host);
  keep_times(system, host);
}

}  // namespace hostpci
