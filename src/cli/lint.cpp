// `hostpci lint`: all rules over the VMs asked for and the host.
#include "rules/lint.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "cli/failed.hpp"
#include "cli/lint_fix.hpp"
#include "cli/lint_report.hpp"
#include "cli/log.hpp"
#include "cli/rule_texts.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "config/boot_config.hpp"
#include "config/host_hardware.hpp"
#include "diag/statistics.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Exit 1 from this severity on; nothing: never.
struct Threshold {
  std::optional<Severity> severity = Severity::warning;

  bool reached(const Summary& summary) const {
    if (!severity) return false;
    std::size_t count = summary.errors;
    if (*severity <= Severity::warning) count += summary.warnings;
    if (*severity <= Severity::info) count += summary.infos;
    return count > 0;
  }
};

struct Settings {
  LintOptions rules;
  Threshold fail_on;
  bool fix = false, unsafe_fixes = false, dry_run = false, statistics = false;
  std::string baseline, write_baseline;
};

/// Why an option's value cannot be used; empty if it can.
std::string read_list(const Options& options, const std::string& name, std::vector<std::string>& into) {
  if (!options.has(name)) return "";
  into = options.list(name);
  bool empty = into.empty() || std::any_of(into.begin(), into.end(), [](const std::string& s) { return s.empty(); });
  return empty ? "`--" + name + "` has no value" : "";
}

std::string read_threshold(const Options& options, Threshold& into) {
  if (!options.has("fail-on")) return "";
  std::string level = options.text("fail-on");
  into.severity = parse_severity(level);
  if (into.severity || level == "never") return "";
  return "`--fail-on` takes error, warning, info or never, not `" + level + "`";
}

std::string read_settings(const Options& options, Settings& into) {
  for (const auto& [name, list] : {std::pair{"select", &into.rules.select}, {"ignore", &into.rules.ignore}})
    if (std::string wrong = read_list(options, name, *list); !wrong.empty()) return wrong;
  std::vector<std::string> unknown = unknown_rules(into.rules);
  if (!unknown.empty()) return no_such_rule(unknown.front());
  into.unsafe_fixes = options.has("unsafe-fixes");
  into.fix = options.has("fix") || into.unsafe_fixes;
  into.dry_run = options.has("dry-run");
  into.statistics = options.has("statistics");
  into.baseline = options.text("baseline");
  into.write_baseline = options.text("write-baseline");
  if (into.dry_run && !into.fix) return "`--dry-run` goes with `--fix`";
  return read_threshold(options, into.fail_on);
}

/// The VMs of a run: those asked for, and their neighbours on the same node, which may want the same devices.
class VmSet {
 public:
  /// `keep_paths`: only the JUnit report needs those of VMs without findings.
  VmSet(World& world, bool keep_paths) : world_(world), keep_paths_(keep_paths) {}

  void read_asked(const std::vector<std::string>& names) {
    for (const std::string& path : world_.vm_paths(names, failures)) {
      // every VM of the node: none is listed twice, and there are no neighbours
      if (!names.empty() && !seen_.insert(path).second) continue;
      if (!read(path, true)) continue;
      ++count;
      if (keep_paths_) paths_.push_back(path);
    }
    if (!names.empty()) read_neighbours();
  }

  /// Every path that was asked for, in order.
  std::vector<std::string> paths() const { return paths_; }

  std::vector<Vm> vms;  ///< those that have to do with passthrough or take something else of the host
  std::vector<std::uint32_t> asked;
  std::vector<Failure> failures;
  std::size_t count = 0;  ///< VMs asked for and read

 private:
  /// A text that cannot be about passthrough is not parsed, and not kept.
  bool read(const std::string& path, bool wanted) {
    Result<std::string> text = world_.system().read(path);
    if (!text) {
      if (wanted) failures.push_back(text.error());
      return false;
    }
    if (wanted) asked.push_back(vmid_of_path(path));
    if (mentions_passthrough(*text) || mentions_host_hardware(*text))
      vms.push_back(read_vm(make_source(path, std::move(*text))));
    return true;
  }

  void read_neighbours() {
    std::set<std::string> directories;
    for (const std::string& path : seen_)
      if (path.compare(0, 9, "/etc/pve/") == 0) directories.insert(path.substr(0, path.rfind('/')));
    for (const std::string& directory : directories)
      for (const std::string& path : list_vms(world_.system(), directory).value_or({}))
        if (seen_.insert(path).second) read(path, false);
  }

  World& world_;
  bool keep_paths_;
  std::vector<std::string> paths_;
  std::set<std::string> seen_;
};

/// Without names nothing limits the findings; with names, those that could not be read are asked for as well.
std::vector<std::uint32_t> limits(const Invocation& invocation, const VmSet& set) {
  if (invocation.arguments.empty()) return {};
  return set.asked.empty() ? std::vector<std::uint32_t>{UINT32_MAX} : set.asked;
}

/// One lint of the world, of which --fix needs several: with changed texts in place of those that were read.
class LintRun {
 public:
  LintRun(Invocation& invocation, World& world, const Settings& settings)
      : invocation_(invocation), world_(world), settings_(settings), set_(world, invocation.globals.format == "junit") {}

  int run() {
    set_.read_asked(invocation_.arguments);
    for (const Failure& failure : set_.failures)
      if (status_of(failure) == usage) return failed(failure);
    lap("read the VMs");
    // a fix may bring in devices that no line names yet
    Result<const Host*> host = world_.host({.capabilities = settings_.fix, .state = settings_.fix});
    if (!host) {
      log_error(host.error().message);
      return refused;
    }
    host_ = *host;
    world_.read_roms_of(set_.vms);
    world_.read_links_of(set_.vms);
    if (!settings_.fix) world_.read_states_of(set_.vms);
    lap("read the host");
    if (settings_.fix && !fix()) fix_refused_ = true;
    else if (!settings_.fix) found_ = judge({});
    lap("run the rules");
    return report();
  }

 private:
  void lap(std::string phase) { statistics_.phases.push_back({std::move(phase), watch_.lap()}); }

  std::vector<Diagnostic> judge(const Texts& changed) {
    Host host;
    const Host* judged = host_;
    if (!changed.empty()) {
      host = *host_;
      for (const auto& [path, text] : changed)
        if (auto file = host.files.find(path); file != host.files.end()) file->second = text;
      judged = &host;
    }
    std::vector<Vm> vms = changed.empty() ? std::vector<Vm>() : set_.vms;
    for (Vm& vm : vms)
      if (auto text = changed.find(vm.source->path); text != changed.end()) vm = read_vm(make_source(vm.source->path, text->second));
    BootConfig boot = read_boot_config(judged->files, judged->unreadable);
    Facts facts = make_facts(*judged, world_.mappings(*judged), boot, changed.empty() ? set_.vms : vms);
    return lint(facts, settings_.rules, limits(invocation_, set_), settings_.statistics ? &statistics_ : nullptr);
  }

  const std::string* original(const std::string& path) const {
    for (const Vm& vm : set_.vms)
      if (vm.source->path == path) return &vm.source->text;
    return host_->file(path);
  }

  bool fix() {
    auto text = [this](const std::string& path) { return original(path); };
    FixChoice choice;
    choice.unsafe = settings_.unsafe_fixes;
    choice.may_change = [&](const std::string& path) { return may_fix(world_, invocation_.globals, path, original(path)); };
    Fixed fixed = carry_out_fixes([this](const Texts& changed) { return judge(changed); }, text, choice);
    found_ = std::move(fixed.findings);
    return write_fixes(invocation_, world_, *host_, fixed, text, settings_.dry_run);
  }

  int report() {
    Report report = make_report(std::move(found_), set_.count, selected_rules(settings_.rules));
    if (settings_.statistics) count_findings(statistics_, report);
    bool written = take_baseline(settings_.baseline, report) && keep_baseline(settings_.write_baseline, report);
    *invocation_.out << render_report(report, invocation_.globals, set_.paths());
    if (settings_.statistics) *invocation_.out << "\n" << render_statistics(statistics_, invocation_.globals.verbose > 0);
    int status = done;
    for (const Failure& failure : set_.failures) status = std::max(status, failed(failure));
    if (fix_refused_ || !written) status = refused;
    if (status != done) return status;
    return settings_.fail_on.reached(report.summary) && settings_.write_baseline.empty() ? findings : done;
  }

  Invocation& invocation_;
  World& world_;
  const Settings& settings_;
  VmSet set_;
  const Host* host_ = nullptr;
  std::vector<Diagnostic> found_;
  bool fix_refused_ = false;
  Statistics statistics_;
  Stopwatch watch_;
};

}  // namespace

int run_lint(Invocation& invocation) {
  Settings settings;
  if (std::string wrong = read_settings(invocation.options, settings); !wrong.empty()) {
    log_error(wrong);
    return usage;
  }
  auto world = World::open(invocation.globals);
  if (!world) {
    log_error(world.error().message);
    return refused;
  }
  return LintRun(invocation, **world, settings).run();
}

}  // namespace hostpci
