// `apply`: a plan carried out as one transaction, after it was shown and agreed to.
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "apply/confirm.hpp"
#include "apply/transaction.hpp"
#include "cli/argument_file.hpp"
#include "cli/carry.hpp"
#include "cli/failed.hpp"
#include "cli/log.hpp"
#include "cli/planning.hpp"
#include "cli/run.hpp"
#include "plan/evidence.hpp"
#include "plan/render.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

int fail(const std::string& message, int status = refused) {
  log_error(message);
  return status;
}

/// A plan's file stands alone and is neither a VMID nor a VM's configuration nor a directory of them.
bool names_plan(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1 || number(arguments[0]) || arguments[0].ends_with(".conf")) return false;
  return !arguments[0].ends_with('/') && read_argument_file(arguments[0]).has_value();
}

/// This program, as a unit starts it at the next boot.
std::string program_path(const Globals& globals) {
  char path[4096];
  ssize_t size = globals.has_root() ? -1 : ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, std::size_t(size)) : "/usr/sbin/hostpci";
}

/// "The host loses console fb0 (VM 100), sound card0 (VM 100). "; empty if it loses nothing.
std::string losses_of(const Plan& plan) {
  std::vector<std::string> parts;
  for (const Loss& loss : plan.losses)
    if (std::find(parts.begin(), parts.end(), loss.what) == parts.end()) parts.push_back(loss.what);
  return parts.empty() ? "" : "The host loses " + join(parts, ", ") + ". ";
}

bool loses_critical(const Plan& plan) {
  for (const Loss& loss : plan.losses)
    if (loss.critical) return true;
  return false;
}

class ApplyCommand {
 public:
  explicit ApplyCommand(Invocation& invocation) : invocation_(invocation), out_(*invocation.out) {}

  int run() {
    if (!invocation_.globals.host.empty()) return fail("a plan for a snapshot can be shown, not applied", usage);
    auto world = World::open(invocation_.globals);
    if (!world) return fail(world.error().message);
    world_ = std::move(*world);
    if (auto status = recover_first(invocation_, world_->system())) return *status;
    if (invocation_.options.has("confirm")) return keep();
    if (int status = refuse_while_waiting()) return status;
    if (int status = names_plan(invocation_.arguments) ? load() : make()) return status;
    if (int status = guard()) return status;
    return show_and_carry_out();
  }

 private:
  /// `--confirm`.
  int keep() {
    auto waiting = unconfirmed(world_->system());
    if (!waiting) return fail(waiting.error().message);
    if (!*waiting) return fail("no change waits to be confirmed");
    if (Status kept = confirm(world_->system()); !kept) return fail(kept.error().message);
    out_ << "the change is kept\n";
    return done;
  }

  /// Another change on top of one that may take itself back would stand in its way.
  int refuse_while_waiting() {
    auto waiting = unconfirmed(world_->system());
    if (!waiting) return fail(waiting.error().message);
    return *waiting ? fail("a change waits to be confirmed: `hostpci apply --confirm` keeps it, `hostpci rollback` takes it back") : int(done);
  }

  int make() {
    Goal goal;
    goal.unsafe_interrupts = invocation_.options.has("unsafe-interrupts");
    auto planned = plan_for(invocation_.globals, invocation_.arguments, goal);
    if (!planned) return failed(planned.error());
    for (const Failure& failure : planned->failures) log_error(failure.message);
    if (!planned->failures.empty()) return fail("nothing was changed: the plan would not know all VMs");
    plan_ = std::move(planned->saved.plan);
    return done;
  }

  int load() {
    auto text = read_argument_file(invocation_.arguments[0]);
    auto saved = text ? read_plan(*text) : Result<SavedPlan>(text.error());
    if (!saved) return fail("`" + invocation_.arguments[0] + "`: " + saved.error().message);
    auto survey = Survey::open_all(invocation_.globals, {});
    if (!survey) return fail(survey.error().message);
    if (std::string why = foreign_plan(*saved, origin_of(**survey)); !why.empty()) return fail(why);
    plan_ = std::move(saved->plan);
    return hold_against(**survey);
  }

  int hold_against(const Survey& survey) {
    Status fits = held_against(survey);
    return fits ? int(done) : fail(fits.error().message);
  }

  Status held_against(const Survey& survey) const {
    auto changed = changed_evidence(plan_.read, evidence_of(survey, plan_.vms));
    if (changed.empty()) return Done{};
    return Failure{"nothing was changed: what the plan was made from is no longer so: " + join(changed, ", ") + "; plan again"};
  }

  /// Asked under the locks: while the question stood, a VM may have started, or a file that decided been edited.
  Status still_fits() const {
    auto survey = Survey::open_all(invocation_.globals, {});
    return survey ? held_against(**survey) : Status(survey.error());
  }

  /// `--confirm-after-boot`: the files that take the change back become part of it.
  int guard() {
    std::string text = invocation_.options.text("confirm-after-boot");
    if (text.empty()) return done;
    auto minutes = number(text);
    if (!minutes || *minutes == 0 || *minutes > 1440) return fail("`--confirm-after-boot` takes minutes, 1 to 1440, not `" + text + "`", usage);
    if (plan_.files.empty()) return done;
    auto files = confirmation_files(world_->system(), program_path(invocation_.globals), unsigned(*minutes));
    if (!files) return fail(files.error().message);
    guards_ = std::move(*files);
    guarded_minutes_ = text;
    return done;
  }

  int show_and_carry_out() {
    out_ << render_plan(plan_, Output::colour(invocation_.globals.color));
    if (!out_.flush()) return refused;
    if (plan_.files.empty() && plan_.refresh.empty()) return done;
    if (auto status = ask(invocation_, losses_of(plan_) + "Apply this plan?", loses_critical(plan_))) return *status;
    TransactionRequest request{as_typed(invocation_), plan_.files, plan_.refresh, refresh_runner(invocation_), plan_.undo, [this] { return still_fits(); }};
    request.files.insert(request.files.end(), guards_.begin(), guards_.end());
    auto result = carry_out(world_->system(), request);
    if (!result) return fail(result.error().message);
    int status = tell_result(invocation_, request, *result);
    if (status == done) tell_next();
    return status;
  }

  void tell_next() {
    for (const PlannedCommand& command : plan_.by_hand) out_ << "to be done by hand: " << printable(shell_line(command.words)) << "\n";
    if (!plan_.reboot.empty()) out_ << "it counts after a reboot\n";
    if (!guards_.empty())
      out_ << "after the reboot, run `hostpci apply --confirm` within " << guarded_minutes_ << " minutes, or the change is taken back\n";
  }

  Invocation& invocation_;
  Output& out_;
  std::unique_ptr<World> world_;
  Plan plan_;
  std::vector<FileChange> guards_;
  std::string guarded_minutes_;
};

}  // namespace

int run_apply(Invocation& invocation) { return ApplyCommand(invocation).run(); }

}  // namespace hostpci
