// The files as a plan has them by now: every part of the planner changes them here, with a reason, and asks the facts
// that follow.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/boot_draft.hpp"
#include "plan/fixes.hpp"
#include "plan/planner.hpp"
#include "rules/facts.hpp"

namespace hostpci {

class Workspace {
 public:
  Workspace(const PlanInputs& inputs, const Goal& goal);
  Workspace(const Workspace&) = delete;

  const Goal goal;
  Plan plan;  ///< files and what was read come last, by finish()

  /// Host, VMs and boot set-up with all changes so far; good until the next change.
  const Facts& facts();
  const Host& host() const { return host_; }
  /// Those of the VMs wanted that can start here, of facts(): no templates, none of another node.
  std::vector<const VmFacts*> vms();
  /// Those whose file may be changed: not locked.
  bool may_change(const VmFacts& vm) const;
  bool wants(std::uint32_t vmid) const;

  /// The text of a VM's file or of a file of the host as it was read; null if there is none.
  const std::string* original(const std::string& path) const;
  /// The same by now.
  const std::string* text(const std::string& path) const;
  bool is_vm_file(const std::string& path) const;
  /// Facts as they would be with these texts in place.
  std::vector<Diagnostic> lint_with(const Texts& texts);

  /// Puts a text in place. Files of the boot set-up only before the first arrange().
  void put(const std::string& path, std::string text, const std::vector<std::string>& reasons);
  /// Edits of one finding or step; false if they fit no text.
  bool edit(const std::vector<FileEdit>& edits, const std::string& reason);
  /// One operation on the boot set-up. What is refused becomes an obstacle. True: things are so now, or were before.
  bool arrange(const std::function<Refused(BootDraft&)>& operation, const std::string& reason);
  BootDraft& boot();
  bool has_boot() const { return boot_ != nullptr; }
  /// Where the command line lives and what renews the initramfs.
  const CommandLineHomes& homes();
  const InitramfsDecision& initramfs();

  void obstacle(std::string file, std::uint32_t line, std::string message);
  void note(std::string text);
  /// Told once: what counts only after a reboot.
  void reboot(std::string line);
  /// The rule's finding that has these words is mended by this plan although the host still shows it.
  void mended(std::string_view rule, std::string words = {});
  bool is_mended(const Diagnostic& finding) const;
  /// The next boot has an IOMMU: findings that only lack one are mended.
  void iommu_comes();

  /// Files that differ, by path, with their reasons.
  std::vector<FileChange> changes();
  std::vector<std::string> changed_files() const;

 private:
  struct Joined;
  std::unique_ptr<Joined> join(const Host& host, const std::vector<Vm>& vms) const;
  void find_wanted();
  void choose(const Vm& vm);
  void take_over(const std::map<std::string, std::string>& before, const std::string& reason);
  void add_reason(const std::string& path, const std::string& reason);
  FileChange change_of(const std::string& path);
  /// Where the file really stands.
  std::string place(const std::string& path) const;
  /// True and an obstacle if links lead it to where no boot file belongs.
  bool refuse_astray(const std::string& path);

  const PlanInputs& inputs_;
  Host host_;
  std::vector<Vm> vms_;
  std::unique_ptr<Joined> joined_;
  std::unique_ptr<BootDraft> boot_;
  std::optional<CommandLineHomes> homes_;
  std::optional<InitramfsDecision> initramfs_;
  std::set<std::uint32_t> wanted_, locked_;
  std::map<std::string, std::vector<std::string>> reasons_;
  std::vector<std::pair<std::string, std::string>> mended_;

 public:
  ~Workspace();
};

}  // namespace hostpci
