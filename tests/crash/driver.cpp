// The program that the sweep stops, and whose system calls it makes fail: driver ROOT apply|recover|rollback [N]
// With N, the Nth write(2) to a file takes one byte only. The exit status is what became of it: see Fate in sweep.hpp.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "../support/five_files.hpp"
#include "sweep.hpp"

namespace {

int shorten = 0;  ///< the write that takes one byte; 0: none

}  // namespace

/// In place of the C library's: a short write as the kernel may do one.
extern "C" ssize_t write(int file, const void* bytes, std::size_t size) {
  if (shorten > 0 && --shorten == 0 && size > 1) size = 1;
  return ssize_t(::syscall(SYS_write, file, bytes, size));
}

namespace hostpci::test {
namespace {

int fate_of(const Result<TransactionResult>& result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
  if (!result) return int(Fate::refused);
  for (const std::string& problem : result->problems) std::fprintf(stderr, "%s\n", problem.c_str());
  return int(Fate::outcome) + int(result->outcome);
}

Result<TransactionResult> roll_newest_back(FileSystem& system) {
  auto undo = undo_of(system, "");
  if (!undo) return undo.error();
  return roll_back(system, *undo, five_file_request().run);
}

int recover_all(FileSystem& system) {
  auto results = recover(system, five_file_request().run);
  if (!results) return fate_of(results.error());
  return results->empty() ? int(Fate::outcome) : fate_of(results->front());
}

int act(FileSystem& system, const std::string& what) {
  if (what == "recover") return recover_all(system);
  if (what == "rollback") return fate_of(roll_newest_back(system));
  return fate_of(carry_out(system, five_file_request()));
}

}  // namespace
}  // namespace hostpci::test

int main(int count, char** words) {
  if (count < 3) return 2;
  auto system = hostpci::real_file_system(words[1]);
  if (!system) return 2;
  if (count > 3) shorten = std::atoi(words[3]);
  return hostpci::test::act(**system, words[2]);
}
