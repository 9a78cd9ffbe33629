// A VM's configuration being changed: values of the main section and of [PENDING] as PVE keeps them, and the text that
// holds the result.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/drives.hpp"
#include "config/vm.hpp"
#include "config/vm_lists.hpp"
#include "text/result.hpp"

namespace hostpci {

/// Only what differs from the file at the end is edited; every other byte stays. The description is the key
/// "description".
class VmDraft {
 public:
  explicit VmDraft(const Vm& vm);

  /// Current values that PVE would call equal.
  bool has(std::string_view key) const { return main_.find(key) != main_.end(); }
  bool pending_has(std::string_view key) const { return pending_.find(key) != pending_.end(); }

  /// What one call asks for; all of it goes to [PENDING] first, as PVE does it.
  void set(const std::string& key, const std::string& value);
  void remove(const std::string& key, bool force);
  void revert(const std::string& key);
  /// Lines of that key go even if PVE drops them when it reads.
  void purge(const std::string& key) { purged_.insert(key); }

  /// Pending values equal to the current ones, and deletions of what is not set, go. Source: AbstractConfig.pm
  /// (cleanup_pending).
  void clean();
  /// What takes effect at once on a running VM moves to the main section. Source: QemuServer.pm ($fast_plug_option).
  void apply_fast();
  /// Everything moves to the main section, as PVE does it for a stopped VM. What would need the storage stays pending.
  void apply_all(std::vector<std::string>& notes);

  /// The file's text with the differences written into it.
  Result<std::string> text() const;

 private:
  void take_from_boot_order(const std::string& key);
  bool retire(const std::string& key, std::vector<std::string>& notes);
  void drop_delete(std::string_view key);

  const Vm& vm_;
  KeyValues main_, pending_;
  std::vector<PendingDelete> deletes_;
  std::set<std::string> purged_;
};

}  // namespace hostpci
