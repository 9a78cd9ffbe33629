// Rules that tell a refusal of PVE, and edits that their fixes share.
#include "rules/refused.hpp"

#include "config/vm_edit.hpp"

namespace hostpci {

std::vector<const Refusal*> refusals_of(const VmFacts& vm, std::string_view rule) {
  std::vector<const Refusal*> found;
  for (const Refusal& refusal : vm.refusals)
    if (refusal.rule == rule) found.push_back(&refusal);
  return found;
}

const Assignment* assignment_of(const VmFacts& vm, const Refusal& refusal) {
  for (const Assignment& a : vm.assignments)
    if (a.line().index == refusal.index) return &a;
  return nullptr;
}

Diagnostic& tell_refusal(const VmFacts& vm, const Refusal& refusal, Findings& out) {
  Diagnostic& d = out.add(Place(vm.vm->source, refusal.span), refusal.message);
  if (const Assignment* a = assignment_of(vm, refusal)) d.key = a->key();
  return d;
}

void check_refused(const Facts&, const VmFacts& vm, Findings& out) {
  for (const Refusal* refusal : refusals_of(vm, out.rule()))
    tell_refusal(vm, *refusal, out).notes.push_back("Proxmox VE refuses to start " + vm_label(*vm.vm));
}

std::optional<Fix> fix_value(const VmFacts& vm, std::string title, std::string_view key, std::string_view value,
                             Safety safety) {
  const VmSection* pending = vm.vm->pending();
  bool in_pending = pending && pending->find(key);
  if (!in_pending && vm.vm->main().find(key) && !vm.next.main().find(key)) return {};
  Fix fix{std::move(title), safety, {}};
  for (Edit& edit : set_value(*vm.vm, in_pending ? *pending : vm.vm->main(), key, value))
    fix.edits.push_back({vm.vm->source->path, edit.span, std::move(edit.text)});
  return fix;
}

}  // namespace hostpci
