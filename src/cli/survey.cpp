// Reads all that doctor and suggest look at, and joins it.
#include "cli/survey.hpp"

#include <algorithm>

namespace hostpci {
namespace {

/// A file that was named stands for its VM, wherever it lies.
bool is_read(const Survey& survey, const std::string& path) {
  std::uint32_t vmid = vmid_of_path(path);
  return std::any_of(survey.vms.begin(), survey.vms.end(),
                     [&](const Vm& vm) { return vm.source->path == path || (vmid && vm.vmid == vmid); });
}

void read_vms(const Globals& globals, Survey& survey) {
  if (!globals.host.empty() && !globals.has_root()) return;
  for (const std::string& path : survey.world->vm_paths({}, survey.failures)) {
    if (is_read(survey, path)) continue;
    Result<std::string> text = survey.world->system().read(path);
    if (!text)
      survey.failures.push_back(text.error());
    else if (mentions_passthrough(*text))
      survey.vms.push_back(read_vm(make_source(path, std::move(*text))));
  }
}

void read_named(Survey& survey, const std::vector<std::string>& names) {
  if (names.empty()) return;
  for (const std::string& path : survey.world->vm_paths(names, survey.failures)) {
    if (is_read(survey, path)) continue;
    Result<std::string> text = survey.world->system().read(path);
    if (!text) {
      survey.failures.push_back(text.error());
      continue;
    }
    survey.asked.push_back(vmid_of_path(path));
    survey.vms.push_back(read_vm(make_source(path, std::move(*text))));
  }
}

/// Host, the other VMs and all that follows from them.
Status join(const Globals& globals, Survey& survey) {
  Result<const Host*> host = survey.world->host();
  if (!host) return host.error();
  survey.host = *host;
  read_vms(globals, survey);
  survey.world->read_roms_of(survey.vms);
  survey.mappings = &survey.world->mappings(**host);
  survey.boot = read_boot_config((*host)->files, (*host)->unreadable);
  survey.facts = make_facts(**host, *survey.mappings, survey.boot, survey.vms);
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Survey>> Survey::open_all(const Globals& globals, const std::vector<std::string>& names) {
  auto world = World::open(globals);
  if (!world) return world.error();
  auto survey = std::make_unique<Survey>();
  survey->world = std::move(*world);
  read_named(*survey, names);
  if (Status joined = join(globals, *survey); !joined) return joined.error();
  return survey;
}

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
  if (Status joined = join(globals, *survey); !joined) return joined.error();
  if (!vm.empty()) survey->named = &survey->vms.front();
  return survey;
}

std::string no_address(const std::string& text) { return "`" + text + "` is no PCI address, such as 01:00.0 or 01:00"; }

}  // namespace hostpci
