// A start tried on the installed QEMU: what has to be there before, and what it said, as checks.
#include <algorithm>

#include "export/qemu_args.hpp"
#include "host/groups.hpp"
#include "live/qemu.hpp"
#include "live/start_check_parts.hpp"
#include "rules/device_mdev.hpp"
#include "rules/mdev_uuid.hpp"
#include "rules/readiness_parts.hpp"
#include "text/shell.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::size_t most_lines = 20;

/// Members of the line's groups that QEMU would be refused for.
std::vector<const Device*> unbound(const StartContext& context, const StartLine& line) {
  std::vector<const Device*> found;
  auto add = [&](const Device* device) {
    if (std::find(found.begin(), found.end(), device) == found.end()) found.push_back(device);
  };
  for (const Device* device : line.devices) {
    if (!on_vfio(*device)) add(device);
    for (const Device* blocker : group_verdict(*context.facts.host, device->group.value_or(-1)).blockers) add(blocker);
  }
  return found;
}

/// QEMU takes what is there: this program binds nothing and makes nothing here.
void check_bound(const StartContext& context, const StartLine& line, std::vector<Check>& checks) {
  if (line.mediated()) {
    if (own_instance(context.facts, *line.assignment)) return;
    std::string uuid = mdev_uuid(context.vm.vmid, line.assignment->line().index), type(mdev_type(*line.assignment));
    std::string parent = line.devices.empty() ? "ADDR" : line.devices.front()->address.str();
    checks.push_back(
        make_check("qemu", CheckStatus::fail,
                   line.key() + ": QEMU was not started: mediated device `" + uuid + "` has to be made first",
                   {{"/sys/bus/mdev/devices/" + uuid, "does not exist"}},
                   "`hostpci mdev create " + parent + " " + type + " --vm " + std::to_string(context.vm.vmid) +
                       " --index " + std::to_string(line.assignment->line().index) + "`"));
    return;
  }
  std::vector<const Device*> devices = unbound(context, line);
  if (devices.empty() || line.assignment->resolved.nvidia) return;
  std::string addresses;
  for (const Device* device : devices) addresses += " " + device->address.str();
  const Device& first = *devices.front();
  checks.push_back(make_check(
      "qemu", CheckStatus::fail,
      line.key() + ": QEMU was not started: `" + describe(first) + "` has " + driver_text(first) + ", not `vfio-pci`",
      {{device_path(first.address, "driver"), first.driver.value_or("")}}, "`hostpci bind" + addresses + "`"));
}

/// The entry of a mapping that `showcmd` prints is held by another VM.
bool shows_another(const StartLine& line) {
  return !line.devices.empty() && !line.assignment->functions().empty() &&
         line.devices.front()->address != line.assignment->functions().front();
}

Check not_started(std::string why) { return make_check("qemu", CheckStatus::unknown, "QEMU was not started: " + why); }

/// The kernel resets the slot instead where the VM has all of the bus.
bool can_be_reset(const StartContext& context, const Device& device, const std::vector<const Device*>& taken) {
  bool none = device.reset == false || (device.reset_method && device.reset_method->empty());
  if (!none) return true;
  const auto& all = context.facts.host->devices;
  return device.parent && std::all_of(all.begin(), all.end(), [&](const auto& entry) {
           const PciAddress& other = entry.first;
           bool beside = other.domain == device.address.domain && other.bus == device.address.bus;
           return !beside || std::find(taken.begin(), taken.end(), &entry.second) != taken.end();
         });
}

/// QEMU leaves such a device in the state that it came to.
void check_resets(const StartContext& context, const std::vector<StartLine>& lines, std::vector<Check>& checks) {
  std::vector<const Device*> taken;
  for (const StartLine& line : lines)
    if (!line.mediated()) taken.insert(taken.end(), line.devices.begin(), line.devices.end());
  for (const Device* device : taken)
    if (!can_be_reset(context, *device, taken))
      checks.push_back(not_started("`" + describe(*device) +
                                   "` has no reset method, and would be left in the state that the trial brings it to"));
}

/// Nothing, or why QEMU is not started.
std::vector<Check> check_before(const StartContext& context, const std::vector<Check>& before) {
  auto fails = [](const Check& check) { return check.status == CheckStatus::fail; };
  if (std::any_of(before.begin(), before.end(), fails)) return {not_started("a check before this one fails")};
  if (before.size() == 1 && before.front().status == CheckStatus::unknown) return {not_started(before.front().message)};
  if (architecture(context.vm) != "x86_64" || context.facts.host->architecture.value_or("amd64") != "amd64")
    return {not_started("only machines of x86_64 can be tried")};
  if (qemu_program(*context.system).empty())
    return {not_started("none is installed (/usr/bin/kvm, /usr/bin/qemu-system-x86_64)")};
  std::vector<Check> checks;
  if (!context.judged) return checks;
  std::vector<StartLine> lines = start_lines(context);
  auto limit = lock_limit(*context.system);
  if (!lines.empty() && limit && *limit < memory_to_try(context))
    return {not_started("this user may lock " + std::to_string(*limit) +
                        " MiB (RLIMIT_MEMLOCK); Proxmox VE starts it as root")};
  for (const StartLine& line : lines)
    if (shows_another(line))
      checks.push_back(not_started(line.key() + " would take an entry of its mapping that `showcmd` does not print"));
    else
      check_bound(context, line, checks);
  check_resets(context, lines, checks);
  return checks;
}

std::string wishes(const QemuDevice& device) {
  std::vector<std::string> parts;
  for (const QemuProperty& p : device.properties) parts.push_back(p.name + "=" + (p.found.empty() ? "?" : p.found));
  return join(parts, ",");
}

Check check_made(const QemuDevice& device) {
  std::vector<std::string> wrong;
  for (const QemuProperty& p : device.properties)
    if (p.differs()) wrong.push_back("`" + p.name + "=" + p.wished + "` became `" + p.found + "`");
  std::vector<Evidence> read{{device.driver, wishes(device)}};
  std::string what = "QEMU made `" + device.id + "`";
  if (wrong.empty()) return passed("qemu", what + " as asked", std::move(read));
  return make_check("qemu", CheckStatus::warn, what + ", but " + join(wrong, ", "), std::move(read));
}

void tell(const StartContext& context, const QemuTrial& trial, const QemuReport& report, std::uint64_t memory,
          std::vector<Check>& checks) {
  std::vector<Evidence> read{{trial.program, shell_line(trial.arguments)}};
  std::string message = report.failure.empty() ? "QEMU " + report.version + " took every device; it stood at `" +
                                                     report.state + "`, and was ended"
                                               : report.failure;
  if (memory != memory_mib(context.vm))
    message += "; tried with " + std::to_string(memory) + " MiB of the VM's " + std::to_string(memory_mib(context.vm)) +
               ": a trial pins no more than a quarter of what is available, 256 MiB at least";
  checks.push_back(make_check("qemu", report.failure.empty() ? CheckStatus::pass : CheckStatus::fail,
                              std::move(message), std::move(read)));
  if (report.failure.empty())
    for (const QemuDevice& device : report.devices) checks.push_back(check_made(device));
  for (std::size_t i = 0; i < std::min(report.said.size(), most_lines); ++i)
    checks.push_back(make_check("qemu", CheckStatus::warn, "QEMU says: " + report.said[i]));
  if (report.said.size() > most_lines)
    checks.push_back(
        make_check("qemu", CheckStatus::warn, "QEMU says " + count(report.said.size() - most_lines, "line") + " more"));
}

}  // namespace

std::vector<Check> check_qemu(const StartContext& context, const std::vector<Check>& before, int milliseconds) {
  std::vector<Check> checks = check_before(context, before);
  if (!checks.empty()) return checks;
  std::uint64_t memory = memory_to_try(context);
  QemuArgs shown = qemu_args(context.vm, *context.facts.host, *context.facts.mappings);
  QemuTrial trial = qemu_trial(*context.system, context.vm, shown.arguments, memory);
  trial.milliseconds = milliseconds;
  tell(context, trial, try_qemu(trial), memory, checks);
  return checks;
}

}  // namespace hostpci
