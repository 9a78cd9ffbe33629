// What lint says of a suggested line, as if it stood in its VM.
#include <algorithm>

#include "config/vm_edit.hpp"
#include "rules/lint.hpp"
#include "rules/suggestion.hpp"

namespace hostpci {
namespace {

/// A VM of the kind that suits most devices, for lint to judge the line in.
Vm sample_vm(const std::string& value) {
  const std::string rest = "bios: ovmf\nefidisk0: local:vm-disk-0,efitype=4m\nmachine: q35\nmemory: 4096\n";
  return read_vm(make_source("suggested line", "hostpci0: " + value + "\n" + rest));
}

/// Families that speak of the line, not of the sample VM around it.
bool of_line(std::string_view rule) {
  for (std::string_view family : {"device-", "conflict-", "cluster-", "syntax-"})
    if (rule.substr(0, family.size()) == family) return true;
  return false;
}

/// A conflict is told on the other VM's line too, with a label on this one.
bool names_file(const Diagnostic& d, const std::string& file) {
  auto here = [&](const Label& label) { return label.place.file() == file; };
  return d.rule.rfind("conflict-", 0) == 0 && std::any_of(d.labels.begin(), d.labels.end(), here);
}

}  // namespace

std::vector<Diagnostic> findings_of(const Suggestion& line, const Facts& facts, const std::vector<Vm>& vms,
                                    const Vm* vm) {
  std::vector<Diagnostic> found;
  if (!line.refusal.empty() || (vm && !line.index)) return found;
  std::vector<Vm> with;
  for (const Vm& other : vms)
    if (!vm || other.source->path != vm->source->path) with.push_back(other);
  Vm changed = sample_vm(line.value());
  if (vm) {
    Result<std::string> text = hostpci::apply(vm->source->text, set_value(*vm, vm->main(), line.key(), line.value()));
    if (!text) return found;
    changed = read_vm(make_source(vm->source->path, std::move(*text)));
  }
  const std::string file = changed.source->path, key = line.key();
  with.push_back(std::move(changed));
  Facts then = make_facts(*facts.host, *facts.mappings, *facts.boot, with);
  for (Diagnostic& d : lint(then, {})) {
    bool here = d.key == key && d.place.file() == file;
    if (d.severity != Severity::info && (here || names_file(d, file)) && (vm || of_line(d.rule)))
      found.push_back(std::move(d));
  }
  return make_report(std::move(found), 1, 0).diagnostics;
}

}  // namespace hostpci
