// A VM's configuration read: VMID and node from the path, sections from the text, hostpci lines parsed when asked for.
#include "config/vm.hpp"

#include <algorithm>
#include <cstring>

#include "config/vm_lists.hpp"
#include "config/vm_schema.hpp"
#include "config/vm_sections.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::string_view nodes_directory = "/etc/pve/nodes/";

std::string node_of_path(std::string_view path) {
  if (!path.starts_with(nodes_directory)) return "";
  path.remove_prefix(nodes_directory.size());
  return std::string(path.substr(0, path.find('/')));
}

/// N of hostpciN, or nothing.
std::optional<int> hostpci_index(std::string_view key) {
  if (!key.starts_with("hostpci")) return std::nullopt;
  auto n = number(key.substr(7));
  return n && *n < 16 ? std::optional<int>(int(*n)) : std::nullopt;
}

bool contains(std::string_view text, std::string_view word) {
  return memmem(text.data(), text.size(), word.data(), word.size());
}

std::vector<HostpciLine> parse_lines(const std::map<std::string_view, VmValue>& values) {
  std::vector<HostpciLine> lines;
  for (auto it = values.lower_bound("hostpci"); it != values.end() && it->first.starts_with("hostpci"); ++it)
    if (auto index = hostpci_index(it->first))
      lines.push_back({*index, it->second, parse_hostpci(it->second.value, it->second.span.begin)});
  std::sort(lines.begin(), lines.end(), [](const HostpciLine& a, const HostpciLine& b) { return a.index < b.index; });
  return lines;
}

std::vector<std::string_view> settable_keys() {
  static const std::vector<std::string> indexed = [] {
    std::vector<std::string> names;
    for (const KeySchema& row : key_schemas())
      for (int i = 0; row.set && i < row.count; ++i) names.push_back(std::string(row.name) + std::to_string(i));
    return names;
  }();
  std::vector<std::string_view> keys(indexed.begin(), indexed.end());
  for (const KeySchema& row : key_schemas())
    if (row.set && row.count == 0) keys.push_back(row.name);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace

const VmValue* VmSection::find(std::string_view key) const {
  auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

std::string_view VmSection::text(std::string_view key) const {
  const VmValue* value = find(key);
  return value ? value->value : std::string_view();
}

const VmSection* Vm::pending() const {
  auto found =
      std::find_if(sections.begin(), sections.end(), [](const VmSection& s) { return s.kind == SectionKind::pending; });
  return found == sections.end() ? nullptr : &*found;
}

const VmSection* Vm::snapshot(std::string_view name) const {
  auto found = std::find_if(sections.begin(), sections.end(),
                            [&](const VmSection& s) { return s.kind == SectionKind::snapshot && s.name == name; });
  return found == sections.end() ? nullptr : &*found;
}

std::vector<HostpciLine> Vm::hostpci() const { return hostpci(main()); }

std::vector<HostpciLine> Vm::hostpci(const VmSection& section) const { return parse_lines(section.values); }

std::vector<HostpciLine> Vm::next_hostpci() const {
  const VmSection* changes = pending();
  if (!changes) return hostpci();
  std::map<std::string_view, VmValue> values;
  for (const auto& [key, value] : main().values)
    if (hostpci_index(key)) values.emplace(key, value);
  for (const PendingDelete& item : parse_pending_delete(changes->text("delete"))) values.erase(item.key);
  for (const auto& [key, value] : changes->values)
    if (hostpci_index(key)) values[key] = value;
  return parse_lines(values);
}

// "Hostpci0" too: a line that PVE drops, and that is told.
bool mentions_passthrough(std::string_view text) { return contains(text, "ostpci") || contains(text, "vfio"); }

Vm read_vm(SourcePtr source) {
  Vm vm;
  vm.vmid = vmid_of_path(source->path);
  vm.node = node_of_path(source->path);
  vm.syntax = parse_vm_config(source->text);
  vm.sections = read_sections(source->text, vm.syntax);
  vm.source = std::move(source);
  return vm;
}

std::string vm_label(const Vm& vm) { return vm.vmid ? "VM " + std::to_string(vm.vmid) : "this VM"; }

std::string vm_word(const Vm& vm) { return vm.vmid ? std::to_string(vm.vmid) : "VMID"; }

std::uint32_t vmid_of_path(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  if (!name.ends_with(".conf")) return 0;
  name.remove_suffix(5);
  if (name.size() < 3 || name.size() > 9 || name[0] == '0') return 0;
  return std::uint32_t(number(name).value_or(0));
}

const std::vector<std::string_view>& vm_keys() {
  static const std::vector<std::string_view> keys = settable_keys();
  return keys;
}

}  // namespace hostpci
