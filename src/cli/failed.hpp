// The end of a command that was refused something.
#pragma once
#include <cerrno>

#include "cli/command.hpp"
#include "cli/log.hpp"
#include "text/result.hpp"

namespace hostpci {

/// A word that names nothing that could be (EINVAL of vm_file) is wrong usage; all else the system refused.
inline int status_of(const Failure& failure) { return failure.code == EINVAL ? usage : refused; }

/// Tells it and gives the exit status.
inline int failed(const Failure& failure) {
  log_error(failure.message);
  return status_of(failure);
}

}  // namespace hostpci
