// `hostpci export libvirt`: the same assignment for libvirt.
#include "cli/failed.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/startable.hpp"
#include "export/libvirt.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

int write_libvirt(Invocation& invocation, World& world) {
  Result<Startable> startable = read_startable(world, invocation.arguments[1]);
  if (!startable) return failed(startable.error());
  LibvirtForm form = invocation.options.flag("domain") ? LibvirtForm::domain : LibvirtForm::devices;
  LibvirtXml made = libvirt_xml(startable->vm, *startable->host, *startable->mappings, form);
  print_refusals(startable->vm, made.refusals, invocation.globals, *invocation.out);
  for (const std::string& note : made.notes) log_warning(note);
  *invocation.out << made.xml;
  return made.refusals.empty() ? done : findings;
}

}  // namespace

int run_export(Invocation& invocation) {
  if (const std::string& form = invocation.arguments.front(); form != "libvirt") {
    log_error("`export` is followed by libvirt, not `" + printable(form) + "`");
    return usage;
  }
  auto world = World::open(invocation.globals);
  return world ? write_libvirt(invocation, **world) : failed(world.error());
}

}  // namespace hostpci
