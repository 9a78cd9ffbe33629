// Surveys the host and has the plan made.
#include "cli/planning.hpp"

#include "plan/evidence.hpp"
#include "plan/planner.hpp"

namespace hostpci {
namespace {

/// Of a file that is not there yet, where it would stand.
std::string place_of(const FileSystem& system, const std::string& path) {
  if (auto real = system.canonical(path)) return *real;
  std::size_t name = path.rfind('/');
  auto parent = name == 0 || name == path.npos ? Result<std::string>(Failure{}) : system.canonical(path.substr(0, name));
  return parent ? *parent + path.substr(name) : path;
}

PlanInputs inputs_of(const Survey& survey) {
  FileSystem& system = survey.world->system();
  return {*survey.host, survey.vms, [&system](const std::string& path) { return place_of(system, path); }, survey.failures.empty()};
}

}  // namespace

std::map<std::string, std::string> evidence_of(const Survey& survey, const std::vector<std::uint32_t>& vms) {
  return evidence(inputs_of(survey), vms);
}

PlanOrigin origin_of(const Survey& survey) {
  return plan_origin(survey.world->system(), survey.host->node, HOSTPCI_VERSION);
}

Result<Planned> plan_for(const Globals& globals, const std::vector<std::string>& names, Goal goal) {
  auto survey = Survey::open_all(globals, names);
  if (!survey) return survey.error();
  Planned planned{std::move(*survey), {}, {}};
  const Survey& seen = *planned.survey;
  if (!names.empty() && !seen.failures.empty()) return seen.failures.front();
  planned.failures = seen.failures;
  goal.vms = seen.asked;
  planned.saved = {origin_of(seen), make_plan(inputs_of(seen), goal)};
  if (!globals.host.empty()) planned.saved.origin.machine.reset();
  return planned;
}

Plan functions_plan(const Survey& survey, const PciAddress& card, const FunctionsRule& wanted) {
  return make_functions_plan(inputs_of(survey), card, wanted);
}

}  // namespace hostpci
