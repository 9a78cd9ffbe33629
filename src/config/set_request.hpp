// What a call of `set` asks for, and what is wrong with it before any file is read.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hostpci {

struct SetRequest {
  struct Assignment {
    std::string key, value;  ///< as typed
  };
  std::vector<Assignment> sets;  ///< each key once
  std::vector<std::string> deletes, reverts;
  std::string digest;  ///< the file's digest as the caller knows it; "" and "0": not checked
  bool force = false, skiplock = false;

  const std::string* value(std::string_view key) const;
};

/// Why the call is wrong usage, one line each; empty if it is not. Source: qemu-server API2/Qemu.pm (update_vm_api).
std::vector<std::string> check_request(const SetRequest&);

/// The call as PVE tells it before it writes: "-delete hostpci1 -hostpci0 01:00", sorted by option.
std::string describe(const SetRequest&);

/// A key as it stands in the file: `cdrom` is another name of `ide2`.
std::string_view stored_key(std::string_view key);

}  // namespace hostpci
