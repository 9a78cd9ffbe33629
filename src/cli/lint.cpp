// `hostpci lint`: all rules over the VMs asked for and the host.
#include "rules/lint.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "cli/log.hpp"
#include "cli/rule_texts.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "config/boot_config.hpp"
#include "diag/render.hpp"
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
  return read_threshold(options, into.fail_on);
}

/// The VMs of a run: those asked for, and their neighbours on the same node, which may want the same devices.
class VmSet {
 public:
  explicit VmSet(World& world) : world_(world) {}

  void read_asked(const std::vector<std::string>& names) {
    for (const std::string& path : world_.vm_paths(names, failures)) {
      if (!seen_.insert(path).second) continue;
      if (read(path, true)) ++count;
    }
    if (!names.empty()) read_neighbours();
  }

  std::vector<Vm> vms;  ///< those that have to do with passthrough
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
    if (mentions_passthrough(*text)) vms.push_back(read_vm(make_source(path, std::move(*text))));
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
  std::set<std::string> seen_;
};

std::string render(const Report& report, const Globals& globals) {
  if (globals.format == "json") return render_json(report);
  if (globals.format == "concise") return render_concise(report);
  return render_text(report, Output::colour(globals.color));
}

/// Without names nothing limits the findings; with names, those that could not be read are asked for as well.
std::vector<std::uint32_t> limits(const Invocation& invocation, const VmSet& set) {
  if (invocation.arguments.empty()) return {};
  return set.asked.empty() ? std::vector<std::uint32_t>{UINT32_MAX} : set.asked;
}

int lint_world(Invocation& invocation, World& world, const Settings& settings) {
  VmSet set(world);
  set.read_asked(invocation.arguments);
  Result<const Host*> host = world.host();
  if (!host) {
    log_error(host.error().message);
    return refused;
  }
  world.read_roms_of(set.vms);
  BootConfig boot = read_boot_config((*host)->files);
  Facts facts = make_facts(**host, world.mappings(**host), boot, set.vms);
  Report report =
      make_report(lint(facts, settings.rules, limits(invocation, set)), set.count, selected_rules(settings.rules));
  *invocation.out << render(report, invocation.globals);
  for (const Failure& failure : set.failures) log_error(failure.message);
  if (!set.failures.empty()) return refused;
  return settings.fail_on.reached(report.summary) ? findings : done;
}

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
  return lint_world(invocation, **world, settings);
}

}  // namespace hostpci
