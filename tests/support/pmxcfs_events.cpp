// What happens to the node and its cluster: quorum, crashes, mounts, other processes, other nodes.
#include <utility>

#include "tests/support/pmxcfs_double.hpp"
#include "tests/support/pmxcfs_names.hpp"

namespace hostpci::test {
namespace {

const std::string mount_point = "/etc/pve";

class HeldLock : public FileLock {
 public:
  HeldLock(std::shared_ptr<std::set<std::string>> held, std::string path) : held_(std::move(held)), path_(std::move(path)) {
    held_->insert(path_);
  }
  ~HeldLock() override { held_->erase(path_); }

 private:
  std::shared_ptr<std::set<std::string>> held_;
  std::string path_;
};

}  // namespace

PmxcfsDouble::PmxcfsDouble() {
  for (const char* name : {"nodes/pve1/qemu-server", "nodes/pve1/lxc", "nodes/pve1/priv", "nodes/pve2/qemu-server", "nodes/pve2/lxc",
                           "priv/lock", "mapping"})
    directories_.insert(mount_point + "/" + name);
  for (const char* name : {".version", ".members", ".vmlist", ".clusterlog", ".rrd"}) files_[mount_point + "/" + name];
  put_link(mount_point + "/local", "nodes/pve1");
  put_link(mount_point + "/qemu-server", "nodes/pve1/qemu-server");
  put_link(mount_point + "/lxc", "nodes/pve1/lxc");
  put_link("/var/lock", "/run/lock");
  for (const char* path : {"/run/lock", "/var/lib", "/etc"}) directories_.insert(path);
  put("/etc/hostname", "pve1\n");
}

void PmxcfsDouble::deliver() {
  for (const auto& change : std::exchange(late_, {})) change();
}

void PmxcfsDouble::restart() {
  dead_ = failed_ = false;
  open_files_.clear();  // what was hidden keeps its odd name
}

void PmxcfsDouble::unmount() {
  mounted_ = false;
  for (auto entry = files_.begin(); entry != files_.end();) {
    bool ours = entry->first.starts_with(mount_point + "/");
    if (ours) unmounted_files_.insert(*entry);
    entry = ours ? files_.erase(entry) : std::next(entry);
  }
  std::erase_if(links_, [](const auto& link) { return link.first.starts_with(mount_point + "/"); });
  std::erase_if(directories_, [](const auto& path) { return path.starts_with(mount_point + "/"); });
  directories_.insert(mount_point);
}

void PmxcfsDouble::mount() {
  std::map<std::string, std::string> files = std::move(files_), links = std::move(links_);
  PmxcfsDouble fresh;
  std::erase_if(files, [](const auto& file) { return file.first.starts_with(mount_point + "/"); });
  files.insert(unmounted_files_.begin(), unmounted_files_.end());
  links.insert(fresh.links_.begin(), fresh.links_.end());
  files_ = std::move(files), links_ = std::move(links);
  directories_.insert(fresh.directories_.begin(), fresh.directories_.end());
  unmounted_files_.clear();
  mounted_ = true;
}

void PmxcfsDouble::open_file(const std::string& place) { open_files_[place] = place; }

void PmxcfsDouble::close_file(const std::string& place) {
  auto open = open_files_.find(place);
  if (open == open_files_.end()) return;
  if (open->second != place) files_.erase(open->second);
  open_files_.erase(open);
}

void PmxcfsDouble::write_elsewhere(const std::string& place, std::string bytes) {
  if (is_file(place)) late_sizes_[place] = {files_[place].size(), clock_ + 1};
  files_[place] = std::move(bytes);
  stamp(place);
}

void PmxcfsDouble::migrate(std::uint32_t vmid, const std::string& node) {
  const std::string nodes = mount_point + "/nodes/", name = "/qemu-server/" + std::to_string(vmid) + ".conf";
  auto file = files_.extract(nodes + "pve1" + name);
  file.key() = nodes + node + name;
  files_.insert(std::move(file));
}

void PmxcfsDouble::destroy(std::uint32_t vmid) {
  std::erase_if(files_, [&](const auto& file) {
    auto guest = guest_name(file.first);
    return guest && guest->vmid == vmid;
  });
}

void PmxcfsDouble::hold_cluster_lock(const std::string& id) {
  std::string place = mount_point + "/priv/lock/" + id;
  directories_.insert(place);
  cluster_locks_[place] = {false, clock_};
}

std::unique_ptr<FileLock> PmxcfsDouble::hold(const std::string& path) {
  return std::make_unique<HeldLock>(held_, *MemoryFileSystem::canonical(path));
}

}  // namespace hostpci::test
