// Points of a run at which it is stopped or a system call fails, found by watching one that is left in peace.
#pragma once
#include <string>
#include <vector>

namespace hostpci::test {

/// Exit statuses of the driver: refused, or 20 and the Outcome.
enum class Fate { refused = 10, outcome = 20 };

/// One system call that changes something.
struct Point {
  std::string call;  ///< "renameat"
  int number = 0;    ///< the how-manieth of that name
  std::string line;  ///< as strace told it
};

/// A root with the five files as they were, and all that a node has beside them.
class Node {
 public:
  explicit Node(const std::string& directory);
  /// Another one, a copy of this.
  Node(const Node& other, const std::string& directory);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& root() const { return root_; }
  /// "old", "new", or "mixed: …"
  std::string state() const;
  /// What lies about that should be gone: stages, locks, halves of journals.
  std::string left_over() const;
  /// Recovers in this process; "" if it went well and a second time finds nothing to do, else what was said.
  std::string recover() const;

 private:
  std::string root_;
};

/// Whether strace can be used here, and why not.
std::string why_no_strace();

/// Runs the driver; its exit status.
int drive(const Node& node, const std::string& what, int short_write = 0);
/// The same with strace's `inject=CALL:WHAT:when=NUMBER`.
int drive_with(const Node& node, const std::string& what, const Point& point, const std::string& fault);

/// Every state-changing call of the run. A call that is neither known to change something nor known to be harmless goes to `unknown`.
std::vector<Point> points_of(const Node& node, const std::string& what, std::string& unknown);

}  // namespace hostpci::test
