// A file system that remembers every call that changed something: what a power failure may take back is decided from the list.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "system/file_system.hpp"

namespace hostpci::test {

enum class Change : std::uint8_t { create, rename, remove, make_directory, remove_directory, sync_file, sync_directory };

/// One call that succeeded; paths are real ones.
struct Recorded {
  Change change = Change::create;
  std::string path, to;  ///< to: of a rename
  std::string bytes;     ///< of a file that was made
  bool durable = false;  ///< the bytes were synced
};

/// Calls go to `inner`, which has to live as long. Directories made together are recorded one by one.
std::unique_ptr<FileSystem> recording_file_system(FileSystem& inner, std::vector<Recorded>& log);

}  // namespace hostpci::test
