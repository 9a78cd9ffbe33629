// What a transaction leaves, refuses, remembers and takes back.
#include "apply/transaction.hpp"

#include <doctest/doctest.h>
#include <sys/xattr.h>

#include <cerrno>
#include <filesystem>

#include "../support/five_files.hpp"
#include "../support/temporary.hpp"
#include "apply/journal.hpp"
#include "system/memory.hpp"

using namespace hostpci;
using namespace hostpci::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* grub = "/etc/default/grub";

MemoryFileSystem node() {
  MemoryFileSystem system;
  for (const FileChange& file : five_files())
    if (file.before) system.put(file.path, *file.before);
  system.put("/etc/hostname", "pve1\n");
  system.put("/etc/modprobe.d/other.conf", "");
  system.put_link("/etc/pve/local", "nodes/pve1");
  return system;
}

TransactionRequest one_file(const std::string& path, std::optional<std::string> before, std::optional<std::string> after) {
  TransactionRequest request;
  request.what = "test";
  request.files = {{path, std::move(before), std::move(after), 0644, {}}};
  return request;
}

std::string refusal(FileSystem& system, const TransactionRequest& request) {
  auto result = carry_out(system, request);
  return result ? "" : result.error().message;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

/// The result of a rollback of that transaction ("": the newest).
Result<TransactionResult> take_back(FileSystem& system, const std::string& id, const RunCommand& run = {}) {
  auto undo = undo_of(system, id);
  if (!undo) return undo.error();
  return roll_back(system, *undo, run);
}

std::string states(const FileSystem& system) {
  std::string all;
  auto entries = history(system);
  for (const HistoryEntry& entry : *entries) all += entry.what.substr(0, 8) + ": " + entry.state + "\n";
  return all;
}

}  // namespace

TEST_CASE("five files change together, and go back together") {
  MemoryFileSystem system = node();
  auto files = system.files();
  auto result = carry_out(system, five_file_request());
  REQUIRE(result);
  CHECK(result->outcome == Outcome::done);
  CHECK(result->problems.empty());
  CHECK(state_of(system, five_files()) == "new");
  CHECK(take_back(system, "")->outcome == Outcome::done);
  for (const auto& [path, bytes] : files) CHECK(system.files().at(path) == bytes);
  CHECK(left_over(system.files()) == "");
  CHECK(states(system) == "rollback: done\napply 10: rolled back\n");
}

TEST_CASE("no difference is no transaction") {
  MemoryFileSystem system = node();
  CHECK(carry_out(system, one_file(grub, "x\n", "x\n"))->outcome == Outcome::nothing);
  CHECK(history(system)->empty());
}

TEST_CASE("what is not as the caller saw it is refused, and nothing is written") {
  MemoryFileSystem system = node();
  system.put_link("/etc/modules-load.d/modules.conf", "../modules");
  system.put("/etc/modules", "vfio\n");
  system.put("/etc/pve/nodes/pve2/qemu-server/200.conf", "cores: 1\n");
  system.put("/etc/pve/user.cfg", "");
  auto before = system.files();
  CHECK(contains(refusal(system, one_file(grub, "other\n", "new\n")), "was changed meanwhile"));
  CHECK(contains(refusal(system, one_file(grub, std::nullopt, "new\n")), "exists already"));
  CHECK(contains(refusal(system, one_file("/etc/none", "old\n", "new\n")), "is gone"));
  CHECK(contains(refusal(system, one_file("/etc/modules-load.d/modules.conf", "vfio\n", "")), "leads to `/etc/modules`"));
  CHECK(contains(refusal(system, one_file("/etc/../etc/modules", "vfio\n", "")), "not changed"));
  CHECK(contains(refusal(system, one_file("etc/modules", "vfio\n", "")), "no absolute path"));
  CHECK(contains(refusal(system, one_file("/etc/pve/user.cfg", "", "x")), "is no configuration of a VM"));
  CHECK(contains(refusal(system, one_file("/etc/pve/nodes/pve2/qemu-server/200.conf", "cores: 1\n", "")), "belongs to node `pve2`"));
  TransactionRequest twice = one_file("/etc/modules", "vfio\n", "");
  twice.files.push_back(twice.files[0]);
  CHECK(contains(refusal(system, twice), "named twice"));
  CHECK(system.files() == before);
  CHECK(carry_out(system, one_file("/etc/modules", "vfio\n", ""))->outcome == Outcome::done);
  CHECK(*system.read_link("/etc/modules-load.d/modules.conf") == "../modules");
}

TEST_CASE("files and directories are made and removed, both ways") {
  MemoryFileSystem system = node();
  system.put("/etc/sysfs.conf", "a = 1\n");
  TransactionRequest request = one_file("/etc/new/deep/file.conf", std::nullopt, "x\n");
  request.files.push_back({"/etc/sysfs.conf", "a = 1\n", std::nullopt, 0644, {}});
  REQUIRE(carry_out(system, request)->outcome == Outcome::done);
  CHECK(system.files().at("/etc/new/deep/file.conf") == "x\n");
  CHECK(system.files().count("/etc/sysfs.conf") == 0);
  CHECK(left_over(system.files()) == "");
  REQUIRE(take_back(system, "")->outcome == Outcome::done);
  CHECK_FALSE(system.stat("/etc/new").has_value());
  CHECK(system.files().at("/etc/sysfs.conf") == "a = 1\n");
  CHECK(left_over(system.files()) == "");
}

TEST_CASE("owner, mode and attributes stay, and come back with a file that was removed") {
  TemporaryDirectory root;
  root.write("etc/kept", "old\n");
  root.write("etc/gone", "old\n");
  auto system = std::move(*real_file_system(root.path()));
  bool attributes = true;
  for (const char* name : {"kept", "gone"}) {
    std::string path = root.path() + "/etc/" + name;
    fs::permissions(path, fs::perms(0604));
    attributes &= ::setxattr(path.c_str(), "user.note", "n", 1, 0) == 0;
  }
  if (!attributes) MESSAGE("left out: attributes, which " << root.path() << " does not keep");
  auto check = [&](const std::string& name) {
    std::string path = root.path() + "/etc/" + name;
    char value[2];
    CHECK(fs::status(path).permissions() == fs::perms(0604));
    CHECK((!attributes || ::getxattr(path.c_str(), "user.note", value, sizeof value) == 1));
  };
  TransactionRequest request = one_file("/etc/kept", "old\n", "new\n");
  request.files.push_back({"/etc/gone", "old\n", std::nullopt, 0644, {}});
  request.files.push_back({"/etc/hook", std::nullopt, "#!/bin/sh\n", 0755, {}});
  REQUIRE(carry_out(*system, request)->outcome == Outcome::done);
  check("kept");
  CHECK(fs::status(root.path() + "/etc/hook").permissions() == fs::perms(0755));
  CHECK(fs::status(root.path() + "/var/lib/hostpci").permissions() == fs::perms(0700));
  REQUIRE(take_back(*system, "")->outcome == Outcome::done);
  check("kept");
  check("gone");
  CHECK_FALSE(fs::exists(root.path() + "/etc/hook"));
}

TEST_CASE("a file that someone changed since is left alone, and all three texts are told") {
  MemoryFileSystem system = node();
  auto id = carry_out(system, five_file_request())->id;
  system.put(grub, "theirs\n");
  auto undo = undo_of(system, id);
  REQUIRE(undo);
  REQUIRE(undo->conflicts.size() == 1);
  CHECK(undo->conflicts[0].path == grub);
  CHECK(undo->conflicts[0].before == *five_files()[3].before);
  CHECK(undo->conflicts[0].after == *five_files()[3].after);
  CHECK(undo->conflicts[0].now == "theirs\n");
  auto before = system.files();
  CHECK_FALSE(roll_back(system, *undo, {}).has_value());
  CHECK(system.files() == before);
}

TEST_CASE("a file that holds its old bytes again is no conflict") {
  MemoryFileSystem system = node();
  REQUIRE(carry_out(system, five_file_request()));
  system.put(grub, *five_files()[3].before);
  CHECK(undo_of(system, "")->files.size() == 4);
  CHECK(take_back(system, "")->outcome == Outcome::done);
  CHECK(state_of(system, five_files()) == "old");
}

TEST_CASE("what can be rolled back") {
  MemoryFileSystem system = node();
  CHECK(contains(undo_of(system, "").error().message, "no transaction that could"));
  CHECK(contains(undo_of(system, "../x").error().message, "there is no transaction `../x`"));
  auto first = carry_out(system, one_file("/etc/a", std::nullopt, "1\n"))->id;
  auto second = carry_out(system, one_file("/etc/a", "1\n", "2\n"))->id;
  CHECK(first < second);
  CHECK(undo_of(system, "")->id == second);
  auto back = take_back(system, "")->id;
  CHECK(undo_of(system, "")->id == first);
  CHECK(contains(undo_of(system, second).error().message, "is rolled back already"));
  CHECK(take_back(system, back)->outcome == Outcome::done);
  CHECK(system.files().at("/etc/a") == "2\n");
  CHECK(states(system) == "rollback: done\nrollback: rolled back\ntest: done\ntest: done\n");
}

TEST_CASE("commands run in their order when the files stand and nobody has to wait for Proxmox VE's locks") {
  TemporaryDirectory root(quick_place());
  for (const FileChange& file : five_files())
    if (file.before) root.write(file.path.substr(1), *file.before);
  auto system = std::move(*real_file_system(root.path()));
  TransactionRequest request = five_file_request();
  std::string ran;
  request.run = [&](const PlannedCommand& command) -> Status {
    ran += command.words[0] + " ";
    CHECK(state_of(*system, five_files()) == "new");
    CHECK(system->lock("/var/lock/qemu-server/lock-100.conf", 0).has_value());
    CHECK_FALSE(system->stat("/etc/pve/priv/lock/file-mapping_pci_cfg").has_value());
    CHECK_FALSE(system->lock("/run/lock/hostpci.lock", 0).has_value());
    return Done{};
  };
  CHECK(carry_out(*system, request)->outcome == Outcome::done);
  CHECK(ran == "update-grub update-initramfs ");
}

TEST_CASE("a command that fails is run again by the next change, and only what has not run") {
  MemoryFileSystem system = node();
  TransactionRequest request = five_file_request();
  std::string ran;
  bool broken = true;
  request.run = [&](const PlannedCommand& command) -> Status {
    ran += command.words[0] + " ";
    return broken && command.words[0] == "update-initramfs" ? Status(Failure{"no space"}) : Status(Done{});
  };
  auto result = carry_out(system, request);
  CHECK(result->outcome == Outcome::unrefreshed);
  CHECK(result->problems == std::vector<std::string>{"no space"});
  CHECK(states(system) == "apply 10: unrefreshed\n");
  system.put(grub, "theirs\n");  // files are no longer looked at
  broken = false;
  auto recovered = recover(system, request.run);
  REQUIRE(recovered->size() == 1);
  CHECK(recovered->front().outcome == Outcome::done);
  CHECK(ran == "update-grub update-initramfs update-initramfs ");
  CHECK(system.files().at(grub) == "theirs\n");
  CHECK(states(system) == "apply 10: done\n");
}

TEST_CASE("a change whose commands failed can be rolled back, with the commands of the way back") {
  MemoryFileSystem system = node();
  TransactionRequest request = five_file_request();
  request.undo = {{{"grubby"}, ""}};
  request.run = [](const PlannedCommand&) -> Status { return Failure{"no"}; };
  REQUIRE(carry_out(system, request)->outcome == Outcome::unrefreshed);
  std::string ran;
  auto run = [&](const PlannedCommand& command) -> Status { return ran += command.words[0], Done{}; };
  CHECK(take_back(system, "", run)->outcome == Outcome::done);
  CHECK(ran == "grubby");
  CHECK(state_of(system, five_files()) == "old");
  CHECK(recover(system, run)->empty());
}

TEST_CASE("mappings come before the VMs that name them and go after; the host's files are last") {
  for (bool removing : {false, true}) {
    MemoryFileSystem inner = node();
    TransactionRequest request = five_file_request();
    if (removing)
      for (FileChange& file : request.files) {
        std::swap(file.before, file.after);
        if (file.before) inner.put(file.path, *file.before);
      }
    std::string order;
    auto system = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
      bool ours = contains(path, "/pci.cfg") || contains(path, "/100.conf") || path == grub;
      if (call == "rename" && ours) order += path.substr(path.rfind('/') + 1) + " ";
      return 0;
    });
    REQUIRE(carry_out(*system, request)->outcome == Outcome::done);
    CHECK(order == (removing ? "100.conf pci.cfg grub " : "pci.cfg 100.conf grub "));
  }
}

TEST_CASE("what was interrupted is settled by the next change, and told") {
  MemoryFileSystem inner = node();
  bool dead = false;
  auto system = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    if (call == "rename" && path == grub) dead = true;
    return dead ? EIO : 0;
  });
  CHECK(carry_out(*system, five_file_request())->outcome == Outcome::unknown);
  CHECK(contains(state_of(inner, five_files()), "mixed"));
  CHECK(states(inner) == "apply 10: interrupted\n");
  auto next = carry_out(inner, one_file("/etc/a", std::nullopt, "1\n"));
  REQUIRE(next);
  CHECK(contains(next->problems.at(0), "was interrupted: now it is undone"));
  CHECK(state_of(inner, five_files()) == "old");
  CHECK(states(inner) == "test: done\napply 10: undone\n");
}

TEST_CASE("a journal that is damaged is named, and nothing is changed on its word") {
  MemoryFileSystem whole = node();
  bool dead = false;
  auto system = faulty_file_system(whole, [&](std::string_view call, const std::string& path) {
    if (call == "rename" && path == grub) dead = true;
    return dead ? EIO : 0;
  });
  std::string in = std::string(Journal::directory) + "/" + carry_out(*system, five_file_request())->id + "/";
  int tried = 0;
  for (const auto& file : whole.files()) {
    const std::string &path = file.first, &bytes = file.second;
    if (!path.starts_with(in) || path.ends_with("undo.sh") || bytes.empty()) continue;
    std::string changed = bytes;
    changed[changed.size() / 2] ^= 1;
    for (const std::string& damaged : {bytes.substr(0, bytes.size() / 2), bytes.substr(0, bytes.size() - 1), std::string(), changed}) {
      MemoryFileSystem copy = whole;
      copy.put(path, damaged);
      auto before = copy.files();
      auto recovered = recover(copy, {});
      CAPTURE(path);
      REQUIRE_FALSE(recovered.has_value());
      CHECK(contains(recovered.error().message, in));
      CHECK(copy.files() == before);
      CHECK_FALSE(carry_out(copy, one_file("/etc/a", std::nullopt, "1\n")).has_value());
      ++tried;
    }
  }
  CHECK(tried >= 40);
}

TEST_CASE("a hundred transactions are remembered") {
  MemoryFileSystem system;
  system.put("/etc/a", "0");
  for (int i = 0; i < 105; ++i)
    REQUIRE(carry_out(system, one_file("/etc/a", std::to_string(i), std::to_string(i + 1)))->outcome == Outcome::done);
  auto entries = history(system);
  REQUIRE(entries->size() == 100);
  CHECK(undo_of(system, entries->front().id)->files[0].before == "105");
  CHECK(undo_of(system, entries->back().id)->conflicts[0].before == "5");
}

TEST_CASE("where no journal can be kept, a file of one's own is changed without one, and nothing else is") {
  MemoryFileSystem inner = node();
  inner.put("/home/u/100.conf", "cores: 1\n");
  std::string fault;
  auto system = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    if (call == fault && path == "/home/u/100.conf") return ENOSPC;
    return path.starts_with("/var/lib") && (call == "make_directory" || call == "make_one_directory") ? EACCES : 0;
  });
  CHECK(contains(refusal(*system, five_file_request()), "cannot make the directory `/var/lib"));
  CHECK(contains(refusal(*system, one_file(grub, *five_files()[3].before, "x\n")), "cannot make the directory"));
  CHECK(state_of(inner, five_files()) == "old");
  fault = "rename";
  CHECK(contains(refusal(*system, one_file("/home/u/100.conf", "cores: 1\n", "cores: 2\n")), "No space left"));
  CHECK(inner.files().at("/home/u/100.conf") == "cores: 1\n");
  fault = "";
  CHECK(carry_out(*system, one_file("/home/u/100.conf", "cores: 1\n", "cores: 2\n"))->outcome == Outcome::done);
  CHECK(inner.files().at("/home/u/100.conf") == "cores: 2\n");
  CHECK(left_over(inner.files()) == "");
}

TEST_CASE("locks that are not ours to take") {
  constexpr const char* lock = "/run/lock/hostpci.lock";
  MemoryFileSystem linked = node();
  linked.put_link(lock, "/etc/shadow");
  CHECK(contains(refusal(linked, five_file_request()), "is no regular file"));
  MemoryFileSystem foreign = node();
  foreign.put(lock, "");
  foreign.put_attributes(lock, {.uid = 1000});
  CHECK(contains(refusal(foreign, five_file_request()), "belongs to user 1000"));
  CHECK(state_of(foreign, five_files()) == "old");

  TemporaryDirectory root(quick_place());
  auto system = std::move(*real_file_system(root.path()));
  REQUIRE(system->make_directory("/run/lock"));
  auto held = std::move(*system->lock(lock, 0));
  auto locks = lock_for_writing(*system, {}, {}, 30);
  REQUIRE_FALSE(locks);
  CHECK(locks.error().code == ETIMEDOUT);
  CHECK(contains(locks.error().message, "another hostpci is at work"));
}

TEST_CASE("the cluster's lock: waited for where pmxcfs runs, taken over where a dead process left it") {
  constexpr const char* lock = "/etc/pve/priv/lock/file-mapping_pci_cfg";
  PveScope scope{{}, true};
  MemoryFileSystem copy = node();
  REQUIRE(copy.make_directory(lock));
  {
    auto locks = lock_for_writing(copy, scope, {}, 30);
    REQUIRE(locks);
    CHECK(copy.stat(lock).has_value());
  }
  CHECK_FALSE(copy.stat(lock).has_value());
  MemoryFileSystem live = node();
  live.put("/etc/pve/.version", "{}");
  REQUIRE(live.make_directory(lock));
  auto locks = lock_for_writing(live, scope, {}, 30);
  REQUIRE_FALSE(locks);
  CHECK(contains(locks.error().message, "held by someone else"));
  CHECK(live.stat(lock).has_value());
}
