// `hostpci showcmd`: the QEMU arguments that a VM's hostpci lines become.
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "diag/render.hpp"
#include "export/qemu_args.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

/// Paths, ids and mdev types of devices; no uses, no kernel, no processes.
constexpr HostParts needed{
    .details = true, .uses = false, .kernel = false, .files = true, .running = false, .capabilities = false};

Diagnostic diagnostic(const Vm& vm, const Refusal& refusal) {
  Diagnostic d;
  d.rule = refusal.rule;
  d.message = refusal.message;
  d.place = refusal.span.size() ? Place(vm.source, refusal.span) : Place(vm.source->path);
  return d;
}

void warn_of_dropped(const Vm& vm) {
  for (const DroppedLine& line : vm.main().dropped)
    log_warning(vm.source->path + ":" + std::to_string(vm.source->position(line.span.begin).line) +
                ": Proxmox VE ignores this line: " + line.message);
}

int show(Invocation& invocation, World& world) {
  Result<Vm> vm = world.vm(invocation.arguments.front());
  if (!vm) {
    log_error(vm.error().message);
    return refused;
  }
  Result<const Host*> host = world.host(needed);
  if (!host) {
    log_error(host.error().message);
    return refused;
  }
  warn_of_dropped(*vm);
  QemuArgs made = qemu_args(*vm, **host, world.mappings(**host));
  for (const Refusal& refusal : made.refusals)
    *invocation.out << render_text(diagnostic(*vm, refusal), Output::colour(invocation.globals.color));
  for (const std::string& argument : made.arguments) *invocation.out << printable(argument) + "\n";
  return made.refusals.empty() ? done : findings;
}

}  // namespace

int run_showcmd(Invocation& invocation) {
  auto world = World::open(invocation.globals);
  if (world) return show(invocation, **world);
  log_error(world.error().message);
  return refused;
}

}  // namespace hostpci
