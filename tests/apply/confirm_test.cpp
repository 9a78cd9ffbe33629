// A change that waits to be confirmed: its files, and what they say after the next boot.
#include "apply/confirm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "system/memory.hpp"

using namespace hostpci;

namespace {

constexpr const char* boot_id = "/proc/sys/kernel/random/boot_id";

/// A host on which the files of a change were written.
MemoryFileSystem guarded(const std::string& program, unsigned minutes) {
  MemoryFileSystem system;
  system.put(boot_id, "first\n");
  auto files = confirmation_files(system, program, minutes);
  REQUIRE(files);
  for (const FileChange& change : *files) system.put(change.path, *change.after);
  return system;
}

}  // namespace

TEST_CASE("nothing waits where no mark stands") {
  MemoryFileSystem system;
  auto waiting = unconfirmed(system);
  REQUIRE(waiting);
  CHECK(!waiting->has_value());
}

TEST_CASE("a change waits from the next boot on") {
  MemoryFileSystem system = guarded("/usr/sbin/hostpci", 15);
  auto waiting = unconfirmed(system);
  REQUIRE(waiting);
  REQUIRE(waiting->has_value());
  CHECK((*waiting)->minutes == 15);
  CHECK(!(*waiting)->booted_since);
  system.put(boot_id, "second\n");
  CHECK((*unconfirmed(system))->booted_since);
}

TEST_CASE("a confirmed change leaves nothing behind") {
  MemoryFileSystem system = guarded("/usr/sbin/hostpci", 5);
  REQUIRE(confirm(system));
  CHECK(system.files().size() == 1);
  CHECK(!unconfirmed(system)->has_value());
  CHECK(confirm(system).has_value());
}

TEST_CASE("files that stand already are no change") {
  MemoryFileSystem system = guarded("/usr/sbin/hostpci", 5);
  CHECK(confirmation_files(system, "/usr/sbin/hostpci", 5)->empty());
  auto files = confirmation_files(system, "/usr/sbin/hostpci", 6);
  REQUIRE(files->size() == 2);
  CHECK((*files)[0].before->find("OnBootSec=5min\n") != std::string::npos);
  CHECK((*files)[0].after->find("OnBootSec=6min\n") != std::string::npos);
}

TEST_CASE("the program's path is one word of the unit") {
  MemoryFileSystem system = guarded("/opt/my tools/100%/hostpci", 5);
  std::string unit = *system.read("/etc/systemd/system/hostpci-unconfirmed.service");
  CHECK(unit.find("ExecStart=\"/opt/my tools/100%%/hostpci\" rollback --unconfirmed --yes\n") != unit.npos);
}

TEST_CASE("a mark that is damaged is told") {
  MemoryFileSystem system;
  system.put(unconfirmed_path, "minutes x\n");
  auto waiting = unconfirmed(system);
  REQUIRE(!waiting);
  CHECK(waiting.error().message == "`/var/lib/hostpci/unconfirmed` is damaged: it has no line `minutes N`");
}
