// `set` as a pure function: a VM's file and a call in, the new text or the reason why not out.
// Source: qemu-server API2/Qemu.pm (update_vm_api) and QemuServer.pm (vmconfig_hotplug_pending,
// vmconfig_apply_pending).
#pragma once
#include <string>
#include <vector>

#include "config/set_request.hpp"
#include "config/vm.hpp"

namespace hostpci {

enum class SetVerdict : std::uint8_t {
  accepted,
  usage,    ///< the call itself is wrong
  refused,  ///< the VM does not allow it now: locked, or the file has another digest
};

struct SetOutcome {
  SetVerdict verdict = SetVerdict::accepted;
  std::vector<std::string> errors;  ///< why not
  std::vector<std::string>
      notes;         ///< what the caller should know: a key that was not set, a change that waits for the next start
  std::string text;  ///< the new file, if accepted; may equal the old one
};

/// `running`: the change goes to [PENDING], except what takes effect at once; else all pending entries are applied.
SetOutcome set_vm(const Vm&, const SetRequest&, bool running);

}  // namespace hostpci
