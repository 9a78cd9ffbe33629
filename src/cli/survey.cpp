// Reads all that doctor and suggest look at, and joins it.
#include "cli/survey.hpp"

namespace hostpci {
namespace {

void read_vms(const Globals& globals, Survey& survey, const std::string& named_path) {
  if (!globals.host.empty() && !globals.has_root()) return;
  for (const std::string& path : survey.world->vm_paths({}, survey.failures)) {
    if (path == named_path) continue;
    Result<std::string> text = survey.world->system().read(path);
    if (!text)
      survey.failures.push_back(text.error());
    else if (mentions_passthrough(*text))
      survey.vms.push_back(read_vm(make_source(path, std::move(*text))));
  }
}

}  // namespace

Result<std::unique_ptr<Survey>> Survey::open(const Globals& globals, const std::string& vm) {
  auto world = World::open(globals);
  if (!world) return world.error();
  auto survey = std::make_unique<Survey>();
  survey->world = std::move(*world);
  if (!vm.empty()) {
    Result<Vm> read = survey->world->vm(vm);
    if (!read) return read.error();
    survey->vms.push_back(std::move(*read));
  }
  Result<const Host*> host = survey->world->host();
  if (!host) return host.error();
  survey->host = *host;
  read_vms(globals, *survey, vm.empty() ? "" : survey->vms.front().source->path);
  survey->world->read_roms_of(survey->vms);
  survey->mappings = &survey->world->mappings(**host);
  survey->boot = read_boot_config((*host)->files, (*host)->unreadable);
  survey->facts = make_facts(**host, *survey->mappings, survey->boot, survey->vms);
  if (!vm.empty()) survey->named = &survey->vms.front();
  return survey;
}

std::string no_address(const std::string& text) { return "`" + text + "` is no PCI address, such as 01:00.0 or 01:00"; }

}  // namespace hostpci
