// Unified diffs: whole texts, and a small reader of diffs that must get from the old text to the new one.
#include "text/diff.hpp"

#include <doctest/doctest.h>

#include <random>

#include "text/words.hpp"

using namespace hostpci;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n')) lines.push_back(std::string(line) + "\n");
  if (lines.empty()) return lines;
  lines.back().pop_back();
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

/// What `patch` makes of it: every context and removed line must stand where the hunk says.
std::string patched(const std::string& before, const std::string& diff) {
  std::vector<std::string> old = lines_of(before), out, script = lines_of(diff);
  std::size_t at = 0;
  for (std::size_t i = 2; i < script.size(); ++i) {
    std::string line = script[i];
    if (line[0] == '@') {
      std::string range(words(line)[1].substr(1));
      std::size_t comma = range.find(',');
      std::size_t first = *number(range.substr(0, comma));
      std::size_t n = comma == range.npos ? 1 : *number(range.substr(comma + 1));
      std::size_t begin = n ? first - 1 : first;
      REQUIRE(begin >= at);
      while (at < begin) out.push_back(old.at(at++));
      continue;
    }
    if (i + 1 < script.size() && script[i + 1][0] == '\\') line.pop_back(), ++i;
    if (line[0] == '+') out.push_back(line.substr(1));
    if (line[0] == '+') continue;
    REQUIRE(old.at(at) == line.substr(1));
    if (line[0] == ' ') out.push_back(old[at]);
    ++at;
  }
  while (at < old.size()) out.push_back(old[at++]);
  return join(out, "");
}

}  // namespace

TEST_CASE("equal texts have no diff") {
  CHECK(unified_diff("/etc/x", "a\n", "a\n") == "");
  CHECK(unified_diff("/etc/x", "", "") == "");
}

TEST_CASE("one changed line with three lines of context") {
  CHECK(
      unified_diff("/etc/pve/qemu-server/100.conf", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n") ==
      R"(--- a/etc/pve/qemu-server/100.conf
+++ b/etc/pve/qemu-server/100.conf
@@ -2,7 +2,7 @@
 2
 3
 4
-5
+five
 6
 7
 8
)");
}

TEST_CASE("six equal lines join two changes, seven separate them") {
  CHECK(unified_diff("f", "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n") == R"(--- a/f
+++ b/f
@@ -1,8 +1,8 @@
-a
+A
 1
 2
 3
 4
 5
 6
-b
+B
)");
  CHECK(unified_diff("f", "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n") == R"(--- a/f
+++ b/f
@@ -1,4 +1,4 @@
-a
+A
 1
 2
 3
@@ -6,4 +6,4 @@
 5
 6
 7
-b
+B
)");
}

TEST_CASE("new and emptied files") {
  CHECK(unified_diff("/etc/modprobe.d/vfio.conf", "", "options vfio\nx\n") == R"(--- a/etc/modprobe.d/vfio.conf
+++ b/etc/modprobe.d/vfio.conf
@@ -0,0 +1,2 @@
+options vfio
+x
)");
  CHECK(unified_diff("f", "one\n", "") == "--- a/f\n+++ b/f\n@@ -1 +0,0 @@\n-one\n");
}

TEST_CASE("a missing last line feed is told") {
  CHECK(unified_diff("f", "a\nb", "a\nb\n") == R"(--- a/f
+++ b/f
@@ -1,2 +1,2 @@
 a
-b
\ No newline at end of file
+b
)");
  CHECK(unified_diff("f", "a\nb\n", "a\nb\nc") == R"(--- a/f
+++ b/f
@@ -1,2 +1,3 @@
 a
 b
+c
\ No newline at end of file
)");
  CHECK(unified_diff("f", "a\nb", "A\nb") == R"(--- a/f
+++ b/f
@@ -1,2 +1,2 @@
-a
+A
 b
\ No newline at end of file
)");
}

TEST_CASE("carriage returns and control characters of the text are kept, those of the path are not") {
  CHECK(unified_diff("a\nb", "x\r\n", "\x1b\r\n") == "--- a/a\\x0ab\n+++ b/a\\x0ab\n@@ -1 +1 @@\n-x\r\n+\x1b\r\n");
}

TEST_CASE("random texts come out as the new text") {
  std::mt19937 random(7);
  auto text = [&](unsigned lines) {
    std::string out;
    for (unsigned i = random() % (lines + 1); i-- > 0;) out += std::string(1, char('a' + random() % 4)) + "\n";
    if (!out.empty() && random() % 3 == 0) out.pop_back();
    return out;
  };
  for (int i = 0; i < 400; ++i) {
    std::string before = text(30), after = text(30);
    std::string diff = unified_diff("f", before, after);
    CHECK((before == after ? diff.empty() : patched(before, diff) == after));
  }
}

TEST_CASE("a change in a large file costs what the change costs") {
  std::string before, after;
  for (int i = 0; i < 200000; ++i) before += "line " + std::to_string(i) + "\n";
  after = before;
  after.replace(after.find("line 100000"), 4, "LINE");
  std::string diff = unified_diff("f", before, after);
  CHECK(split(diff, '\n').size() == 12);
  CHECK(patched(before, diff) == after);
}
