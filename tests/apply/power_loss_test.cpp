// The power fails after any call, once or twice, and the disk keeps any part of what was not synced that it may keep: after recovery all
// files are old or all are new, and what was reported as done stays done.
#include <doctest/doctest.h>

#include "apply/transaction.hpp"
#include "tests/support/five_files.hpp"
#include "tests/support/power_loss.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

const RunCommand run = [](const PlannedCommand&) { return Done{}; };

DiskState before_all() {
  MemoryFileSystem system;
  for (const FileChange& file : five_files())
    if (file.before) system.put(file.path, *file.before);
  system.put("/etc/hostname", "pve1\n");
  system.put("/etc/modprobe.d/pve-blacklist.conf", "blacklist nouveau\n");
  system.put(pmxcfs_log, "");
  for (const char* path : {"/run/lock", "/var/lock", "/etc/pve/priv/lock"}) REQUIRE(system.make_directory(path).has_value());
  return disk_state(system);
}

/// One way to change files, from a state of the disk on.
struct Script {
  std::string what;
  DiskState start;
  std::vector<FileChange> files;  ///< how they are before and after
  std::function<void(FileSystem&)> run;
};

void carry(FileSystem& system, const TransactionRequest& request) {
  auto result = carry_out(system, request);
  REQUIRE(result.has_value());
  REQUIRE(result->outcome == Outcome::done);
}

Script forward(bool refresh) {
  TransactionRequest request = five_file_request();
  if (!refresh) request.refresh.clear();
  return {refresh ? "five files and two commands" : "five files", before_all(), request.files, [=](FileSystem& system) { carry(system, request); }};
}

Script removal() {
  TransactionRequest request = five_file_request();
  for (FileChange& file : request.files) std::swap(file.before, file.after);
  MemoryFileSystem system;
  furnish(system, before_all());
  for (const FileChange& file : request.files) system.put(file.path, *file.before);
  return {"the way back, which removes a file", disk_state(system), request.files, [=](FileSystem& s) { carry(s, request); }};
}

Script new_directory() {
  TransactionRequest request = five_file_request();
  request.files.push_back({"/etc/systemd/system/hostpci.service.d/x.conf", std::nullopt, "[Service]\n"});
  return {"a file in directories that have to be made", before_all(), request.files, [=](FileSystem& system) { carry(system, request); }};
}

Script rollback() {
  MemoryFileSystem system;
  furnish(system, before_all());
  carry(system, five_file_request());
  std::vector<FileChange> files = five_files();
  for (FileChange& file : files) std::swap(file.before, file.after);
  return {"a rollback", disk_state(system), files, [](FileSystem& s) {
            auto undo = undo_of(s, "");
            REQUIRE(undo.has_value());
            auto result = roll_back(s, *undo, ::run);
            REQUIRE(result.has_value());
            REQUIRE(result->outcome == Outcome::done);
          }};
}

struct Tally {
  std::size_t calls = 0, states = 0, again = 0;
};

/// Recovers and looks; the calls of the recovery are recorded.
std::string recovered_state(const DiskState& state, const Script& script, std::vector<Recorded>& log) {
  MemoryFileSystem system;
  furnish(system, state);
  auto recording = recording_file_system(system, log);
  auto recovered = recover(*recording, run);
  if (!recovered) return recovered.error().message;
  for (const TransactionResult& result : *recovered)
    if (result.outcome == Outcome::unknown) return result.problems.empty() ? "unknown" : result.problems.front();
  std::string left = left_over(system.files());
  return left.empty() ? state_of(system, script.files) : "left over:" + left;
}

void expect(const std::string& state, const std::string& wanted, bool& good) {
  bool fits = wanted.empty() ? state == "old" || state == "new" : state == wanted;
  std::string words = state + "; wanted: " + (wanted.empty() ? "old or new" : wanted);
  if (!fits && good) CHECK_MESSAGE(fits, words);
  good = good && fits;
}

/// The power fails a second time while the first failure is mended. Tried in one order for all, which is what disks with a journal do.
void fail_again(const DiskState& state, const Script& script, const std::vector<Recorded>& mending, const std::string& mended, const PowerLoss& rules,
                std::set<DiskState>& known, Tally& tally, bool& good) {
  for (std::size_t calls = 1; calls <= mending.size() && good; ++calls)
    for (const DiskState& second : states_after(state, mending, calls, rules)) {
      bool over = calls == mending.size();
      if (!over && !known.insert(second).second) continue;
      std::vector<Recorded> log;
      expect(recovered_state(second, script, log), over ? mended : "", good);
      ++tally.again;
    }
}

void try_all(const Script& script, const PowerLoss& rules) {
  MemoryFileSystem system;
  furnish(system, script.start);
  std::vector<Recorded> log;
  auto recording = recording_file_system(system, log);
  script.run(*recording);
  REQUIRE(state_of(system, script.files) == "new");
  Tally tally{log.size(), 0, 0};
  std::set<DiskState> known, known_again;
  bool good = true;
  for (std::size_t calls = 0; calls <= log.size() && good; ++calls)
    for (const DiskState& state : states_after(script.start, log, calls, rules)) {
      bool over = calls == log.size();
      if (!over && !known.insert(state).second) continue;
      std::vector<Recorded> mending;
      std::string mended = recovered_state(state, script, mending);
      CAPTURE(calls);
      expect(mended, over ? "new" : "", good);
      ++tally.states;
      if (rules.ordering == Ordering::journal) fail_again(state, script, mending, mended, rules, known_again, tally, good);
    }
  std::string order = rules.ordering == Ordering::journal ? "one order for all" : "an order for each directory";
  if (rules.pmxcfs) order += ", pmxcfs behind its database";
  MESSAGE(script.what << ", " << order << ": " << tally.calls << " calls, " << tally.states << " states of the disk, " << tally.again
                      << " after a second failure");
}

void try_all_orders(const Script& script) {
  for (Ordering ordering : {Ordering::journal, Ordering::directory})
    for (bool pmxcfs : {false, true}) try_all(script, {ordering, pmxcfs});
}

}  // namespace

TEST_CASE("power loss: the simulated disk keeps what was synced, and any beginning of what was not") {
  DiskState start;
  start.directories = {"/d"};
  std::vector<Recorded> log{{Change::create, "/d/a", "", "1234", false}, {Change::create, "/d/b", "", "x", true}, {Change::rename, "/d/b", "/d/c"}};
  auto names = [&](std::size_t calls) {
    std::set<std::string> found;
    for (const DiskState& state : states_after(start, log, calls, {})) {
      std::string text;
      for (const auto& [path, bytes] : state.files) text += path.substr(3) + "=" + bytes + " ";
      found.insert(text);
    }
    return found;
  };
  CHECK(names(0) == std::set<std::string>{""});
  CHECK(names(1) == std::set<std::string>{"", "a= ", "a=12 ", "a=1234 "});
  CHECK(names(3).count("a= c=x ") == 1);
  CHECK(names(3).count("c=x ") == 0);
  CHECK(names(3).count("a=12 b=x ") == 1);
  CHECK(names(3).count("a=12 b= ") == 0);
  log.push_back({Change::sync_directory, "/d"});
  CHECK(names(4) == std::set<std::string>{"a= c=x ", "a=12 c=x ", "a=1234 c=x "});
  log.push_back({Change::sync_file, "/d/a"});
  CHECK(names(5) == std::set<std::string>{"a=1234 c=x "});
}

TEST_CASE("power loss: without a sync of its own a directory may be behind another, and pmxcfs behind all") {
  DiskState start;
  start.directories = {"/d", "/e", "/etc/pve"};
  std::vector<Recorded> log{{Change::create, "/d/a", "", "", true}, {Change::create, "/e/b", "", "", true}, {Change::sync_directory, "/e"}};
  CHECK(states_after(start, log, 3, {Ordering::journal}).size() == 1);
  CHECK(states_after(start, log, 3, {Ordering::directory}).size() == 2);
  log.push_back({Change::create, "/etc/pve/x", "", "1", true});
  log.push_back({Change::sync_directory, "/etc/pve"});
  CHECK(states_after(start, log, 5, {Ordering::journal}).size() == 1);
  CHECK(states_after(start, log, 5, {Ordering::journal, true}).size() == 3);
  log.push_back({Change::sync_file, pmxcfs_log});
  CHECK(states_after(start, log, 6, {Ordering::journal, true}).size() == 1);
}

TEST_CASE("power loss: a transaction with commands") { try_all_orders(forward(true)); }
TEST_CASE("power loss: a transaction without commands") { try_all_orders(forward(false)); }
TEST_CASE("power loss: a file that is removed") { try_all_orders(removal()); }
TEST_CASE("power loss: directories that are made") { try_all_orders(new_directory()); }
TEST_CASE("power loss: a rollback") { try_all_orders(rollback()); }
