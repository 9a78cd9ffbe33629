// Texts, what follows from them, and why they changed.
#include "plan/workspace.hpp"

#include <algorithm>
#include <cassert>

#include "config/set_vm.hpp"
#include "plan/boot_files.hpp"
#include "rules/lint.hpp"
#include "text/edit.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr const char* mapping_file = "/etc/pve/mapping/pci.cfg";

template <class T>
void add_once(std::vector<T>& list, T item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

/// A hostpci line, be it one that Proxmox VE would drop.
bool asks_for_devices(const Vm& vm) {
  const auto& dropped = vm.main().dropped;
  auto about = [](const DroppedLine& line) { return line.key.starts_with("hostpci"); };
  return !next_start(vm).hostpci().empty() || std::any_of(dropped.begin(), dropped.end(), about);
}

std::string label(std::uint32_t vmid) { return "VM " + std::to_string(vmid); }

}  // namespace

/// Everything that facts point into.
struct Workspace::Joined {
  Mappings mappings;
  BootConfig boot;
  Facts facts;
};

Workspace::Workspace(const PlanInputs& inputs, const Goal& wanted)
    : goal(wanted), inputs_(inputs), host_(inputs.host), vms_(inputs.vms) {
  plan.node = host_.node;
  std::stable_sort(vms_.begin(), vms_.end(), [](const Vm& a, const Vm& b) { return a.vmid < b.vmid; });
  find_wanted();
}

Workspace::~Workspace() = default;

// Which VMs
// ------------------------------------------------------------------------------------------------------------

void Workspace::choose(const Vm& vm) {
  bool named = !goal.vms.empty();
  bool foreign = !vm.node.empty() && vm.node != host_.node;
  if (is_template(vm)) {
    if (named) obstacle(vm.source->path, 0, label(vm.vmid) + " is a template: Proxmox VE never starts it");
    return;
  }
  if (foreign) {
    if (named) obstacle(vm.source->path, 0, label(vm.vmid) + " is on node `" + printable(vm.node) + "`: plan there");
    return;
  }
  wanted_.insert(vm.vmid);
  plan.vms.push_back(vm.vmid);
  std::string_view lock = vm.text("lock");
  if (lock.empty()) return;
  locked_.insert(vm.vmid);
  obstacle(vm.source->path, 0, label(vm.vmid) + " is locked (" + printable(lock) + "): its file is left as it is");
}

void Workspace::find_wanted() {
  for (const Vm& vm : vms_) {
    bool named = std::find(goal.vms.begin(), goal.vms.end(), vm.vmid) != goal.vms.end();
    if (named || (goal.vms.empty() && asks_for_devices(vm))) choose(vm);
  }
  for (std::uint32_t vmid : goal.vms) {
    bool known = std::any_of(vms_.begin(), vms_.end(), [&](const Vm& vm) { return vm.vmid == vmid; });
    if (!known) obstacle("", 0, label(vmid) + " has no hostpci line: there is nothing to plan for it");
  }
  std::sort(plan.vms.begin(), plan.vms.end());
  plan.vms.erase(std::unique(plan.vms.begin(), plan.vms.end()), plan.vms.end());
}

bool Workspace::wants(std::uint32_t vmid) const { return wanted_.count(vmid) != 0; }

bool Workspace::may_change(const VmFacts& vm) const { return wants(vm.vm->vmid) && !locked_.count(vm.vm->vmid); }

std::vector<const VmFacts*> Workspace::vms() {
  std::vector<const VmFacts*> list;
  for (const VmFacts& vm : facts().vms)
    if (wants(vm.vm->vmid)) list.push_back(&vm);
  return list;
}

// Facts
// ----------------------------------------------------------------------------------------------------------------

std::unique_ptr<Workspace::Joined> Workspace::join(const Host& host, const std::vector<Vm>& vms) const {
  auto joined = std::make_unique<Joined>();
  const std::string* mappings = host.file(mapping_file);
  joined->mappings = read_mappings(mappings ? make_source(mapping_file, *mappings) : nullptr);
  joined->boot = read_boot_config(host.files, host.unreadable);
  joined->facts = make_facts(host, joined->mappings, joined->boot, vms);
  return joined;
}

const Facts& Workspace::facts() {
  if (!joined_) joined_ = join(host_, vms_);
  return joined_->facts;
}

std::vector<Diagnostic> Workspace::lint_with(const Texts& texts) {
  Host host = host_;
  std::vector<Vm> vms = vms_;
  for (const auto& [path, text] : texts)
    if (!is_vm_file(path)) host.files[path] = text;
  for (Vm& vm : vms)
    if (auto text = texts.find(vm.source->path); text != texts.end())
      vm = read_vm(make_source(text->first, text->second));
  auto joined = join(host, vms);
  return make_report(lint(joined->facts, {}, {wanted_.begin(), wanted_.end()}), 0, 0).diagnostics;
}

// Places
// ----------------------------------------------------------------------------------------------------------------

std::string Workspace::place(const std::string& path) const { return inputs_.resolve ? inputs_.resolve(path) : path; }

bool Workspace::refuse_astray(const std::string& path) {
  std::string real = place(path);
  bool astray = leads_astray(path, real);
  if (astray) obstacle(path, 0, "leads to `" + printable(real) + "`: not changed");
  return astray;
}

// Texts
// ----------------------------------------------------------------------------------------------------------------

bool Workspace::is_vm_file(const std::string& path) const {
  return std::any_of(vms_.begin(), vms_.end(), [&](const Vm& vm) { return vm.source->path == path; });
}

const std::string* Workspace::original(const std::string& path) const {
  for (const Vm& vm : inputs_.vms)
    if (vm.source->path == path) return &vm.source->text;
  return inputs_.host.file(path);
}

const std::string* Workspace::text(const std::string& path) const {
  for (const Vm& vm : vms_)
    if (vm.source->path == path) return &vm.source->text;
  return host_.file(path);
}

void Workspace::add_reason(const std::string& path, const std::string& reason) { add_once(reasons_[path], reason); }

void Workspace::put(const std::string& path, std::string text, const std::vector<std::string>& reasons) {
  const std::string* now = this->text(path);
  if ((now && *now == text) || refuse_astray(path)) return;
  for (const std::string& reason : reasons) add_reason(path, reason);
  joined_.reset();
  for (Vm& vm : vms_)
    if (vm.source->path == path) {
      vm = read_vm(make_source(path, std::move(text)));
      return;
    }
  assert(!boot_ || path == mapping_file);
  host_.files[path] = std::move(text);
}

bool Workspace::edit(const std::vector<FileEdit>& edits, const std::string& reason) {
  std::map<std::string, std::vector<Edit>> by_file;
  for (const FileEdit& e : edits) by_file[e.file].push_back({e.span, e.text});
  Texts made;
  for (auto& [path, list] : by_file) {
    const std::string* now = text(path);
    if (refuse_astray(path)) return false;
    Result<std::string> changed = now ? hostpci::apply(*now, list) : Result<std::string>(Failure{});
    if (!changed) return false;
    made[path] = std::move(*changed);
  }
  for (auto& [path, text] : made) put(path, std::move(text), {reason});
  return !made.empty();
}

// Boot set-up
// ----------------------------------------------------------------------------------------------------------

const CommandLineHomes& Workspace::homes() {
  if (!homes_) homes_ = homes_of(host_, *facts().boot);
  return *homes_;
}

const InitramfsDecision& Workspace::initramfs() {
  if (!initramfs_) initramfs_ = initramfs_of(host_);
  return *initramfs_;
}

BootDraft& Workspace::boot() {
  if (!boot_) boot_ = std::make_unique<BootDraft>(host_.files, host_.unreadable, homes(), initramfs().tool);
  return *boot_;
}

/// The draft's files become the host's; each that an operation changed gets its reason. Lists of names that the draft
/// keeps beside them are no files.
void Workspace::take_over(const std::map<std::string, std::string>& before, const std::string& reason) {
  for (const auto& [path, file] : boot_->changed()) {
    auto old = before.find(path);
    bool same = file.text ? old != before.end() && old->second == *file.text : old == before.end();
    if (same) continue;
    add_reason(path, reason);
    if (file.text)
      host_.files[path] = *file.text;
    else
      host_.files.erase(path);
  }
  for (const auto& [path, text] : before)
    if (auto now = boot_->files().find(path);
        now != boot_->files().end() && now->second != text && host_.files.count(path))
      host_.files[path] = now->second;
  joined_.reset();
}

bool Workspace::arrange(const std::function<Refused(BootDraft&)>& operation, const std::string& reason) {
  const BootDraft before = boot();
  if (Refused refused = operation(boot())) {
    obstacle(refused->file, refused->line, refused->message);
    return false;
  }
  for (const auto& [path, file] : boot_->changed())
    if (refuse_astray(path)) {
      *boot_ = before;
      return false;
    }
  take_over(before.files(), reason);
  return true;
}

// What is told
// ---------------------------------------------------------------------------------------------------------

void Workspace::obstacle(std::string file, std::uint32_t line, std::string message) {
  add_once(plan.obstacles, Obstacle{std::move(file), line, std::move(message)});
}

void Workspace::note(std::string text) { add_once(plan.notes, std::move(text)); }

void Workspace::reboot(std::string line) { add_once(plan.reboot, std::move(line)); }

void Workspace::mended(std::string_view rule, std::string words) { mended_.emplace_back(rule, std::move(words)); }

bool Workspace::is_mended(const Diagnostic& finding) const {
  return std::any_of(mended_.begin(), mended_.end(), [&](const auto& item) {
    return item.first == finding.rule && finding.message.find(item.second) != std::string::npos;
  });
}

void Workspace::iommu_comes() {
  for (const char* rule :
       {"host-iommu-absent", "host-iommu-intel-default-off", "host-iommu-cmdline-off", "device-no-iommu-group"})
    mended(rule);
}

// Changes
// --------------------------------------------------------------------------------------------------------------

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

Values next_values(const std::string& path, const std::string& text) {
  Values values;
  Vm next = next_start(read_vm(make_source(path, text)));
  for (const auto& [key, value] : next.main().values)
    if (key != "delete" && key != "snapstate") values.emplace(key, value.value);
  return values;
}

/// A running VM's file with the change in [PENDING], where `set` puts it.
Result<std::string> pending_text(const std::string& path, const std::string& before, const std::string& after) {
  Values old = next_values(path, before), wanted = next_values(path, after);
  SetRequest request;
  for (const auto& [key, value] : wanted)
    if (auto known = old.find(key); known == old.end() || known->second != value) request.sets.push_back({key, value});
  for (const auto& [key, value] : old)
    if (!wanted.count(key)) request.deletes.push_back(key);
  if (request.sets.empty() && request.deletes.empty()) return before;
  SetOutcome outcome = set_vm(read_vm(make_source(path, before)), request, true);
  if (outcome.verdict == SetVerdict::accepted) return outcome.text;
  return Failure{"the change cannot be put into [PENDING]: " + join(outcome.errors, "; ")};
}

std::optional<std::string> copy_of(const std::string* text) { return text ? std::optional(*text) : std::nullopt; }

}  // namespace

std::vector<std::string> Workspace::changed_files() const {
  std::vector<std::string> paths;
  for (const auto& [path, reasons] : reasons_)
    if (copy_of(original(path)) != copy_of(text(path))) paths.push_back(path);
  return paths;
}

FileChange Workspace::change_of(const std::string& path) {
  FileChange change{place(path), copy_of(original(path)), copy_of(text(path)), 0644, reasons_[path]};
  if (!is_vm_file(path)) {
    auto drafted = boot_ ? boot_->changed() : std::map<std::string, DraftFile>();
    if (auto file = drafted.find(path); file != drafted.end()) change.mode = file->second.mode;
    return change;
  }
  const VmFacts* vm = facts().vm(vmid_of_path(path));
  if (!vm || !vm->running) return change;
  Result<std::string> pending = pending_text(path, *change.before, *change.after);
  if (!pending) obstacle(path, 0, pending.error().message);
  change.after = pending.value_or(*change.before);
  if (change.after != change.before)
    note("VM " + std::to_string(vm->vm->vmid) + " is running: its change waits in [PENDING] for the next start");
  return change;
}

/// Two paths may lead to one file (/etc/modules-load.d/modules.conf and /etc/modules): it is changed once.
std::vector<FileChange> Workspace::changes() {
  std::map<std::string, FileChange> by_path;
  for (const std::string& path : changed_files()) {
    FileChange change = change_of(path);
    if (change.before == change.after) continue;
    auto [at, made] = by_path.emplace(change.path, change);
    if (!made && at->second.after != change.after)
      obstacle(path, 0, "another path of this file is to be changed otherwise");
  }
  std::vector<FileChange> list;
  for (auto& [path, change] : by_path) list.push_back(std::move(change));
  return list;
}

}  // namespace hostpci
