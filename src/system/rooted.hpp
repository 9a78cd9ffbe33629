// Opening paths so that neither `..` nor a link, an absolute one included, leads out of a root directory.
#pragma once
#include <string>

#include "system/descriptor.hpp"

namespace hostpci {

/// How paths are resolved below a root.
enum class LinkResolver {
  plain,      ///< the root is "/": the kernel's ordinary way
  kernel,     ///< openat2(2) with RESOLVE_IN_ROOT, Linux 5.6
  component,  ///< part by part, each opened O_NOFOLLOW: for older kernels, and where a sandbox refuses openat2
};

/// A directory that is taken for "/". Failures are told by errno.
class Root {
 public:
  Root() = default;
  Root(Descriptor directory, LinkResolver resolution) : directory_(std::move(directory)), resolution_(resolution) {}
  /// Opens the directory and finds out how its paths can be resolved.
  static Root open_directory(const std::string& path);

  explicit operator bool() const { return bool(directory_); }
  LinkResolver resolution() const { return resolution_; }

  /// As open(2) with this root; O_CLOEXEC and O_NOCTTY are added. A path without a leading slash begins at the root
  /// too.
  Descriptor open(const std::string& path, int flags, unsigned mode = 0) const;
  /// The path without links, `.` and `..`; its last part may be absent. Empty: see errno.
  std::string canonical(const std::string& path) const;

 private:
  Descriptor directory_;
  LinkResolver resolution_ = LinkResolver::plain;
};

}  // namespace hostpci
