// A VM as Proxmox VE would start it on this host: what showcmd and export show, and why it would not start.
#include "cli/startable.hpp"

#include "cli/log.hpp"
#include "diag/render.hpp"

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

}  // namespace

Result<Startable> read_startable(World& world, const std::string& name) {
  Result<Vm> vm = world.vm(name);
  if (!vm) return vm.error();
  Result<const Host*> host = world.host(needed);
  if (!host) return host.error();
  warn_of_dropped(*vm);
  return Startable{std::move(*vm), *host, &world.mappings(**host)};
}

void print_refusals(const Vm& vm, const std::vector<Refusal>& refusals, const Globals& globals, Output& out) {
  for (const Refusal& refusal : refusals) out << render_text(diagnostic(vm, refusal), Output::colour(globals.color));
}

}  // namespace hostpci
