// A transaction over five files is stopped before every system call that changes something, and every such call is made to fail:
// after the next run all files are old or all are new, nothing lies about, and what was told is so.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <set>

#include "../support/five_files.hpp"
#include "../support/temporary.hpp"
#include "sweep.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr std::array<const char*, 1> errors = {"EIO"};  // each run takes much longer
#else
constexpr std::array<const char*, 6> errors = {"ENOSPC", "EIO", "EROFS", "EACCES", "EBUSY", "EPERM"};
#endif

constexpr int killed = 128 + 9;

bool can_trace() {
  std::string why = why_no_strace();
  if (why.empty()) return true;
  if (std::getenv("HOSTPCI_CI")) FAIL_CHECK(why);
  else MESSAGE("left out: " << why);
  return false;
}

/// Directories for the nodes, one after the other.
struct Place {
  TemporaryDirectory directory{quick_place()};
  std::string next() { return directory.path() + "/" + std::to_string(++count); }
  int count = 0;
};

int fate(Outcome outcome) { return int(Fate::outcome) + int(outcome); }

/// What the driver said of itself is so even before anything is recovered.
void check_word(const Node& node, int status, const std::string& before, const std::string& after) {
  std::string state = node.state();
  if (status == int(Fate::refused) || status == fate(Outcome::undone)) CHECK(state == before);
  if (status == fate(Outcome::done) || status == fate(Outcome::unrefreshed)) CHECK(state == after);
}

void check_recovery(const Node& node) {
  CHECK(node.recover() == "");
  std::string state = node.state();
  CHECK_MESSAGE((state == "old" || state == "new"), state);
  CHECK(node.left_over() == "");
}

std::vector<Point> watched(const Node& start, const std::string& what, Place& place) {
  std::string unknown;
  Node node(start, place.next());
  auto points = points_of(node, what, unknown);
  CHECK(unknown == "");
  REQUIRE(points.size() > 3);
  return points;
}

/// The run is killed before each of the points; how many.
std::size_t kill_everywhere(const Node& start, const std::string& what, Place& place) {
  auto points = watched(start, what, place);
  for (const Point& point : points) {
    Node node(start, place.next());
    CAPTURE(point.line);
    CHECK(drive_with(node, what, point, "signal=SIGKILL") == killed);
    check_recovery(node);
  }
  return points.size();
}

bool can_be_interrupted(const std::string& call) {
  static const std::set<std::string> calls = {"openat", "openat2", "write", "fsync", "flock"};
  return calls.count(call) > 0;
}

void fail_at(const Node& start, const std::string& what, const Point& point, const std::string& error, Place& place) {
  Node node(start, place.next());
  CAPTURE(point.line);
  CAPTURE(error);
  std::string before = node.state();
  int status = drive_with(node, what, point, "error=" + error);
  CHECK(status >= int(Fate::refused));
  CHECK(status <= fate(Outcome::unknown));
  check_word(node, status, before, before == "old" ? "new" : "old");
  check_recovery(node);
}

std::size_t fail_everywhere(const Node& start, const std::string& what, Place& place) {
  std::size_t tried = 0;
  for (const Point& point : watched(start, what, place)) {
    for (const char* error : errors) fail_at(start, what, point, error, place), ++tried;
    if (can_be_interrupted(point.call)) fail_at(start, what, point, "EINTR", place), ++tried;
  }
  return tried;
}

/// Points of the sweep after which much has been done: renames, and marks in the journal.
bool is_milestone(const Point& point) { return point.call.starts_with("rename") || point.line.find("committed") != std::string::npos; }

}  // namespace

TEST_CASE("the driver changes five files, and takes them back") {
  Place place;
  Node node(place.next());
  CHECK(node.state() == "old");
  CHECK(drive(node, "apply") == fate(Outcome::done));
  CHECK(node.state() == "new");
  CHECK(drive(node, "rollback") == fate(Outcome::done));
  CHECK(node.state() == "old");
  CHECK(node.left_over() == "");
}

TEST_CASE("killed before every system call that changes something") {
  if (!can_trace()) return;
  Place place;
  Node node(place.next());
  MESSAGE(kill_everywhere(node, "apply", place) << " points at which a change was killed");
}

TEST_CASE("every system call that changes something fails, in every way") {
  if (!can_trace()) return;
  Place place;
  Node node(place.next());
  MESSAGE(fail_everywhere(node, "apply", place) << " faults in a change");
}

TEST_CASE("every write is cut short") {
  if (!can_trace()) return;
  Place place;
  Node start(place.next());
  int writes = 0;
  for (const Point& point : watched(start, "apply", place)) writes += point.call == "write";
  for (int i = 1; i <= writes; ++i) {
    Node node(start, place.next());
    CHECK(drive(node, "apply", i) == fate(Outcome::done));
    CHECK(node.state() == "new");
    CHECK(node.left_over() == "");
  }
  MESSAGE(writes << " short writes");
}

TEST_CASE("a rollback is killed, or fails, at every system call that changes something") {
  if (!can_trace()) return;
  Place place;
  Node node(place.next());
  REQUIRE(drive(node, "apply") == fate(Outcome::done));
  std::size_t kills = kill_everywhere(node, "rollback", place);
  std::size_t faults = 0;
  for (const Point& point : watched(node, "rollback", place)) fail_at(node, "rollback", point, "EIO", place), ++faults;
  MESSAGE(kills << " points at which a rollback was killed, " << faults << " faults in it");
}

TEST_CASE("recovery itself is killed at every system call that changes something") {
  if (!can_trace()) return;
  Place place;
  Node start(place.next());
  std::size_t tried = 0, begun = 0;
  for (const Point& point : watched(start, "apply", place)) {
    if (!is_milestone(point)) continue;
    Node crashed(start, place.next());
    CAPTURE(point.line);
    REQUIRE(drive_with(crashed, "apply", point, "signal=SIGKILL") == killed);
    tried += kill_everywhere(crashed, "recover", place), ++begun;
  }
  MESSAGE(tried << " points at which a recovery was killed, after " << begun << " crashes");
}
