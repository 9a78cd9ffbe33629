// Opens what a command works on, each part once and only when it is asked for.
#include "cli/world.hpp"

#include <cerrno>

#include "cli/argument_file.hpp"
#include "config/host_hardware.hpp"
#include "diag/render.hpp"
#include "host/snapshot.hpp"
#include "rules/resolve.hpp"

namespace hostpci {
namespace {

constexpr const char* mapping_path = "/etc/pve/mapping/pci.cfg";

Result<Host> load_snapshot(const std::string& path) {
  Result<std::string> text = read_argument_file(path);
  if (!text) return text.error();
  Sink sink;
  std::optional<Host> host = read_snapshot(make_source(path, std::move(*text)), sink);
  if (host) return std::move(*host);
  std::string message = "`" + path + "` is no snapshot that can be used";
  for (const Diagnostic& finding : sink.diagnostics) message += "\n" + render_text(finding, false);
  return Failure{message};
}

}  // namespace

Result<std::unique_ptr<World>> World::open(const Globals& globals) {
  auto system = real_file_system(globals.root);
  if (!system) return system.error();
  auto world = std::make_unique<World>();
  world->globals_ = globals;
  world->system_ = std::move(*system);
  return world;
}

Result<const Host*> World::host(const HostParts& parts) {
  if (host_) return &*host_;
  if (globals_.host.empty()) {
    host_ = scan_host(*system_, parts);
  } else {
    Result<Host> loaded = load_snapshot(globals_.host);
    if (!loaded) return loaded.error();
    host_ = std::move(*loaded);
  }
  return &*host_;
}

const Mappings& World::mappings(const Host& host) {
  if (mappings_) return *mappings_;
  SourcePtr source;
  if (const std::string* text = host.file(mapping_path)) source = make_source(mapping_path, *text);
  else if (globals_.host.empty()) {
    if (auto read = system_->read(mapping_path)) source = make_source(mapping_path, std::move(*read));
  }
  return mappings_.emplace(read_mappings(source));
}

void World::read_roms_of(const std::vector<Vm>& vms) {
  if (!host_ || !globals_.host.empty()) return;
  std::set<std::string> names;
  for (const Vm& vm : vms)
    for (const HostpciLine& line : vm.next_hostpci())
      if (auto name = line.parsed.text(HostpciKey::romfile); !name.empty()) names.emplace(name);
  read_roms(*system_, names, *host_);
}

void World::read_links_of(const std::vector<Vm>& vms) {
  if (host_ && globals_.host.empty()) read_links(*system_, disk_links(vms), *host_);
}

void World::read_states_of(const std::vector<Vm>& vms) {
  if (host_ && globals_.host.empty()) read_state(*system_, assigned_functions(vms, *host_, mappings(*host_)), *host_);
}

Result<Vm> World::vm(const std::string& name) {
  Result<std::string> path = vm_file(*system_, name);
  if (!path) return path.error();
  Result<std::string> text = system_->read(*path);
  if (!text) return text.error().code == ENOENT ? no_such_vm(*system_, *path) : text.error();
  return read_vm(make_source(*path, std::move(*text)));
}

std::vector<std::string> World::vm_paths(const std::vector<std::string>& names, std::vector<Failure>& failures) {
  std::vector<std::string> paths;
  auto add_directory = [&](const std::string& directory, bool may_be_absent) {
    auto listed = list_vms(*system_, directory);
    if (listed) paths.insert(paths.end(), listed->begin(), listed->end());
    else if (!may_be_absent || listed.error().code != ENOENT) failures.push_back(listed.error());
  };
  if (names.empty()) add_directory("/etc/pve/qemu-server", true);
  for (const std::string& name : names) {
    Result<std::string> path = vm_file(*system_, name);
    if (!path) {
      failures.push_back(path.error());
      continue;
    }
    auto state = system_->stat(*path);
    if (!state) failures.push_back(state.error().code == ENOENT ? no_such_vm(*system_, *path) : state.error());
    else if (state->kind == FileKind::directory && vmid_of_path(*path) == 0) add_directory(*path, false);
    else paths.push_back(*path);
  }
  return paths;
}

}  // namespace hostpci
