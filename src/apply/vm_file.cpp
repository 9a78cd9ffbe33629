// The locks and the one change of a VM's file.
#include "apply/vm_file.hpp"

#include <cerrno>

#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {

Result<LockedVmFile> LockedVmFile::open(FileSystem& system, const std::string& path, int milliseconds) {
  Result<VmPlace> place = vm_place(system, path);
  if (!place) return place.error();
  // A VM that does not exist gets no lock file.
  if (auto there = read_vm_text(system, *place); !there) return there.error();
  PveScope scope;
  if (place->vmid != 0) scope.vmids.insert(place->vmid);
  auto locks = lock_for_writing(system, scope, {}, milliseconds);
  if (!locks) return locks.error();
  auto text = read_target(system, place->path);
  if (!text) return text.error();
  if (!*text) return Failure{"`" + printable(place->path) + "` is gone", ENOENT};
  SourcePtr source = make_source(place->path, std::move(**text));
  return LockedVmFile(system, std::move(*place), std::move(source), std::move(*locks));
}

Status LockedVmFile::write(std::string_view text, const std::string& what) {
  TransactionRequest request;
  request.what = what;
  request.files = {{place_.path, source_->text, std::string(text)}};
  auto result = carry_out(*system_, request, locks_);
  if (!result) return result.error();
  bool written = result->outcome == Outcome::done || result->outcome == Outcome::nothing;
  if (!written) return Failure{join(result->problems, "; "), EIO};
  source_ = make_source(place_.path, std::string(text));
  return Done{};
}

}  // namespace hostpci
