// `sriov`: virtual functions of a card, now and at every boot. What is asked for takes place as a whole: a rule for
// every boot whose functions cannot be made now is taken back.
#include <algorithm>
#include <boost/json.hpp>

#include "apply/confirm.hpp"
#include "apply/transaction.hpp"
#include "cli/carry.hpp"
#include "cli/failed.hpp"
#include "cli/live.hpp"
#include "cli/planning.hpp"
#include "cli/run.hpp"
#include "cli/sriov_list.hpp"
#include "live/objections.hpp"
#include "live/virtual_functions.hpp"
#include "plan/evidence.hpp"
#include "plan/render.hpp"
#include "rules/device.hpp"
#include "text/escape.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// How long drivers are waited for that udev loads: they are told if they are there, not needed.
constexpr int driver_milliseconds = 1000;

int fail(const std::string& message, int status = refused) {
  log_error(message);
  return status;
}

class FunctionsChange {
 public:
  FunctionsChange(Invocation& invocation, std::uint32_t count)
      : invocation_(invocation), out_(*invocation.out), request_{count, !invocation.options.has("no-probe")} {}

  int run() {
    int status = done;
    if (persist() && !plan_rule(status)) return status;
    if (persist() && !dry() && invocation_.globals.has_root()) return write_rule_only();
    if (!open(status)) return status;
    show_plan();
    if (auto answer = object()) return *answer;
    if (dry()) return tell({}), int(done);
    return persist() && !plan_.files.empty() ? write_rule_and_act() : act();
  }

 private:
  bool persist() const { return invocation_.options.has("persist"); }
  bool dry() const { return invocation_.options.has("dry-run"); }
  FileSystem& files() { return survey_->world->system(); }

  // At every boot
  // --------------------------------------------------------------------------------------------------------

  /// False, told: nothing is to be done now either.
  bool plan_rule(int& status) {
    if (!dry() && !may_write(status)) return false;
    auto survey = Survey::open(invocation_.globals);
    if (!survey) return status = fail(survey.error().message), false;
    survey_ = std::move(*survey);
    const Device* card = sriov_card(*survey_->host, invocation_.arguments[0], status);
    if (!card || !is_possible(*card, status)) return false;
    plan_ = functions_plan(*survey_, card->address, {request_.count, request_.probe});
    for (const Obstacle& obstacle : plan_.obstacles)
      status = fail((obstacle.file.empty() ? "" : "`" + obstacle.file + "` ") + obstacle.message);
    if (status != done) log_error("nothing was changed");
    return status == done;
  }

  /// What was interrupted is settled first, and no change comes on top of one that may take itself back.
  bool may_write(int& status) {
    if (!invocation_.globals.host.empty())
      return status = fail("a rule for every boot can be shown for a snapshot, not written", usage), false;
    auto world = World::open(invocation_.globals);
    if (!world) return status = fail(world.error().message), false;
    if (auto ended = recover_first(invocation_, (*world)->system())) return status = *ended, false;
    auto waiting = unconfirmed((*world)->system());
    if (!waiting) return status = fail(waiting.error().message), false;
    if (!*waiting) return true;
    return status = fail(
               "a change waits to be confirmed: `hostpci apply --confirm` keeps it, `hostpci rollback` takes it back"),
           false;
  }

  TransactionRequest transaction() {
    auto fits = [this]() -> Status {
      auto survey = Survey::open(invocation_.globals);
      if (!survey) return survey.error();
      auto changed =
          changed_evidence(plan_.read, functions_plan(**survey, card_address(), {request_.count, request_.probe}).read);
      return changed.empty()
                 ? Status(Done{})
                 : Failure{"nothing was changed: what the rule was made from is no longer so: " + join(changed, ", ")};
    };
    std::string what = as_typed(invocation_) + (request_.probe ? "" : " --no-probe") + " --persist";
    return {what, plan_.files, plan_.refresh, refresh_runner(invocation_), plan_.undo, fits};
  }

  PciAddress card_address() const { return card_ ? card_->address : address_; }

  void show_plan() {
    if (!persist() || invocation_.json()) return;
    out_ << (plan_.files.empty() ? "at every boot: so already\n"
                                 : render_plan(plan_, Output::colour(invocation_.globals.color)));
    if (!dry()) (void)out_.flush();
  }

  /// Below --root.
  int write_rule_only() {
    int status = done;
    const Device* card = sriov_card(*survey_->host, invocation_.arguments[0], status);
    if (!card) return status;
    address_ = card->address;
    show_plan();
    if (plan_.files.empty() && invocation_.json()) tell_json(*card, {}, {});
    if (plan_.files.empty()) return done;
    if (auto answer = ask(invocation_, "Write this?", false)) return *answer;
    auto request = transaction();
    auto result = carry_out(files(), request);
    if (!result) return fail(result.error().message);
    if (invocation_.json()) tell_json(*card, {}, {});
    log_note("below `--root` nothing is done now: it counts at the next boot");
    return tell_transaction(request, *result);
  }

  int write_rule_and_act() {
    session_.reset();  // the transaction takes the same lock
    address_ = card_->address;
    card_ = nullptr;
    auto request = transaction();
    auto result = carry_out(files(), request);
    if (!result) return fail(result.error().message);
    if (result->outcome != Outcome::done && result->outcome != Outcome::unrefreshed)
      return tell_result(invocation_, request, *result);
    int status = act_again();
    return status == done ? tell_transaction(request, *result) : take_back(result->id, status);
  }

  int tell_transaction(const TransactionRequest& request, const TransactionResult& result) {
    if (!invocation_.json()) return tell_result(invocation_, request, result);
    for (const std::string& problem : result.problems) log_error(problem);
    return result.outcome == Outcome::unrefreshed ? findings : done;
  }

  int take_back(const std::string& id, int status) {
    session_.reset();
    auto undo = undo_of(files(), id);
    auto back = undo ? roll_back(files(), *undo, refresh_runner(invocation_)) : Result<TransactionResult>(undo.error());
    bool gone = back && (back->outcome == Outcome::done || back->outcome == Outcome::unrefreshed);
    if (!back)
      log_error(back.error().message);
    else
      for (const std::string& problem : back->problems) log_error(problem);
    log_error(gone ? "what was written for every boot was taken back"
                   : "what was written for every boot stands: `hostpci rollback " + id + "` takes it back");
    return status;
  }

  // Now
  // ------------------------------------------------------------------------------------------------------------------

  bool is_possible(const Device& card, int& status) {
    Status possible = functions_possible(card, request_.count);
    if (!possible) status = fail(possible.error().message);
    return possible.has_value();
  }

  bool open(int& status) {
    session_ = LiveSession::open(invocation_, status, device_parts);
    return session_ && find_card(status);
  }

  bool find_card(int& status) {
    card_ = sriov_card(session_->host(), invocation_.arguments[0], status);
    if (!card_ || !is_possible(*card_, status)) return false;
    if (!session_->from_snapshot()) request_.autoprobe = drivers_autoprobe(session_->system(), *card_);
    return true;
  }

  std::vector<Diagnostic> objections_now() {
    auto all = functions_objections(session_->host(), session_->from_snapshot() ? nullptr : &session_->system(), *card_,
                                    request_.count);
    for (std::size_t i = request_.count; i < card_->virtfns.size(); ++i) object_to_lines(card_->virtfns[i], all);
    return all;
  }

  /// Of VMs that wish for a function which will not be there.
  void object_to_lines(const PciAddress& function, std::vector<Diagnostic>& all) {
    if (!survey_)
      if (auto survey = Survey::open(invocation_.globals)) survey_ = std::move(*survey);
    if (!survey_) return;
    auto users = survey_->facts.users.find(function);
    if (users == survey_->facts.users.end()) return;
    for (const User& user : users->second) {
      Diagnostic d;
      d.rule = "device-vf-not-created";
      d.severity = Severity::warning;
      d.message = "VM " + std::to_string(user.vm->vm->vmid) + " takes `" + function.str() +
                  "`, which will not be there (" + user.assignment->key() + ")";
      d.place = Place(user.vm->vm->source->path);
      all.push_back(std::move(d));
    }
  }

  /// Nothing: go on. Asked once, be it for what goes now or for what is written.
  std::optional<int> object() {
    const char* question = plan_.files.empty()     ? "Take these functions from the host?"
                           : request_.count == 0   ? "Write this, and take these functions from the host now?"
                                                   : "Write this, and make it so now?";
    auto look = [this](int& status) -> std::optional<Outlook> {
      if (!find_card(status)) return {};
      return seen_ = outlook();
    };
    return settle(invocation_, *session_, look, question, !plan_.files.empty());
  }

  Outlook outlook() {
    Outlook all{objections_now(), {card_->address.str() + ": " + driver_text(*card_)}};
    for (const KernelWrite& write : functions_writes(*card_, request_)) all.state.push_back(as_text(write));
    for (const PciAddress& address : card_->virtfns)
      if (const Device* function = session_->host().find(address)) all.state.push_back(address.str() + ": " + driver_text(*function));
    return all;
  }

  /// While the rule was written others could act.
  int act_again() {
    int status = done;
    if (!open(status)) return status;
    Outlook now = outlook();
    if (is_same(now, seen_)) return act();
    tell_objections(invocation_, now.objections);
    return fail("the host changed meanwhile");
  }

  int act() {
    if (functions_writes(*card_, request_).empty()) return tell({}), int(done);
    if (Status set = set_functions(session_->system(), *card_, request_, session_->milliseconds()); !set)
      return fail(set.error().message);
    bool drivers_come = request_.probe && request_.autoprobe.value_or(true);
    int wait = drivers_come ? driver_milliseconds : 0;
    tell(function_drivers(session_->system(), *card_, wait));
    return done;
  }

  // Telling
  // --------------------------------------------------------------------------------------------------------------

  void tell(const std::vector<FunctionDriver>& functions) {
    std::vector<KernelWrite> writes = functions_writes(*card_, request_);
    if (invocation_.json()) return tell_json(*card_, writes, functions);
    if (writes.empty()) return tell_already();
    if (dry()) return (void)session_->carry_out(writes, out_);
    std::string before = std::to_string(*card_->sriov_numvfs);
    out_ << card_->address.str() << ": " << before << " -> " << count(request_.count, "virtual function") << "\n";
    for (const FunctionDriver& function : functions)
      out_ << "  " << function.address.str() << ": "
           << (function.driver.empty() ? "no driver" : printable(function.driver)) << "\n";
    if (request_.probe && request_.count && request_.autoprobe == false)
      log_note("`sriov_drivers_autoprobe` of the card is 0: no driver is tried on them");
    out_ << "undo: " << shell_line({"hostpci", "sriov", card_->address.str(), before}) << "\n";
  }

  void tell_already() {
    out_ << card_->address.str() << ": has "
         << (request_.count ? count(request_.count, "virtual function") : "no virtual functions") << " already\n";
    if (!request_.probe && request_.count)
      log_note("`--no-probe` is for functions that are made: these keep what they have");
  }

  void tell_json(const Device& card, const std::vector<KernelWrite>& writes,
                 const std::vector<FunctionDriver>& functions) {
    json::array written, made, changed;
    for (const KernelWrite& write : writes)
      written.push_back({{"path", utf8(write.path)}, {"value", utf8(write.value)}});
    for (const FunctionDriver& function : functions)
      made.push_back({{"address", function.address.str()}, {"driver", utf8(function.driver)}});
    for (const FileChange& file : plan_.files) changed.emplace_back(utf8(file.path));
    json::object all{{"version", 1},
                     {"dryRun", dry()},
                     {"card", card.address.str()},
                     {"before", *card.sriov_numvfs},
                     {"after", writes.empty() ? *card.sriov_numvfs : request_.count},
                     {"writes", std::move(written)},
                     {"functions", std::move(made)},
                     {"files", std::move(changed)}};
    out_ << terminal_safe_json(json::serialize(all)) << "\n";
  }

  Invocation& invocation_;
  Output& out_;
  FunctionsRequest request_;
  std::unique_ptr<Survey> survey_;  ///< for --persist: with the files of the boot set-up
  Plan plan_;
  std::unique_ptr<LiveSession> session_;
  Outlook seen_;
  const Device* card_ = nullptr;  ///< of the session
  PciAddress address_;            ///< of the card while there is no session
};

}  // namespace

int run_sriov(Invocation& invocation) {
  const std::vector<std::string>& words = invocation.arguments;
  if (words.size() < 2) {
    for (const char* option : {"no-probe", "persist"})
      if (invocation.options.has(option))
        return fail("`--" + std::string(option) + "` goes with a number of virtual functions", usage);
    return list_sriov(invocation);
  }
  auto number_of_functions = number(words[1]);
  if (!number_of_functions || *number_of_functions > 0xffff)
    return fail("`" + words[1] + "` is no number of virtual functions", usage);
  return FunctionsChange(invocation, std::uint32_t(*number_of_functions)).run();
}

}  // namespace hostpci
