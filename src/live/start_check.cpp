// The checks of a start in their order, and the verdict over them.
#include "live/start_check.hpp"

#include <algorithm>

#include "live/start_check_parts.hpp"
#include "rules/device_mdev.hpp"
#include "rules/holders.hpp"
#include "rules/lint.hpp"
#include "rules/readiness_parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// Errors of lint that keep a VM from starting and that no check here asks for itself. What PVE refuses is told by its
/// refusals.
const std::vector<std::string> configuration_rules{
    "device-is-bridge",      "device-stuck-d3",   "device-vfio-denylist", "device-xvga-disable-vga",
    "device-xvga-not-vga",   "host-rmrr",         "host-vfio-module",     "syntax-romfile-path",
    "vm-args-set-dangling",  "vm-hugepages-numa", "vm-machine-too-new",   "vm-ovmf-32bit-cpu",
    "vm-too-many-functions", "vm-viommu-invalid",
};
const std::vector<std::string> rom_rules{"device-romfile-missing", "device-romfile-signature", "device-romfile-size"};
const std::vector<std::string> mdev_rules{
    "device-gvtg-unsupported",        "device-mdev-leftover",           "device-mdev-multifunction",
    "device-mdev-no-instance",        "device-mdev-type-unknown",       "device-mdev-unsupported",
    "device-nvidia-pf-instead-of-vf", "device-nvidia-type-unavailable", "device-nvidia-vfio-bound",
};

std::string vm_name(const StartContext& context) { return vm_label(context.vm); }

std::vector<Diagnostic> findings(const StartContext& context, const std::vector<std::string>& rules) {
  LintOptions options;
  options.select = rules;
  options.host_rules = false;
  return lint(context.facts, options, {context.vm.vmid});
}

const RunningVm* running(const StartContext& context) {
  const auto& all = context.facts.host->running;
  if (!all || context.vm.vmid == 0) return nullptr;
  auto at = std::find_if(all->begin(), all->end(), [&](const RunningVm& r) { return r.vmid == context.vm.vmid; });
  return at == all->end() ? nullptr : &*at;
}

/// Nothing, or why nothing else has to be looked at.
std::vector<Check> check_state(const StartContext& context) {
  std::vector<Check> checks;
  const std::string& file = context.vm.source->path;
  if (const RunningVm* process = running(context))
    return {unknown("vm", vm_name(context) + " runs already: nothing is checked",
                    "/proc/" + std::to_string(process->pid) + "/cmdline", "its process")};
  if (is_template(context.vm))
    return {make_check("vm", CheckStatus::fail, vm_name(context) + " is a template: it is cloned, never started",
                       {{file, "template"}})};
  if (!context.vm.node.empty() && context.vm.node != context.facts.host->node)
    return {make_check(
        "vm", CheckStatus::fail,
        vm_name(context) + " is on node `" + context.vm.node + "`, this host is `" + context.facts.host->node + "`",
        {{file, ""}}, "ask there")};
  std::string_view lock = context.vm.text("lock");
  if (lock.empty() || lock == "suspended") return {};
  return {make_check("vm", CheckStatus::fail, vm_name(context) + " is locked: `" + std::string(lock) + "`",
                     {{file, "lock"}}, "wait for what holds it; `qm unlock` if that has died")};
}

/// A hostpci line that PVE passes over: the VM starts, without the device.
void check_dropped(const StartContext& context, std::vector<Check>& checks) {
  for (const DroppedLine& line : context.vm.main().dropped) {
    std::string_view text = slice(context.vm.source->text, line.span);
    if (!line.key.starts_with("hostpci") && text.find("hostpci") == text.npos) continue;
    Diagnostic d;
    d.severity = Severity::warning;
    d.message = "Proxmox VE passes over this line, and starts the VM without the device: " + line.message;
    d.place = Place(context.vm.source, line.span);
    d.help = {"`hostpci lint " + vm_word(context.vm) + "`"};
    checks.push_back(check_of("configuration", d, std::string(line.key)));
  }
}

void check_configuration(const StartContext& context, std::vector<Check>& checks) {
  std::size_t before = checks.size();
  for (const Refusal& refusal : context.judged->refusals) {
    Diagnostic d;
    d.rule = refusal.rule;
    d.message = refusal.message;
    d.place = refusal.span.size() ? Place(context.vm.source, refusal.span) : Place(context.vm.source->path);
    checks.push_back(check_of("configuration", d, refusal.index < 0 ? "" : "hostpci" + std::to_string(refusal.index)));
  }
  for (const Diagnostic& d : findings(context, configuration_rules))
    if (d.severity == Severity::error) checks.push_back(check_of("configuration", d, d.key));
  check_dropped(context, checks);
  if (checks.size() == before)
    checks.push_back(passed("configuration",
                            "Proxmox VE takes " + count(context.judged->assignments.size(), "hostpci line"),
                            {{context.vm.source->path, ""}}));
}

void check_device(const StartContext& context, const StartLine& line, std::vector<Check>& checks) {
  const Assignment& a = *line.assignment;
  if (line.devices.empty()) {
    bool told = std::any_of(context.judged->refusals.begin(), context.judged->refusals.end(),
                            [&](const Refusal& r) { return r.index == a.line().index; });
    if (!told)
      checks.push_back(
          unknown("device", a.key() + ": which devices this host has is not known", "/sys/bus/pci/devices"));
    return;
  }
  std::string message = a.key() + ": " + list(line.devices);
  if (a.resolved.mapping)
    message += ", entry " + std::to_string(line.choice + 1) + " of " + std::to_string(a.resolved.choices.size()) +
               " of mapping `" + std::string(a.resolved.mapping->id) + "`";
  checks.push_back(passed("device", std::move(message), {{device_path(line.devices.front()->address), "there"}}));
}

std::string reset_text(const Device& device) {
  if (!device.reset_method || device.reset_method->empty()) return "can be reset";
  return "can be reset (" + *device.reset_method + ")";
}

void check_reset(const StartLine& line, std::vector<Check>& checks) {
  if (line.mediated() || line.keeps()) return;
  for (const Device* device : line.devices) {
    std::string path = device_path(device->address, "reset"), what = line.key() + ": `" + describe(*device) + "` ";
    bool none = device->reset == false || (device->reset_method && device->reset_method->empty());
    if (none)
      checks.push_back(make_check(
          "reset", CheckStatus::warn, what + "cannot be reset: it starts in the state in which it was left",
          {{path, device->reset == false ? "does not exist" : "no method"}}, "`hostpci explain device-no-reset`"));
    else if (!device->reset)
      checks.push_back(unknown("reset", what + "may have no reset", path));
    else
      checks.push_back(passed("reset", what + reset_text(*device), {{path, "there"}}));
  }
}

/// The findings of the rules, or that there is none.
void check_by_rules(const StartContext& context, std::string_view name, const std::vector<std::string>& rules,
                    std::string clean, std::vector<Evidence> evidence, std::vector<Check>& checks) {
  std::size_t before = checks.size();
  for (const Diagnostic& d : findings(context, rules)) {
    bool not_read = d.severity == Severity::info;
    checks.push_back(not_read ? unknown(name, d.message, d.place.file()) : check_of(name, d, d.key));
  }
  if (checks.size() == before) checks.push_back(passed(name, std::move(clean), std::move(evidence)));
}

void check_roms(const StartContext& context, const std::vector<StartLine>& lines, std::vector<Check>& checks) {
  std::vector<Evidence> files;
  for (const StartLine& line : lines)
    if (std::string name(line.assignment->parsed().text(HostpciKey::romfile)); !name.empty() && name != "0") {
      auto at = context.facts.host->roms.find(name);
      files.push_back({"/usr/share/kvm/" + name,
                       at == context.facts.host->roms.end() ? "" : std::to_string(at->second.size) + " bytes"});
    }
  if (files.empty()) return;
  check_by_rules(context, "rom", rom_rules, "every ROM file is there and begins as an option ROM does",
                 std::move(files), checks);
}

void check_mediated(const StartContext& context, const std::vector<StartLine>& lines, std::vector<Check>& checks) {
  std::vector<Evidence> types;
  for (const StartLine& line : lines)
    if (line.mediated() && !line.devices.empty()) {
      std::string type(mdev_type(*line.assignment)),
          path = device_path(line.devices.front()->address, "mdev_supported_types/" + type);
      const MdevInstance* own = own_instance(context.facts, *line.assignment);
      types.push_back(
          {own ? "/sys/bus/mdev/devices/" + own->uuid : std::move(path), own ? "exists already" : "offered"});
    }
  if (types.empty()) return;
  std::map<std::string, Holder> held = mdev_holders(*context.facts.host);
  for (const StartLine& line : lines)
    if (const MdevInstance* own = line.mediated() ? own_instance(context.facts, *line.assignment) : nullptr)
      if (auto holder = held.find(own->uuid); holder != held.end())
        checks.push_back(make_check(
            "mdev", CheckStatus::fail,
            line.key() + ": mediated device `" + own->uuid + "` is in use by VM " + std::to_string(holder->second.vmid),
            {{holder->second.evidence, ""}}));
  check_by_rules(context, "mdev", mdev_rules, "every mediated device can be made", std::move(types), checks);
}

bool held_by_other(const Holders& held, const std::vector<PciAddress>& functions) {
  return std::any_of(functions.begin(), functions.end(),
                     [&](const PciAddress& address) { return held.count(address) != 0; });
}

}  // namespace

std::vector<StartLine> start_lines(const StartContext& context) {
  std::vector<StartLine> lines;
  Holders held = device_holders(*context.facts.host);
  for (const Assignment& a : context.judged->assignments) {
    StartLine line{&a, {}, 0};
    const auto& choices = a.resolved.choices;
    std::vector<PciAddress> functions = a.functions();
    auto taken = std::find(choices.begin(), choices.end(), functions);
    for (auto next = taken; next != choices.end() && a.resolved.mapping; ++next)
      if (!held_by_other(held, *next)) {
        functions = *(taken = next);
        break;
      }
    if (taken != choices.end()) line.choice = std::size_t(taken - choices.begin());
    for (const PciAddress& address : functions)
      if (const Device* device = context.facts.device(address)) line.devices.push_back(device);
    lines.push_back(std::move(line));
  }
  return lines;
}

Check make_check(std::string_view name, CheckStatus status, std::string message, std::vector<Evidence> evidence,
                 std::string mend) {
  return {name, status, std::move(message), std::move(evidence), std::move(mend), {}, "", "", {}};
}

Check check_of(std::string_view name, const Diagnostic& d, std::string prefix) {
  Evidence read{d.place.file(), ""};
  if (d.place.source) {
    read.path += ":" + std::to_string(d.place.source->position(d.place.span.begin).line);
    std::string_view text = slice(d.place.source->text, d.place.span);
    read.value = std::string(text.substr(0, text.find('\n')));
  }
  std::string mend = !d.help.empty()  ? d.help.front()
                     : d.fix          ? d.fix->title
                     : d.rule.empty() ? ""
                                      : "`hostpci explain " + d.rule + "`";
  CheckStatus status = d.severity == Severity::error ? CheckStatus::fail : CheckStatus::warn;
  Check check = make_check(name, status, (prefix.empty() ? "" : prefix + ": ") + d.message, {}, std::move(mend));
  if (!read.path.empty()) check.evidence.push_back(std::move(read));
  if (!d.rule.empty()) check.rules.push_back(d.rule);
  return check;
}

std::vector<Check> check_start(const StartContext& context) {
  std::vector<Check> checks = check_state(context);
  if (!checks.empty()) return checks;
  if (!context.judged || context.judged->assignments.empty()) {
    checks.push_back(passed("vm", vm_name(context) + " has no hostpci line: nothing here keeps it from starting",
                            {{context.vm.source->path, ""}}));
    if (context.judged) check_configuration(context, checks);
    return checks;
  }
  checks.push_back(passed("vm", vm_name(context) + " does not run", {{context.vm.source->path, "read"}}));
  if (!context.facts.host->running)
    checks.back() = unknown("vm", "whether " + vm_name(context) + " runs is not known", "/run/qemu-server");
  check_configuration(context, checks);
  std::vector<StartLine> lines = start_lines(context);
  for (const StartLine& line : lines) check_device(context, line, checks);
  check_groups(context, lines, checks);
  for (const StartLine& line : lines) check_reset(line, checks);
  check_roms(context, lines, checks);
  check_mediated(context, lines, checks);
  checks.push_back(check_memory(context, lines));
  return checks;
}

Readiness judge_start(const std::vector<Check>& checks) {
  Readiness verdict;
  for (const Check& check : checks) ++verdict.counts[std::size_t(check.status)];
  auto counted = [&](CheckStatus status) { return verdict.counts[std::size_t(status)]; };
  std::size_t fails = counted(CheckStatus::fail), warns = counted(CheckStatus::warn),
              unknowns = counted(CheckStatus::unknown);
  std::string rest =
      (warns ? ", " + count(warns, "warning") : "") + (unknowns ? ", " + std::to_string(unknowns) + " unknown" : "");
  verdict.status = fails      ? CheckStatus::fail
                   : unknowns ? CheckStatus::unknown
                   : warns    ? CheckStatus::warn
                              : CheckStatus::pass;
  if (checks.size() == 1 && counted(CheckStatus::pass) == 0)
    verdict.message = (fails ? "not ready to start: " : "") + checks.front().message;
  else if (fails)
    verdict.message = "not ready to start: " + std::to_string(fails) + " of " + count(checks.size(), "check") +
                      (fails == 1 ? " fails" : " fail") + rest;
  else
    verdict.message = (unknowns ? "nothing speaks against a start" : "would start") + rest;
  return verdict;
}

}  // namespace hostpci
