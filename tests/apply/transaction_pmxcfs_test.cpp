// The transaction over pmxcfs: whatever the cluster does, in the end all files are old or all are new, and it is said which.
#include <doctest/doctest.h>

#include <cerrno>

#include "apply/transaction.hpp"
#include "tests/support/five_files.hpp"
#include "tests/support/pmxcfs_double.hpp"
#include "text/words.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

void furnish(PmxcfsDouble& node) {
  for (const FileChange& file : five_files())
    if (file.before) node.put(file.path, *file.before);
  node.put("/etc/modprobe.d/pve-blacklist.conf", "blacklist nouveau\n");
  node.put("/etc/pve/nodes/pve2/qemu-server/200.conf", "theirs\n");
}

/// What befalls a step, and what becomes of the node with it.
struct Fate {
  std::string what;
  Mishap mishap;
  void (*with)(PmxcfsDouble&) = nullptr;
};

void no_quorum(PmxcfsDouble& node) { node.set_quorate(false); }
void full(PmxcfsDouble& node) { node.fail_database(); }

const Fate fates[] = {
    {"quorum lost before it", {EACCES}, no_quorum},
    {"quorum lost during it, not done", {EPERM}, no_quorum},
    {"quorum lost during it, done", {EPERM, true}, no_quorum},
    {"quorum lost during it, done later", {.code = EPERM, .late = true}, no_quorum},
    {"joining again, not done", {EBUSY}},
    {"joining again, done", {EBUSY, true}},
    {"joining again, done later", {.code = EBUSY, .late = true}},
    {"database full", {EIO}, full},
    {"database full, done", {EIO, true}, full},
    {"pmxcfs dead, not done", {ENOTCONN, false, true}},
    {"pmxcfs dead, done", {ENOTCONN, true, true}},
    {"refused once", {EACCES}},
};

std::size_t count_steps(bool opened) {
  PmxcfsDouble node;
  furnish(node);
  if (opened) node.open_file(vm_directory + "100.conf");
  std::size_t steps = 0;
  node.interrupt = [&](std::string_view, const std::string&) { return ++steps, Mishap{}; };
  auto result = carry_out(node, five_file_request());
  REQUIRE(result.has_value());
  REQUIRE(result->outcome == Outcome::done);
  REQUIRE(state_of(node, five_files()) == "new");
  return steps;
}

/// The cluster is whole again, and a lock that nobody holds has run out.
void heal(PmxcfsDouble& node) {
  node.interrupt = nullptr;
  node.restart();
  node.set_quorate(true);
  node.deliver();
  node.pass(PmxcfsDouble::lock_lifetime);
  (void)node.touch("/etc/pve/priv/lock/file-mapping_pci_cfg", 0);
}

/// What carry_out said has to be so, or to be open; what recover makes of it has to be one of the two states.
void check_fate(PmxcfsDouble& node, const Result<TransactionResult>& result) {
  std::string said = !result ? "refused" : std::string(name(result->outcome));
  heal(node);
  CAPTURE(said);
  std::string problems = result ? join(result->problems, "; ") : result.error().message;
  CAPTURE(problems);
  auto recovered = recover(node, five_file_request().run);
  std::string refusal = recovered ? "" : recovered.error().message;
  CHECK(refusal == "");
  if (!recovered) return;
  std::string state = state_of(node, five_files());
  if (said == "refused" || said == "undone") CHECK(state == "old");
  if (said == "done" || said == "unrefreshed") CHECK(state == "new");
  CHECK_MESSAGE((state == "old" || state == "new"), state);
  CHECK(left_over(node.files()) == "");
  auto again = recover(node, five_file_request().run);
  REQUIRE(again.has_value());
  CHECK(again->empty());
  CHECK_FALSE(node.is_locked("/run/lock/hostpci.lock"));
}

void try_all_steps(bool opened) {
  const std::size_t steps = count_steps(opened);
  std::size_t tried = 0;
  for (const Fate& fate : fates)
    for (std::size_t at = 0; at < steps; ++at) {
      PmxcfsDouble node;
      furnish(node);
      if (opened) node.open_file(vm_directory + "100.conf");
      std::size_t seen = 0;
      std::string where;
      node.interrupt = [&](std::string_view step, const std::string& path) {
        if (seen++ != at) return Mishap{};
        where = std::string(step) + " " + path;
        if (fate.with) fate.with(node);
        return fate.mishap;
      };
      auto result = carry_out(node, five_file_request());
      CAPTURE(fate.what);
      CAPTURE(where);
      check_fate(node, result);
      ++tried;
    }
  std::string where = opened ? ", a target open elsewhere" : "";
  MESSAGE(tried << " faults of pmxcfs at " << steps << " steps" << where);
}

int code(const Result<TransactionResult>& result) { return result ? 0 : result.error().code; }

}  // namespace

TEST_CASE("pmxcfs: every fault at every step ends in all old or all new") { try_all_steps(false); }

TEST_CASE("pmxcfs: the same while another process has a VM's file open, which is hidden before it is replaced") { try_all_steps(true); }

TEST_CASE("pmxcfs: a fault of the disk at every call that writes ends in all old or all new") {
  auto writes = [](std::string_view call) {
    return call != "read" && call != "list" && call != "read_link" && call != "stat" && call != "canonical";
  };
  std::size_t calls = 0, tried = 0;
  PmxcfsDouble whole;
  furnish(whole);
  auto counted = faulty_file_system(whole, [&](std::string_view call, const std::string&) { return calls += writes(call), 0; });
  REQUIRE(carry_out(*counted, five_file_request())->outcome == Outcome::done);
  for (int error : {ENOSPC, EIO, EROFS, EACCES, EDQUOT})
    for (bool lasting : {false, true})
      for (std::size_t at = 0; at < calls; ++at) {
        PmxcfsDouble node;
        furnish(node);
        std::size_t seen = 0;
        std::string where;
        auto faulty = faulty_file_system(node, [&](std::string_view call, const std::string& path) {
          if (!writes(call) || path.starts_with("/etc/pve/")) return 0;
          bool hit = lasting ? seen++ >= at : seen++ == at;
          if (hit && where.empty()) where = std::string(call) + " " + path;
          return hit ? error : 0;
        });
        auto result = carry_out(*faulty, five_file_request());
        CAPTURE(error);
        CAPTURE(lasting);
        CAPTURE(where);
        check_fate(node, result);
        ++tried;
      }
  MESSAGE(tried << " faults of the disk at " << calls << " calls");
}

TEST_CASE("pmxcfs: killed between hide and rename, the VM's file comes back") {
  PmxcfsDouble node;
  furnish(node);
  node.open_file(vm_directory + "100.conf");
  node.interrupt = [](std::string_view step, const std::string& path) {
    return step == "rename" && path.ends_with("/100.conf") ? Mishap{ENOTCONN, false, true} : Mishap{};
  };
  auto result = carry_out(node, five_file_request());
  REQUIRE(result.has_value());
  CHECK(result->outcome == Outcome::unknown);
  heal(node);
  REQUIRE_FALSE(node.read(vm_directory + "100.conf").has_value());
  auto recovered = recover(node, five_file_request().run);
  REQUIRE(recovered.has_value());
  REQUIRE(recovered->size() == 1);
  CHECK(recovered->front().outcome == Outcome::undone);
  CHECK(state_of(node, five_files()) == "old");
}

TEST_CASE("pmxcfs: a file that is absent for a moment is waited for") {
  PmxcfsDouble node;
  furnish(node);
  node.hide_for(vm_directory + "100.conf", 3);
  auto result = carry_out(node, five_file_request());
  REQUIRE(result.has_value());
  CHECK(result->outcome == Outcome::done);
  CHECK(state_of(node, five_files()) == "new");
}

TEST_CASE("pmxcfs: a VM that moved away or was destroyed since the plan is not brought back") {
  for (bool destroyed : {false, true}) {
    PmxcfsDouble node;
    furnish(node);
    destroyed ? node.destroy(100) : node.migrate(100, "pve2");
    CHECK_FALSE(carry_out(node, five_file_request()).has_value());
    CHECK(node.files().count(vm_directory + "100.conf") == 0);
    auto others = five_files();
    others.erase(others.begin());
    CHECK(state_of(node, others) == "old");
  }
}

TEST_CASE("pmxcfs: a VM that goes while the change is staged is not brought back, and nothing else is changed") {
  for (bool destroyed : {false, true}) {
    PmxcfsDouble node;
    furnish(node);
    bool gone = false;
    node.interrupt = [&](std::string_view step, const std::string& path) {
      if (step == "create" && path.ends_with("-101.conf") && !gone) {
        gone = true;
        destroyed ? node.destroy(100) : node.migrate(100, "pve2");
      }
      return Mishap{};
    };
    auto result = carry_out(node, five_file_request());
    REQUIRE(gone);
    REQUIRE(result.has_value());
    CHECK((result->outcome == Outcome::undone || result->outcome == Outcome::unknown));
    CHECK(node.files().count(vm_directory + "100.conf") == 0);
    auto others = five_files();
    others.erase(others.begin());
    CHECK(state_of(node, others) == "old");
    CHECK(left_over(node.files()) == "");
  }
}

TEST_CASE("pmxcfs: a VMID that another node has meanwhile") {
  PmxcfsDouble node;
  furnish(node);
  TransactionRequest request = five_file_request();
  request.files.push_back({vm_directory + "200.conf", std::nullopt, "cores: 1\n"});
  auto result = carry_out(node, request);
  REQUIRE(result.has_value());
  CHECK(result->outcome == Outcome::undone);
  CHECK(state_of(node, five_files()) == "old");
  CHECK(*node.read("/etc/pve/nodes/pve2/qemu-server/200.conf") == "theirs\n");
  CHECK(left_over(node.files()) == "");
}

TEST_CASE("pmxcfs: a file that would be too large is refused before anything visible changes") {
  PmxcfsDouble node;
  furnish(node);
  TransactionRequest request = five_file_request();
  *request.files[2].after += "# " + std::string(PmxcfsDouble::largest_file, 'x') + "\n";
  auto result = carry_out(node, request);
  CHECK(code(result) == EFBIG);
  CHECK(state_of(node, five_files()) == "old");
  CHECK(left_over(node.files()) == "");
}

TEST_CASE("pmxcfs: without quorum, dead or not mounted nothing is begun") {
  for (auto trouble : {+[](PmxcfsDouble& n) { n.set_quorate(false); }, +[](PmxcfsDouble& n) { n.die(); }, +[](PmxcfsDouble& n) { n.unmount(); }}) {
    PmxcfsDouble node;
    furnish(node);
    trouble(node);
    auto before = node.files();
    CHECK_FALSE(carry_out(node, five_file_request()).has_value());
    for (const auto& file : node.files())
      CHECK_MESSAGE((before.count(file.first) || file.first.starts_with("/run/")), file.first);
    CHECK(recover(node, five_file_request().run)->empty());
  }
}

TEST_CASE("pmxcfs: the cluster's lock of another node is waited for, and taken over when it has run out") {
  PmxcfsDouble node;
  furnish(node);
  node.hold_cluster_lock("file-mapping_pci_cfg");
  PveScope scope{{100, 101}, true};
  auto refused = lock_for_writing(node, scope, {}, 30);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ETIMEDOUT);
  CHECK_FALSE(node.is_locked("/run/lock/qemu-server/lock-100.conf"));
  node.pass(PmxcfsDouble::lock_lifetime);
  auto locks = lock_for_writing(node, scope, {}, 3000);
  REQUIRE(locks.has_value());
  CHECK(node.is_locked("/run/lock/qemu-server/lock-100.conf"));
  auto result = carry_out(node, five_file_request(), *locks);
  REQUIRE(result.has_value());
  CHECK(result->outcome == Outcome::done);
  CHECK_FALSE(node.stat("/etc/pve/priv/lock/file-mapping_pci_cfg").has_value());
}

TEST_CASE("pmxcfs: a VM's lock that someone holds stops the change") {
  PmxcfsDouble node;
  furnish(node);
  REQUIRE(node.make_directory("/run/lock/qemu-server").has_value());
  auto held = node.hold("/run/lock/qemu-server/lock-101.conf");
  auto locks = lock_for_writing(node, {{100, 101}, true}, {}, 30);
  REQUIRE_FALSE(locks.has_value());
  CHECK(locks.error().code == ETIMEDOUT);
  CHECK_FALSE(node.is_locked("/run/lock/qemu-server/lock-100.conf"));
  CHECK_FALSE(node.stat("/etc/pve/priv/lock/file-mapping_pci_cfg").has_value());
}

TEST_CASE("pmxcfs: a rollback restores every byte, and a fault during it leaves old or new") {
  PmxcfsDouble node;
  furnish(node);
  REQUIRE(carry_out(node, five_file_request())->outcome == Outcome::done);
  for (const Fate& fate : fates)
    for (std::size_t at = 0; at < 8; ++at) {
      PmxcfsDouble other;
      furnish(other);
      REQUIRE(carry_out(other, five_file_request())->outcome == Outcome::done);
      auto back = undo_of(other, "");
      REQUIRE(back.has_value());
      std::size_t seen = 0;
      other.interrupt = [&](std::string_view, const std::string&) {
        if (seen++ != at) return Mishap{};
        if (fate.with) fate.with(other);
        return fate.mishap;
      };
      auto result = roll_back(other, *back, five_file_request().run);
      heal(other);
      auto recovered = recover(other, five_file_request().run);
      REQUIRE(recovered.has_value());
      CAPTURE(fate.what);
      CAPTURE(at);
      std::string state = state_of(other, five_files());
      CHECK_MESSAGE((state == "old" || state == "new"), state);
      CHECK(left_over(other.files()) == "");
    }
  auto back = undo_of(node, "");
  REQUIRE(back.has_value());
  auto result = roll_back(node, *back, five_file_request().run);
  REQUIRE(result.has_value());
  CHECK(result->outcome == Outcome::done);
  CHECK(state_of(node, five_files()) == "old");
}
