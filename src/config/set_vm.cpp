// One call of `set` carried out on a text, in the order in which PVE does it.
#include "config/set_vm.hpp"

#include <algorithm>

#include "config/vm_draft.hpp"
#include "text/digest.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

SetOutcome refuse(SetVerdict verdict, std::vector<std::string> errors) { return {verdict, std::move(errors), {}, {}}; }

bool digest_differs(const Vm& vm, const std::string& digest) {
  return !digest.empty() && digest != "0" && digest != sha1_hex(vm.source->text);
}

/// Only [PENDING] of a running VM can need a line of its own for what PVE drops: such lines go at once.
bool has_dropped_line(const Vm& vm, std::string_view key) {
  const auto& dropped = vm.main().dropped;
  return std::any_of(dropped.begin(), dropped.end(), [&](const DroppedLine& line) { return line.key == key; });
}

void make_deletes(const Vm& vm, const SetRequest& request, VmDraft& draft, std::vector<std::string>& notes) {
  for (const std::string& name : request.deletes) {
    std::string key(stored_key(name));
    bool set = draft.has(key) || draft.pending_has(key), dropped = has_dropped_line(vm, name);
    if (!set && !dropped) notes.push_back("cannot delete `" + name + "`: not set in the current configuration");
    if (dropped) draft.purge(name);
    if (set) draft.remove(key, request.force);
  }
}

/// What PVE would read back: it cuts white space at both ends.
std::string stored_value(const SetRequest::Assignment& item) {
  std::string value = written_value(item.key, item.value);
  return item.key == "description" ? value : std::string(trim(value));
}

std::vector<std::string> waiting(const Vm& vm, const SetRequest& request) {
  std::vector<std::string> keys;
  const VmSection* pending = vm.pending();
  if (!pending) return keys;
  auto deletes = parse_pending_delete(pending->text("delete"));
  for (const auto& item : request.sets)
    if (pending->find(item.key)) keys.push_back("`" + item.key + "`");
  for (const std::string& key : request.deletes)
    if (std::any_of(deletes.begin(), deletes.end(), [&](const PendingDelete& d) { return d.key == stored_key(key); }))
      keys.push_back("`" + key + "`");
  return keys;
}

void tell_waiting(const Vm& vm, const SetRequest& request, SetOutcome& outcome) {
  Vm changed = read_vm(make_source(vm.source->path, outcome.text));
  std::vector<std::string> keys = waiting(changed, request);
  if (!keys.empty())
    outcome.notes.push_back("the VM is running: the change of " + join(keys, ", ") +
                            " waits in [PENDING] for its next start");
}

}  // namespace

SetOutcome set_vm(const Vm& vm, const SetRequest& request, bool running) {
  if (auto wrong = check_request(request); !wrong.empty()) return refuse(SetVerdict::usage, std::move(wrong));
  if (digest_differs(vm, request.digest))
    return refuse(SetVerdict::refused,
                  {"the file has another digest than `" + printable(request.digest) + "`: someone else changed it"});
  if (std::string_view lock = vm.text("lock"); !lock.empty() && !request.skiplock)
    return refuse(SetVerdict::refused, {"VM is locked (" + printable(lock) + ")"});

  SetOutcome outcome;
  VmDraft draft(vm);
  for (const std::string& key : request.reverts) draft.revert(std::string(stored_key(key)));
  make_deletes(vm, request, draft, outcome.notes);
  for (const auto& item : request.sets) draft.set(item.key, stored_value(item));
  draft.clean();
  if (running)
    draft.apply_fast();
  else
    draft.apply_all(outcome.notes);
  Result<std::string> text = draft.text();
  if (!text) return refuse(SetVerdict::refused, {text.error().message});
  outcome.text = std::move(*text);
  if (running) tell_waiting(vm, request, outcome);
  return outcome;
}

}  // namespace hostpci
