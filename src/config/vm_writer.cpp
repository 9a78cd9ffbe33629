// Key by key from one text to the next.
#include "config/vm_writer.hpp"

#include <algorithm>

#include "config/vm_edit.hpp"

namespace hostpci {

const VmSection* VmWriter::find(SectionKind section) const {
  return section == SectionKind::pending ? vm_.pending() : &vm_.main();
}

void VmWriter::make(std::vector<Edit> edits) {
  if (edits.empty() || !failure_.empty()) return;
  Result<std::string> changed = hostpci::apply(vm_.source->text, std::move(edits));
  if (changed)
    vm_ = read_vm(make_source(vm_.source->path, std::move(*changed)));
  else
    failure_ = changed.error().message;
}

void VmWriter::set(SectionKind section, std::string_view key, const std::string& value) {
  const VmSection* place = find(section);
  if (!place) return make(add_pending(vm_, std::string(key) + ": " + value));
  make(key == "description" ? set_description(vm_, *place, value) : set_value(vm_, *place, key, value));
}

void VmWriter::remove(SectionKind section, std::string_view key) {
  const VmSection* place = find(section);
  if (!place) return;
  if (key == "description") return make(set_description(vm_, *place, ""));
  make(delete_key(vm_, *place, key));
  if (key == "ide2") make(delete_key(vm_, *find(section), "cdrom"));
}

void VmWriter::change(SectionKind section, const KeyValues& before, const KeyValues& after) {
  for (const auto& [key, value] : before)
    if (after.find(key) == after.end()) remove(section, key);
  for (const auto& [key, value] : after) {
    auto old = before.find(key);
    if (old != before.end() && old->second == value) continue;
    set(section, key, value);
    if (key == "ide2") make(delete_key(vm_, *find(section), "cdrom"));
  }
}

void VmWriter::close_pending() {
  const auto& all = vm_.syntax.sections;
  auto is_pending = [](const ConfigSection& section) { return section.kind == SectionKind::pending; };
  if (std::count_if(all.begin(), all.end(), is_pending) == 1) make(remove_section(vm_, *vm_.pending()));
}

Result<std::string> VmWriter::text() const {
  if (!failure_.empty()) return Failure{failure_};
  return vm_.source->text;
}

}  // namespace hostpci
