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

struct Swap {
  std::string path;
  bool file = false;  ///< on a file system, not a device
};

/// What a ZFS pool carries.
struct PoolUse {
  UseKind kind;
  std::string detail;
  bool critical;
};

using Pools = std::map<std::string, std::vector<PoolUse>>;
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

Fact<std::vector<Swap>> read_swaps(const FileSystem& system) {
  auto text = system.read("/proc/swaps");
  if (!text && text.error().code != ENOENT) return {};
  std::vector<Swap> swaps;
  if (!text) return swaps;
  for (std::string_view line : split(*text, '\n'))
    if (auto parts = words(line); parts.size() > 1 && parts[0] != "Filename")
      swaps.push_back({unescape(parts[0]), parts[1] == "file"});
  return swaps;
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

/// File systems that lie on block devices which the mount table can name.
bool is_disk_type(std::string_view type) {
  for (std::string_view own : {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs"})
    if (type == own) return true;
  return false;
}

bool lies_below(std::string_view path, std::string_view point) {
  if (point == "/") return true;
  return path.substr(0, point.size()) == point && (path.size() == point.size() || path[point.size()] == '/');
}

/// The mount that hides all others at this path: the longest mount point, the last one mounted there.
const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* found = nullptr;
  for (const Mount& mount : mounts)
    if (lies_below(path, mount.point) && (!found || mount.point.size() >= found->point.size())) found = &mount;
  return found;
}

std::string pool_of(std::string_view dataset) { return std::string(dataset.substr(0, dataset.find('/'))); }

class BlockUses {
 public:
  BlockUses(const FileSystem& system, Blocks blocks, UseTable& table)
      : system_(system), blocks_(std::move(blocks)), table_(table) {}

  void run(const Fact<std::vector<Mount>>& mounts, const Fact<std::vector<Swap>>& swaps) {
    add_disks();
    if (!mounts || !swaps) return forget();
    for (const Mount& mount : *mounts) add_on(mount, UseKind::filesystem, mount.point, is_system(mount.point));
    for (const Swap& swap : *swaps) add_swap(swap, *mounts);
    add_members();
    const Mount* root = mount_of(*mounts, "/");
    if (root && !is_traced(*root)) forget();
  }

 private:
  void add(UseKind kind, const std::string& name, const std::string& detail, bool critical) {
    if (std::string pool = pool_of_volume(name); !pool.empty()) pools_[pool].push_back({kind, detail, critical});
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

  void add_on(const Mount& mount, UseKind kind, const std::string& detail, bool critical) {
    if (mount.type == "zfs") pools_[pool_of(mount.source)].push_back({kind, detail, critical});
    for (const std::string& name : blocks_of(mount)) add(kind, name, detail, critical);
  }

  void add_swap(const Swap& swap, const std::vector<Mount>& mounts) {
    if (!swap.file) return add(UseKind::swap, block_of_path(swap.path), "", true);
    if (const Mount* mount = mount_of(mounts, swap.path)) add_on(*mount, UseKind::swap, swap.path, true);
  }

  std::vector<std::string> blocks_of(const Mount& mount) const {
    std::string name = block_of_number(mount.number);
    if (!blocks_.count(name)) name = block_of_path(mount.source);
    if (name.empty()) return {};
    return mount.type == "btrfs" ? btrfs_members(name) : std::vector<std::string>{name};
  }

  /// All devices of the file system that this one is of: the mount table names one of them.
  std::vector<std::string> btrfs_members(const std::string& name) const {
    auto uuids = system_.list("/sys/fs/btrfs");
    for (const std::string& uuid : uuids ? *uuids : std::vector<std::string>()) {
      auto members = system_.list("/sys/fs/btrfs/" + uuid + "/devices");
      if (members && std::find(members->begin(), members->end(), name) != members->end()) return *members;
    }
    return {name};
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

  /// Members of ZFS pools, and EFI system partitions by UUID, which sysfs does not tell.
  void add_members() {
    auto uuids = system_.read("/etc/kernel/proxmox-boot-uuids");
    std::vector<std::string_view> esps = uuids ? words(*uuids) : std::vector<std::string_view>();
    if (pools_.empty() && esps.empty()) return;
    for (const auto& [name, block] : blocks_)
      if (!block.stacked || !is_logical_volume(name)) add_member(name, esps);
  }

  /// What a guest has on its volume is no pool of the host, whatever its label.
  bool is_logical_volume(const std::string& name) const {
    auto uuid = system_.read("/sys/class/block/" + name + "/dm/uuid");
    return uuid && uuid->substr(0, 4) == "LVM-";
  }

  void add_member(const std::string& name, const std::vector<std::string_view>& esps) {
    std::string record = udev_record(name), label(property(record, "ID_FS_LABEL"));
    std::string_view uuid = property(record, "ID_FS_UUID");
    if (std::find(esps.begin(), esps.end(), uuid) != esps.end() && !uuid.empty())
      add(UseKind::filesystem, name, "EFI system partition of proxmox-boot-tool", true);
    auto pool = pools_.find(label);
    if (property(record, "ID_FS_TYPE") != "zfs_member" || pool == pools_.end()) return;
    traced_.insert(label);
    for (const PoolUse& use : pool->second)
      if (!is_volume(name)) add(use.kind, name, use.detail, use.critical);
  }

  /// Empty if there is none.
  std::string udev_record(const std::string& name) const {
    auto number = system_.read("/sys/class/block/" + name + "/dev");
    auto record = number ? system_.read("/run/udev/data/b" + std::string(trim(*number))) : number;
    return record ? *record : "";
  }

  /// "zd16", "zd16p2": a volume of ZFS.
  static bool is_volume(std::string_view name) {
    return name.substr(0, 2) == "zd" && name.size() > 2 && name[2] >= '0' && name[2] <= '9';
  }

  std::string pool_of_volume(const std::string& name) const {
    if (!is_volume(name)) return "";
    std::string record = udev_record(name);
    for (std::string_view line : split(record, '\n'))
      if (line.substr(0, 7) == "S:zvol/") return pool_of(line.substr(7));
    return "";
  }

  static std::string_view property(std::string_view record, std::string_view key) {
    for (std::string_view line : split(record, '\n'))
      if (line.substr(0, 2) == "E:" && line.substr(2, key.size()) == key && line.substr(2 + key.size(), 1) == "=")
        return line.substr(3 + key.size());
    return {};
  }

  /// Its disks are known, or it is of a kind that needs none here. Without udev's records (in a container) no pool can
  /// be traced.
  bool is_traced(const Mount& mount) const {
    if (mount.type == "zfs") return traced_.count(pool_of(mount.source)) || !system_.list("/run/udev/data");
    return !is_disk_type(mount.type) || !blocks_of(mount).empty();
  }

  /// What a disk carries is unknown, unless it is known to be needed: without the mount table, or with a root file
  /// system on disks that cannot be found.
  void forget() {
    for (const auto& [name, block] : blocks_)
      for (const PciAddress& device : block.devices) {
        const std::vector<Use>& uses = table_.uses[device];
        bool needed = std::any_of(uses.begin(), uses.end(), [](const Use& use) { return use.critical; });
        if (!needed) table_.unknown.insert(device);
      }
  }

  const FileSystem& system_;
  Blocks blocks_;
  UseTable& table_;
  Pools pools_;
  std::set<std::string> traced_;  ///< pools with a member that is a block device here
};

}  // namespace

void find_block_uses(const FileSystem& system, const std::vector<ClassEntry>& entries, UseTable& table) {
  bool any = std::any_of(entries.begin(), entries.end(), [](const ClassEntry& e) {
    return last_address(e.target) || e.target.find("/nvme-subsystem/") != std::string::npos;
  });
  if (any) BlockUses(system, read_blocks(system, entries, table), table).run(read_mounts(system), read_swaps(system));
}

}  // namespace hostpci
