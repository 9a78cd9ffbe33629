// Sections to plain maps.
#include "vm_values.hpp"

#include "text/escape.hpp"

namespace hostpci::test {
namespace {

std::string name_of(const VmSection& section) {
  switch (section.kind) {
    case SectionKind::main:
      return "main";
    case SectionKind::pending:
      return "pending";
    case SectionKind::special:
      return "special " + std::string(section.name);
    default:
      return "snapshot " + std::string(section.name);
  }
}

}  // namespace

Sections sections_of(const Vm& vm) {
  Sections sections;
  for (const VmSection& section : vm.sections) {
    std::map<std::string, std::string> values;
    for (const auto& [key, value] : section.values) values[std::string(key)] = loaded_value(key, value.value);
    bool pending = section.kind == SectionKind::pending;
    if (section.has_description && (pending || !section.description.empty()))
      values["description"] = section.description;
    bool vanishes = values.empty() && (pending || section.kind == SectionKind::main);
    if (!vanishes) sections[name_of(section)] = std::move(values);
  }
  return sections;
}

std::string show(const Vm& vm) {
  std::string out;
  for (const auto& [name, values] : sections_of(vm)) {
    out += "[" + name + "]\n";
    for (const auto& [key, value] : values) out += "  " + key + ": " + printable(value) + "\n";
  }
  return out;
}

}  // namespace hostpci::test
