// `snapshot`: the host as YAML, to standard output or into a file that appears whole or not at all.
#include "host/snapshot.hpp"

#include "cli/argument_file.hpp"
#include "cli/log.hpp"
#include "cli/world.hpp"

namespace hostpci {
namespace {

/// ROM files that the VMs of this node name belong to the picture.
void read_vms_roms(World& world) {
  std::vector<Failure> failures;
  std::vector<Vm> vms;
  for (const std::string& path : world.vm_paths({}, failures))
    if (auto text = world.system().read(path)) vms.push_back(read_vm(make_source(path, std::move(*text))));
  world.read_roms_of(vms);
}

}  // namespace

int run_snapshot(Invocation& invocation) {
  auto world = World::open(invocation.globals);
  auto host = world ? (*world)->host() : Result<const Host*>(world.error());
  if (!host) {
    log_error(host.error().message);
    return refused;
  }
  read_vms_roms(**world);
  std::string text = write_snapshot(**host);
  std::string path = invocation.options.text("output");
  if (path.empty() || path == "-") {
    *invocation.out << text;
    return done;
  }
  Status written = write_argument_file(path, text);
  if (!written) log_error(written.error().message);
  return written ? done : refused;
}

}  // namespace hostpci
