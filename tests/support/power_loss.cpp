// Calls become changes of directory entries and of bytes, each in a queue whose head is on the disk and whose tail may be.
#include "tests/support/power_loss.hpp"

#include <algorithm>
#include <cassert>

namespace hostpci::test {
namespace {

constexpr int no_inode = -1;

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string last(const std::string& path) { return path.substr(path.rfind('/') + 1); }

struct Inode {
  bool directory = false;
  std::map<std::string, int> entries;
  std::string bytes;
};

/// Changes that reach the disk together.
struct Step {
  struct Entry {
    int directory;
    std::string name;
    int inode;  ///< no_inode: the name goes
  };
  std::vector<Entry> entries;
  int written = no_inode;  ///< the bytes of this file
};

/// Steps that reach the disk in their order; the first `synced` of them have.
struct Queue {
  std::vector<Step> steps;
  std::size_t synced = 0;
};

class Disk {
 public:
  Disk(const DiskState& start, const PowerLoss& rules) : rules_(rules) {
    inodes_.push_back({true, {}, ""});
    for (const std::string& path : start.directories) enter(path, add({true, {}, ""}));
    for (const auto& [path, bytes] : start.files) enter(path, add({false, {}, bytes}));
    platter_ = inodes_;
  }

  void call(const Recorded& r) {
    switch (r.change) {
      case Change::create: return create(r);
      case Change::rename: return move(r);
      case Change::make_directory: return link(r.path, add({true, {}, ""}));
      case Change::remove:
      case Change::remove_directory: return link(r.path, no_inode);
      case Change::sync_file: return sync_file(r.path);
      case Change::sync_directory: return sync_directory(r.path);
    }
  }

  std::set<DiskState> states() const {
    std::vector<const Queue*> queues;
    for (const auto& [name, queue] : queues_) queues.push_back(&queue);
    std::set<DiskState> found;
    choose(queues, 0, platter_, found);
    return found;
  }

 private:
  int add(Inode inode) {
    inodes_.push_back(std::move(inode));
    platter_.push_back({inodes_.back().directory, {}, ""});
    return int(inodes_.size()) - 1;
  }

  int find(const std::string& path) const {
    int at = 0;
    for (std::size_t begin = 1; begin < path.size() && at != no_inode;) {
      std::size_t end = std::min(path.find('/', begin), path.size());
      auto entry = inodes_[std::size_t(at)].entries.find(path.substr(begin, end - begin));
      at = entry == inodes_[std::size_t(at)].entries.end() ? no_inode : entry->second;
      begin = end + 1;
    }
    return at;
  }

  /// Of the start: missing directories are made on the way.
  void enter(const std::string& path, int inode) {
    if (!parent(path).empty() && find(parent(path)) == no_inode) enter(parent(path), add({true, {}, ""}));
    if (find(path) == no_inode) inodes_[std::size_t(find(parent(path)))].entries[last(path)] = inode;
  }

  bool in_pmxcfs(const std::string& path) const { return rules_.pmxcfs && path.starts_with("/etc/pve/"); }

  Queue& queue_of(const std::string& path) {
    if (in_pmxcfs(path)) return queues_["pmxcfs"];
    return queues_[rules_.ordering == Ordering::journal ? "journal" : std::to_string(find(parent(path)))];
  }

  void take(const std::string& path, Step step) {
    for (const Step::Entry& e : step.entries) {
      auto& entries = inodes_[std::size_t(e.directory)].entries;
      if (e.inode == no_inode)
        entries.erase(e.name);
      else
        entries[e.name] = e.inode;
    }
    queue_of(path).steps.push_back(std::move(step));
  }

  void link(const std::string& path, int inode) { take(path, {{{find(parent(path)), last(path), inode}}, no_inode}); }

  void create(const Recorded& r) {
    int inode = add({false, {}, r.bytes});
    link(r.path, inode);
    if (in_pmxcfs(r.path))
      take(r.path, {{}, inode});
    else if (r.durable)
      platter_[std::size_t(inode)].bytes = r.bytes;
    else if (!r.bytes.empty())
      unsynced_.insert(inode);
  }

  void move(const Recorded& r) {
    assert(parent(r.path) == parent(r.to));  // one step in one directory
    int directory = find(parent(r.path)), inode = find(r.path);
    take(r.path, {{{directory, last(r.path), no_inode}, {directory, last(r.to), inode}}, no_inode});
  }

  void sync_file(const std::string& path) {
    if (path == pmxcfs_log) queues_["pmxcfs"].synced = queues_["pmxcfs"].steps.size();
    int inode = find(path);
    if (in_pmxcfs(path) || inode == no_inode) return;
    platter_[std::size_t(inode)].bytes = inodes_[std::size_t(inode)].bytes;
    unsynced_.erase(inode);
  }

  void sync_directory(const std::string& path) {
    if (in_pmxcfs(path + "/")) return;
    Queue& queue = queue_of(path + "/x");
    queue.synced = queue.steps.size();
  }

  void apply(std::vector<Inode>& platter, const Step& step) const {
    for (const Step::Entry& e : step.entries) {
      if (e.inode == no_inode)
        platter[std::size_t(e.directory)].entries.erase(e.name);
      else
        platter[std::size_t(e.directory)].entries[e.name] = e.inode;
    }
    if (step.written != no_inode) platter[std::size_t(step.written)].bytes = inodes_[std::size_t(step.written)].bytes;
  }

  void choose(const std::vector<const Queue*>& queues, std::size_t at, std::vector<Inode> platter, std::set<DiskState>& found) const {
    if (at == queues.size()) return choose_bytes(unsynced_.begin(), platter, found);
    for (std::size_t i = 0; i < queues[at]->synced; ++i) apply(platter, queues[at]->steps[i]);
    choose(queues, at + 1, platter, found);
    for (std::size_t i = queues[at]->synced; i < queues[at]->steps.size(); ++i) {
      apply(platter, queues[at]->steps[i]);
      choose(queues, at + 1, platter, found);
    }
  }

  void choose_bytes(std::set<int>::const_iterator file, std::vector<Inode>& platter, std::set<DiskState>& found) const {
    if (file == unsynced_.end()) {
      DiskState state;
      gather(platter, 0, "", state);
      found.insert(std::move(state));
      return;
    }
    const std::string& bytes = inodes_[std::size_t(*file)].bytes;
    for (std::size_t size : {std::size_t(0), bytes.size() / 2, bytes.size()}) {
      platter[std::size_t(*file)].bytes = bytes.substr(0, size);
      choose_bytes(std::next(file), platter, found);
    }
  }

  static void gather(const std::vector<Inode>& platter, int at, const std::string& path, DiskState& state) {
    const Inode& inode = platter[std::size_t(at)];
    if (!inode.directory) {
      state.files[path] = inode.bytes;
      return;
    }
    if (!path.empty()) state.directories.insert(path);
    for (const auto& [name, child] : inode.entries) gather(platter, child, path + "/" + name, state);
  }

  PowerLoss rules_;
  std::vector<Inode> inodes_;   ///< as the running system sees them
  std::vector<Inode> platter_;  ///< what is on the disk for certain
  std::map<std::string, Queue> queues_;
  std::set<int> unsynced_;  ///< files whose bytes may be missing
};

}  // namespace

std::set<DiskState> states_after(const DiskState& start, const std::vector<Recorded>& log, std::size_t calls, const PowerLoss& rules) {
  Disk disk(start, rules);
  for (std::size_t i = 0; i < calls; ++i) disk.call(log[i]);
  return disk.states();
}

DiskState disk_state(const MemoryFileSystem& system) {
  DiskState state{system.files(), {}};
  std::vector<std::string> pending{""};
  while (!pending.empty()) {
    std::string at = pending.back();
    pending.pop_back();
    for (const std::string& name : system.list(at.empty() ? "/" : at).value_or({})) {
      std::string path = at + "/" + name;
      auto found = system.stat(path, false);
      if (!found || found->kind != FileKind::directory) continue;
      state.directories.insert(path);
      pending.push_back(path);
    }
  }
  return state;
}

void furnish(MemoryFileSystem& system, const DiskState& state) {
  for (const std::string& path : state.directories) (void)system.make_directory(path);
  for (const auto& [path, bytes] : state.files) system.put(path, bytes);
}

}  // namespace hostpci::test
