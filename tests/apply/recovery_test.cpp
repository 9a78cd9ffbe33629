// What recovery trusts of a journal, how long it may take, and what `history` tells of a journal that is damaged.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "../support/five_files.hpp"
#include "../support/temporary.hpp"
#include "apply/journal.hpp"
#include "apply/transaction.hpp"
#include "system/memory.hpp"
#include "text/digest.hpp"

using namespace hostpci;
using namespace hostpci::test;

namespace {

MemoryFileSystem node() {
  MemoryFileSystem system;
  for (const FileChange& file : five_files())
    if (file.before) system.put(file.path, *file.before);
  system.put("/etc/hostname", "pve1\n");
  system.put("/etc/modprobe.d/other.conf", "");
  system.put_link("/etc/pve/local", "nodes/pve1");
  return system;
}

/// The five files' transaction, dead before its last rename; its number.
std::string interrupt(MemoryFileSystem& inner) {
  bool dead = false;
  auto system = faulty_file_system(inner, [&](std::string_view call, const std::string& path) {
    if (call == "rename" && path == "/etc/default/grub") dead = true;
    return dead ? EIO : 0;
  });
  return carry_out(*system, five_file_request())->id;
}

std::string replaced(std::string text, const std::string& old, const std::string& with) {
  std::size_t at = text.find(old);
  REQUIRE(at != text.npos);
  return text.replace(at, old.size(), with);
}

/// The record with this in place of that, and the digest that belongs to it.
void forge(MemoryFileSystem& system, const std::string& id, const std::string& old, const std::string& with) {
  std::string in = std::string(Journal::directory) + "/" + id + "/";
  std::string before = system.files().at(in + "journal.json"), after = replaced(before, old, with);
  system.put(in + "journal.json", after);
  system.put(in + "digests", replaced(system.files().at(in + "digests"), sha256_hex(before), sha256_hex(after)));
}

}  // namespace

TEST_CASE("a journal whose paths are not plain is not followed") {
  for (const char* path : {"/etc/modprobe.d/../../x", "/etc/./grub", "/etc//grub", "/etc/grub/", "etc/grub", "/"}) {
    MemoryFileSystem system = node();
    std::string id = interrupt(system);
    forge(system, id, "\"/etc/modprobe.d/hostpci.conf\"", '"' + std::string(path) + '"');
    auto before = system.files();
    auto recovered = recover(system, {});
    CAPTURE(path);
    REQUIRE_FALSE(recovered.has_value());
    CHECK(recovered.error().message.find("journal.json") != std::string::npos);
    CHECK(system.files() == before);
  }
  MemoryFileSystem system = node();
  forge(system, interrupt(system), "\"/etc/modprobe.d/hostpci.conf\"", "\"/etc/modprobe.d/..conf\"");
  CHECK(recover(system, {}).has_value());
}

TEST_CASE("a transaction that is over and whose digests are gone is told as damaged") {
  MemoryFileSystem system = node();
  REQUIRE(carry_out(system, five_file_request())->outcome == Outcome::done);
  std::string id = history(system)->at(0).id;
  CHECK(history(system)->at(0).state == "done");
  REQUIRE(system.remove(std::string(Journal::directory) + "/" + id + "/digests"));
  auto entries = history(system);
  REQUIRE(entries->size() == 1);
  CHECK(entries->at(0).state == "damaged");
  CHECK(entries->at(0).id == id);
  CHECK(entries->at(0).what.find("digests") != std::string::npos);
  CHECK_FALSE(undo_of(system, id).has_value());
  CHECK(recover(system, {}).has_value());
}

TEST_CASE("Proxmox VE's locks are waited for from when recovery is over") {
  TemporaryDirectory root(quick_place());
  root.write("etc/a", "0\n");
  root.write("var/lock/qemu-server/lock-100.conf", "");
  auto system = real_file_system(root.path());
  REQUIRE(system);
  TransactionRequest request;
  request.files = {{"/etc/a", "0\n", "1\n", 0644, {}}};
  request.refresh = {{{"update-initramfs"}, ""}};
  request.run = [](const PlannedCommand&) { return Status(Failure{"no space", ENOSPC}); };
  REQUIRE(carry_out(**system, request)->outcome == Outcome::unrefreshed);

  std::thread other;
  auto slow = [&](const PlannedCommand&) {
    auto held = (*system)->lock("/var/lock/qemu-server/lock-100.conf", 1000);
    REQUIRE(held);
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    other = std::thread([lock = std::shared_ptr<FileLock>(std::move(*held))]() mutable {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      lock.reset();
    });
    return Status(Done{});
  };
  auto locks = lock_for_writing(**system, {{100}, false}, slow, 500);
  if (other.joinable()) other.join();
  std::string why = locks ? "" : locks.error().message;
  CHECK(why == "");
}
