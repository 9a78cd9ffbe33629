// `hostpci showcmd`: the QEMU arguments that a VM's hostpci lines become.
#include "cli/failed.hpp"
#include "cli/run.hpp"
#include "cli/startable.hpp"
#include "export/qemu_args.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

int show(Invocation& invocation, World& world) {
  Result<Startable> startable = read_startable(world, invocation.arguments.front());
  if (!startable) return failed(startable.error());
  QemuArgs made = qemu_args(startable->vm, *startable->host, *startable->mappings);
  print_refusals(startable->vm, made.refusals, invocation.globals, *invocation.out);
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
