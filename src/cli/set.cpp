// `set`: as `qm set`, checked against the host before the file is written.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "apply/running.hpp"
#include "apply/set_check.hpp"
#include "apply/vm_file.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "config/set_vm.hpp"
#include "diag/render.hpp"
#include "grammar/hostpci.hpp"
#include "text/diff.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

bool is_control(std::string_view name) {
  constexpr std::string_view names[] = {"delete", "revert",  "digest",    "skiplock",
                                        "force",  "dry-run", "exit-code", "unchecked"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

SetRequest request_of(const Options& options) {
  SetRequest request;
  for (const auto& [name, values] : options.values)
    if (!is_control(name) && is_set_key(name)) request.sets.push_back({name, values.back()});
  request.deletes = options.list("delete");
  request.reverts = options.list("revert");
  request.digest = options.text("digest");
  request.force = options.flag("force");
  request.skiplock = options.flag("skiplock");
  return request;
}

/// The places in a hostpci value that PVE refuses, to standard error: a long form for what the message alone says.
void point_at_errors(const SetRequest& request, bool colour) {
  for (const auto& item : request.sets) {
    if (!item.key.starts_with("hostpci")) continue;
    SourcePtr source = make_source("-" + item.key, item.value);
    for (const HostpciError& error : parse_hostpci(source->text).errors) {
      Diagnostic finding;
      finding.rule = error.rule;
      finding.message = error.message;
      finding.place = {source, error.span};
      if (!error.help.empty()) finding.help.push_back(error.help);
      std::string text = render_text(finding, colour);
      if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
    }
  }
}

/// One run of the command: what is known of it so far.
class SetCommand {
 public:
  explicit SetCommand(Invocation& invocation)
      : invocation_(invocation),
        out_(*invocation.out),
        request_(request_of(invocation.options)),
        dry_run_(invocation.options.has("dry-run")),
        unchecked_(invocation.options.has("unchecked")),
        colour_(Output::colour(invocation.globals.color)) {}

  int run() {
    if (int status = check_call()) return status;
    if (int status = open()) return status;
    if (int status = load_context()) return status;
    if (int status = open_file()) return status;
    if (int status = compute()) return status;
    return finish();
  }

 private:
  int fail(int status, const std::string& message) {
    log_error(message);
    return status;
  }

  int check_call() {
    auto wrong = check_request(request_);
    for (const std::string& message : wrong) log_error(message);
    if (!wrong.empty()) point_at_errors(request_, invocation_.globals.color == "always");
    return wrong.empty() ? done : usage;
  }

  int open() {
    auto world = World::open(invocation_.globals);
    if (!world) return fail(refused, world.error().message);
    world_ = std::move(*world);
    Result<std::string> path = vm_file(world_->system(), invocation_.arguments[0]);
    if (!path) return fail(usage, path.error().message);
    path_ = std::move(*path);
    if (auto there = world_->system().stat(path_); !there && there.error().code == ENOENT)
      return fail(refused, no_such_vm(world_->system(), path_).message);
    auto place = vm_place(world_->system(), path_);
    if (!place) return fail(refused, place.error().message);
    place_ = std::move(*place);
    return done;
  }

  /// The host and the other VMs are read before the lock is taken: PVE waits for it ten seconds only.
  int load_context() {
    auto host = world_->host();
    if (!host) return fail(refused, host.error().message);
    context_.host = *host;
    context_.mappings = &world_->mappings(**host);
    boot_ = read_boot_config((*host)->files, (*host)->unreadable);
    context_.boot = &boot_;
    std::vector<Failure> failures;
    for (const std::string& path : world_->vm_paths({}, failures)) {
      auto text = world_->system().read(path);
      if (!text || !mentions_passthrough(*text) || vmid_of_path(path) == place_.vmid) continue;
      context_.others.push_back(read_vm(make_source(path, std::move(*text))));
    }
    for (const Failure& failure : failures) log_warning(failure.message);
    return done;
  }

  int open_file() {
    FileSystem& system = world_->system();
    if (dry_run_) {
      auto text = read_vm_text(system, place_);
      if (!text) return fail(refused, text.error().message);
      take_text(std::move(*text));
      return done;
    }
    auto file = LockedVmFile::open(system, path_);
    if (!file) return fail(refused, file.error().message);
    file_.emplace(std::move(*file));
    for (const TransactionResult& result : file_->recovered()) tell_recovered(result);
    place_ = file_->place();
    take_text(file_->source()->text);
    return done;
  }

  static void tell_recovered(const TransactionResult& result) {
    log_warning("transaction " + result.id + " was interrupted: now it is " + std::string(hostpci::name(result.outcome)));
    for (const std::string& problem : result.problems) log_warning(problem);
  }

  /// Findings name the file as the caller does, unless that name would mean another VM.
  void take_text(std::string text) {
    bool same = vmid_of_path(path_) == place_.vmid;
    before_ = read_vm(make_source(same ? path_ : place_.path, std::move(text)));
  }

  /// As PVE finds it out, or as the host's processes show it: a change for the next start is the safe one.
  bool running() const {
    const auto& known = context_.host->running;
    auto is_it = [&](const RunningVm& vm) { return vm.vmid == before_.vmid && vm.vmid != 0; };
    if (known && std::any_of(known->begin(), known->end(), is_it)) return true;
    return invocation_.globals.host.empty() && is_running(world_->system(), before_.vmid);
  }

  int compute() {
    outcome_ = set_vm(before_, request_, running());
    for (const std::string& error : outcome_.errors) log_error(error);
    if (outcome_.verdict != SetVerdict::accepted) return outcome_.verdict == SetVerdict::usage ? usage : refused;
    Vm after = read_vm(make_source(before_.source->path, outcome_.text));
    world_->read_roms_of({after});
    std::vector<std::string> keys;
    for (const auto& item : request_.sets) keys.push_back(item.key);
    check_ = check_change(context_, before_, after, keys);
    return done;
  }

  void print_findings(const std::vector<Diagnostic>& findings) {
    for (const Diagnostic& finding : findings) out_ << render_text(finding, colour_) << "\n";
  }

  bool held_back() const { return !unchecked_ && !check_.blocking.empty(); }

  int finish() {
    for (const std::string& note : outcome_.notes) log_warning(note);
    print_findings(check_.findings);
    std::string diff = unified_diff(before_.source->path.substr(1), before_.source->text, outcome_.text);
    if (dry_run_) return finish_dry_run(diff);
    if (held_back()) return hold_back();
    out_ << "update VM " << name() << ": " << printable(describe(request_)) << "\n" << printable_lines(diff);
    // What cannot be printed is not done: a full disk behind standard output must not hide a change.
    if (!out_.flush()) return refused;
    std::string what = "set " + name() + " " + describe(request_);
    if (Status written = file_->write(outcome_.text, what); !written) return fail(refused, written.error().message);
    return done;
  }

  int finish_dry_run(const std::string& diff) {
    out_ << printable_lines(diff);
    if (diff.empty()) log_info("no change");
    if (held_back()) return hold_back();
    return invocation_.options.has("exit-code") && !diff.empty() ? int(findings) : int(done);
  }

  int hold_back() {
    std::vector<std::string> rules;
    for (const Diagnostic& finding : check_.blocking)
      rules.push_back("`" + finding.rule + "` on `" + finding.key + "`");
    return fail(refused,
                "nothing was changed: held back by " + join(rules, ", ") + "; `--unchecked` writes all the same");
  }

  std::string name() const {
    return before_.vmid ? std::to_string(before_.vmid) : "`" + printable(before_.source->path) + "`";
  }

  Invocation& invocation_;
  Output& out_;
  SetRequest request_;
  bool dry_run_, unchecked_, colour_;
  std::unique_ptr<World> world_;
  std::string path_;  ///< as the caller names it
  VmPlace place_;
  BootConfig boot_;
  SetContext context_;
  std::optional<LockedVmFile> file_;
  Vm before_;
  SetOutcome outcome_;
  SetCheck check_;
};

}  // namespace

int run_set(Invocation& invocation) { return SetCommand(invocation).run(); }

}  // namespace hostpci
