// A node of a Proxmox VE cluster in memory: pmxcfs with its ways at /etc/pve, an ordinary file system around it.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "system/memory.hpp"

namespace hostpci::test {

/// What befalls one step that changes the cluster's files. A step: "create", "write" (128 KiB at most), "hide", "rename", "remove", "mkdir",
/// "rmdir", "utime".
struct Mishap {
  int code = 0;          ///< told to the caller; 0: all is well
  bool applied = false;  ///< although it failed, it took place
  bool fatal = false;    ///< pmxcfs is dead after it: ENOTCONN until restart()
  bool late = false;     ///< although it failed, it takes place when deliver() is called
};

/// Everything stands in MemoryFileSystem's maps by its real path, so that put(), files() and the like see the node's whole state.
/// Not an ordinary file system below /etc/pve: see pmxcfs_test.cpp, which has a test for each of its ways.
class PmxcfsDouble : public MemoryFileSystem {
 public:
  static constexpr std::size_t largest_file = 1 << 20, largest_write = 128 << 10;
  static constexpr std::uint32_t www_data = 33;
  static constexpr std::int64_t lock_lifetime = 120;  ///< seconds

  /// A quorate cluster of pve1 (this node) and pve2 without guests; /run/lock, /var/lib and /etc exist.
  PmxcfsDouble();

  // What happens to the node and its cluster
  std::function<Mishap(std::string_view step, const std::string& path)> interrupt;  ///< asked before each step
  void set_quorate(bool quorate) { quorate_ = quorate; }
  void fail_database() { failed_ = true; }  ///< /var/lib/pve-cluster is full: EIO, and it stays so until restart()
  void die() { dead_ = true; }
  void deliver();  ///< what was underway to the other nodes arrives
  void restart();  ///< of pmxcfs: files that were open are no longer
  void unmount();  ///< leaves a plain, empty directory
  void mount();
  void pass(std::int64_t seconds) { clock_ += seconds; }
  std::int64_t clock() const { return clock_; }

  // What other processes and nodes do
  void open_file(const std::string& place);   ///< a process of this node has the file open
  void close_file(const std::string& place);  ///< and no longer
  void hide_for(const std::string& place, int reads) { hidden_reads_[place] = reads; }  ///< absent for that many looks at it
  void write_elsewhere(const std::string& place, std::string bytes);                   ///< on another node: our sizes are late by a second
  void migrate(std::uint32_t vmid, const std::string& node);
  void destroy(std::uint32_t vmid);
  void hold_cluster_lock(const std::string& id);  ///< by pve2
  bool is_locked(const std::string& path) const { return held_->count(path) > 0; }
  /// A lock that another process of this node holds until the result ends.
  std::unique_ptr<FileLock> hold(const std::string& path);

  std::string root() const override { return "/"; }  ///< the engine shall take it for a running node

  Result<std::string> read(const std::string& path) const override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<std::string> read_link(const std::string& path) const override;
  Result<FileStat> stat(const std::string& path, bool follow = true) const override;
  Result<std::string> canonical(const std::string& path) const override;
  Status create(const std::string& path, std::string_view bytes, std::uint32_t mode, bool durable) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status copy_metadata(const std::string& from, const std::string& to) override;
  Status touch(const std::string& path, std::int64_t seconds) override;
  Status make_directory(const std::string& path) override;
  Status make_one_directory(const std::string& path) override;
  Status remove_directory(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status sync_file(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path, int milliseconds) override;

 private:
  struct ClusterLock {
    bool ours = true;
    std::int64_t refreshed = 0;
  };
  struct LateSize {
    std::uint64_t size = 0;
    std::int64_t until = 0;
  };

  bool in_cluster(std::string_view place) const;
  int reachable(std::string_view place) const { return dead_ && in_cluster(place) ? ENOTCONN : 0; }
  Result<std::string> place_of(std::string_view verb, const std::string& path) const;
  bool is_file(const std::string& place) const { return files_.count(place) > 0; }
  bool vanished(const std::string& place) const;
  bool taken(const std::string& place, const std::string& except) const;
  int step(std::string_view name, const std::string& place, const std::function<int()>& change);
  int create_in_cluster(const std::string& place, std::string_view bytes, bool& made);
  int rename_in_cluster(const std::string& from, const std::string& to);
  int hide(const std::string& place);
  void erase(const std::string& place);
  int touch_in_cluster(const std::string& place, std::int64_t seconds);
  void stamp(const std::string& place) { attributes_[place].mtime = clock_; }
  std::string generated(const std::string& place) const;
  std::uint32_t cluster_mode(const std::string& place, FileKind kind) const;

  bool quorate_ = true, failed_ = false, dead_ = false, mounted_ = true;
  std::int64_t clock_ = 1700000000;
  int hidden_count_ = 0;
  std::vector<std::function<int()>> late_;
  std::map<std::string, std::string> open_files_;  ///< the place it was opened at -> where it stands now
  std::map<std::string, ClusterLock> cluster_locks_;
  std::map<std::string, LateSize> late_sizes_;
  std::map<std::string, std::string> unmounted_files_;
  std::shared_ptr<std::set<std::string>> held_ = std::make_shared<std::set<std::string>>();
  mutable std::map<std::string, int> hidden_reads_;
  mutable std::uint64_t next_inode_ = 1;
};

}  // namespace hostpci::test
