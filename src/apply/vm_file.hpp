// A VM's file under PVE's own lock: read, and written as a transaction of one file.
#pragma once
#include <string>
#include <string_view>

#include "apply/transaction.hpp"
#include "apply/vm_place.hpp"
#include "system/file_system.hpp"
#include "text/result.hpp"
#include "text/source.hpp"

namespace hostpci {

/// A VM's file, locked from open() until the end of the object's life.
class LockedVmFile {
 public:
  /// Waits for the locks as long as PVE does: 10 s. What was interrupted is settled first.
  static Result<LockedVmFile> open(FileSystem&, const std::string& path, int milliseconds = 10000);

  const VmPlace& place() const { return place_; }
  /// As it was read under the lock. Its path is the real one.
  const SourcePtr& source() const { return source_; }
  /// Interrupted transactions that were settled on the way.
  const std::vector<TransactionResult>& recovered() const { return locks_.recovered; }

  /// Puts `text` in the file's place. On a failure the file has its old text, unless the message says otherwise. Refused if the file
  /// is not the one that was read. `what`: the call as `history` shows it.
  Status write(std::string_view text, const std::string& what = "set");

 private:
  LockedVmFile(FileSystem& system, VmPlace place, SourcePtr source, WriteLocks locks)
      : system_(&system), place_(std::move(place)), source_(std::move(source)), locks_(std::move(locks)) {}

  FileSystem* system_;
  VmPlace place_;
  SourcePtr source_;
  WriteLocks locks_;
};

}  // namespace hostpci
