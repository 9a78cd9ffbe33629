// Disks: which device each stands below, and what the host has on it, through partitions and stacked block devices.
#include <algorithm>
#include <cerrno>

#include "host/uses_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

struct Block {
  std::set<PciAddress> devices;    ///< that it stands below
  std::vector<std::string> below;  ///< the disk of a partition, the slaves of a stacked device
  bool partition = false, stacked = false;
};

struct Mount {
  std::string number, point, type, source;  ///< number: "8:2"
};

using Blocks = std::map<std::string, Block>;

/// "\040" is a blank in the kernel's tables.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto code = text[i] == '\\' && i + 3 < text.size() ? number(text.substr(i + 1, 3), 8) : std::nullopt;
    result += code ? char(*code) : text[i];
    if (code) i += 3;
  }
  return result;
}

/// "36 35 98:0 /root /mnt rw - ext4 /dev/sda2 rw": the fields behind " - " are the type and the source.
std::optional<Mount> mountinfo_line(std::string_view line) {
  auto parts = words(line);
  auto dash = std::find(parts.begin(), parts.end(), "-");
  if (parts.size() < 6 || parts.end() - dash < 3) return {};
  return Mount{std::string(parts[2]), unescape(parts[4]), std::string(dash[1]), unescape(dash[2])};
}

std::optional<Mount> mounts_line(std::string_view line) {
  auto parts = words(line);
  if (parts.size() < 3) return {};
  return Mount{"", unescape(parts[1]), std::string(parts[2]), unescape(parts[0])};
}

Fact<std::vector<Mount>> read_mounts(const FileSystem& system) {
  auto text = read_text(system, "/proc/self/mountinfo");
  auto parse = mountinfo_line;
  if (!text) {
    text = read_text(system, "/proc/mounts");
    parse = mounts_line;
  }
  if (!text) return {};
  std::vector<Mount> mounts;
  for (std::string_view line : split(*text, '\n'))
    if (auto mount = parse(line)) mounts.push_back(std::move(*mount));
  return mounts;
}

Fact<std::vector<std::string>> read_swaps(const FileSystem& system) {
  auto text = system.read("/proc/swaps");
  if (!text && text.error().code != ENOENT) return {};
  std::vector<std::string> sources;
  if (!text) return sources;
  for (std::string_view line : split(*text, '\n'))
    if (auto parts = words(line); parts.size() > 1 && parts[0] != "Filename") sources.push_back(unescape(parts[0]));
  return sources;
}

/// NVMe multipath puts the disk below a virtual subsystem, whose folder links to its controllers.
void add_multipath(const FileSystem& system, const std::string& target, const UseTable& table, Block& block) {
  std::size_t end = target.rfind('/');
  std::string directory = "/sys" + target.substr(target.find("/devices/"), end - target.find("/devices/"));
  auto names = system.list(directory);
  if (!names) return;
  for (const std::string& name : *names) {
    if (name.substr(0, 4) != "nvme") continue;
    auto link = system.read_link(directory + '/' + name);
    if (link) block.devices.merge(carriers(table, *link));
  }
}

Blocks read_blocks(const FileSystem& system, const std::vector<ClassEntry>& entries, const UseTable& table) {
  Blocks blocks;
  for (const ClassEntry& entry : entries) blocks[entry.name];
  for (const auto& [name, target] : entries) {
    Block& block = blocks[name];
    block.devices = carriers(table, target);
    std::size_t slash = target.rfind('/');
    std::string_view above = base_name(std::string_view(target).substr(0, slash == std::string::npos ? 0 : slash));
    block.partition = above != name && blocks.count(std::string(above));
    if (block.partition) block.below.emplace_back(above);
    if (target.find("/nvme-subsystem/") != std::string::npos && !block.partition)
      add_multipath(system, target, table, block);
    block.stacked = block.devices.empty() && !block.partition;
    if (!block.stacked) continue;
    if (auto slaves = system.list("/sys/class/block/" + name + "/slaves")) block.below = std::move(*slaves);
  }
  return blocks;
}

std::set<PciAddress> devices_below(const Blocks& blocks, const std::string& name, int depth = 0) {
  auto found = blocks.find(name);
  if (found == blocks.end() || depth > 16) return {};
  std::set<PciAddress> result = found->second.devices;
  for (const std::string& lower : found->second.below) result.merge(devices_below(blocks, lower, depth + 1));
  return result;
}

/// What the host cannot do without: its system and boot file systems.
bool is_system(std::string_view point) {
  for (std::string_view own : {"/", "/usr", "/var", "/var/lib", "/boot", "/boot/efi", "/efi", "/etc"})
    if (point == own) return true;
  return false;
}

class BlockUses {
 public:
  BlockUses(const FileSystem& system, Blocks blocks, UseTable& table)
      : system_(system), blocks_(std::move(blocks)), table_(table) {}

  void run(const Fact<std::vector<Mount>>& mounts, const Fact<std::vector<std::string>>& swaps) {
    add_disks();
    if (!mounts || !swaps) return forget();
    for (const Mount& mount : *mounts) add_mount(mount);
    for (const std::string& source : *swaps) add(UseKind::swap, block_of_path(source), "", true);
    add_members(*mounts);
  }

 private:
  void add(UseKind kind, const std::string& name, const std::string& detail, bool critical) {
    for (const PciAddress& device : devices_below(blocks_, name))
      table_.uses[device].push_back({kind, name, detail, critical});
  }

  /// Whole disks with the names of what is stacked on them.
  void add_disks() {
    for (const auto& [name, block] : blocks_)
      if (!block.partition && !block.stacked) add(UseKind::disk, name, stacked_on(name), false);
  }

  std::string stacked_on(const std::string& disk) const {
    std::vector<std::string> names;
    for (const auto& [name, block] : blocks_)
      if (block.stacked && reaches(name, disk, 0)) names.push_back(stack_name(name));
    std::sort(names.begin(), names.end());
    return names.empty() ? "" : "holds " + join(names, ", ");
  }

  bool reaches(const std::string& name, const std::string& disk, int depth) const {
    auto found = blocks_.find(name);
    if (found == blocks_.end() || depth > 16) return false;
    for (const std::string& lower : found->second.below)
      if (lower == disk || reaches(lower, disk, depth + 1)) return true;
    return false;
  }

  std::string stack_name(const std::string& name) const {
    auto text = system_.read("/sys/class/block/" + name + "/dm/name");
    return text ? std::string(trim(*text)) : name;
  }

  void add_mount(const Mount& mount) {
    std::string name = block_of_number(mount.number);
    if (name.empty()) name = block_of_path(mount.source);
    if (!name.empty()) add(UseKind::filesystem, name, mount.point, is_system(mount.point));
  }

  std::string block_of_number(const std::string& number) const {
    if (number.empty() || number.substr(0, 2) == "0:") return "";
    auto link = system_.read_link("/sys/dev/block/" + number);
    return link ? std::string(base_name(*link)) : "";
  }

  /// "/dev/sda2", "/dev/mapper/pve-root", or any link to such a node.
  std::string block_of_path(const std::string& path) const {
    if (path.substr(0, 5) != "/dev/") return "";
    std::string name(base_name(path));
    if (path == "/dev/" + name && blocks_.count(name)) return name;
    for (const auto& [block, facts] : blocks_)
      if (facts.stacked && path == "/dev/mapper/" + stack_name(block)) return block;
    auto real = system_.canonical(path);
    std::string last(real ? base_name(*real) : "");
    return blocks_.count(last) ? last : "";
  }

  /// udev's record of a block device, for what sysfs does not tell: members of ZFS pools, and EFI system partitions by
  /// UUID.
  void add_members(const std::vector<Mount>& mounts) {
    std::map<std::string, std::vector<std::string>> pools;
    for (const Mount& mount : mounts)
      if (mount.type == "zfs") pools[mount.source.substr(0, mount.source.find('/'))].push_back(mount.point);
    auto uuids = system_.read("/etc/kernel/proxmox-boot-uuids");
    std::vector<std::string_view> esps = uuids ? words(*uuids) : std::vector<std::string_view>();
    if (pools.empty() && esps.empty()) return;
    for (const auto& [name, block] : blocks_)
      if (!block.stacked) add_member(name, pools, esps);
  }

  void add_member(const std::string& name, const std::map<std::string, std::vector<std::string>>& pools,
                  const std::vector<std::string_view>& esps) {
    auto number = system_.read("/sys/class/block/" + name + "/dev");
    auto record =
        number ? system_.read("/run/udev/data/b" + std::string(trim(*number))) : Result<std::string>(std::string());
    if (!record) return;
    std::string type(property(*record, "ID_FS_TYPE")), label(property(*record, "ID_FS_LABEL")),
        uuid(property(*record, "ID_FS_UUID"));
    if (std::find(esps.begin(), esps.end(), uuid) != esps.end() && !uuid.empty())
      add(UseKind::filesystem, name, "EFI system partition of proxmox-boot-tool", true);
    auto pool = pools.find(label);
    if (type != "zfs_member" || pool == pools.end()) return;
    for (const std::string& point : pool->second) add(UseKind::filesystem, name, point, is_system(point));
  }

  static std::string_view property(std::string_view record, std::string_view key) {
    for (std::string_view line : split(record, '\n'))
      if (line.substr(0, 2) == "E:" && line.substr(2, key.size()) == key && line.substr(2 + key.size(), 1) == "=")
        return line.substr(3 + key.size());
    return {};
  }

  /// Without the mount table, what a disk carries is unknown.
  void forget() {
    for (const auto& [name, block] : blocks_)
      for (const PciAddress& device : block.devices) table_.unknown.insert(device);
  }

  const FileSystem& system_;
  Blocks blocks_;
  UseTable& table_;
};

}  // namespace

void find_block_uses(const FileSystem& system, const std::vector<ClassEntry>& entries, UseTable& table) {
  bool any = std::any_of(entries.begin(), entries.end(), [](const ClassEntry& e) {
    return last_address(e.target) || e.target.find("/nvme-subsystem/") != std::string::npos;
  });
  if (any) BlockUses(system, read_blocks(system, entries, table), table).run(read_mounts(system), read_swaps(system));
}

}  // namespace hostpci
