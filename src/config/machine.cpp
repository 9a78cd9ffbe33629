// The meaning of the keys that decide the virtual machine's hardware.
#include "config/machine.hpp"

#include <cstdint>

#include "config/vm_lists.hpp"
#include "grammar/property_string.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr std::uint64_t default_memory = 512;

/// The value of one property of a property string; `bare` names the property whose key may be left out. Views point
/// into `text`.
std::string_view property(std::string_view text, std::string_view key, std::string_view bare) {
  PropertyString parsed = parse_property_string(text);
  const Property* found = parsed.find(key, key == bare ? bare : std::string_view());
  return found ? found->value : std::string_view();
}

/// The number at the front of `text`, taken off it.
std::optional<int> take_number(std::string_view& text) {
  std::size_t size = std::min(text.find_first_not_of("0123456789"), text.size());
  auto value = number(text.substr(0, size));
  if (!value || *value > 1000000) return std::nullopt;
  text.remove_prefix(size);
  return int(*value);
}

/// "pc-q35-8.1+pve0.pxe" -> 8.1, 0. Source: qemu-server Machine.pm (extract_version_parts).
void read_version(Machine& machine) {
  std::string_view rest = machine.type;
  for (std::string_view prefix : {"pc-i440fx-", "pc-q35-", "pc-", "virt-"}) {
    if (!rest.starts_with(prefix)) continue;
    rest.remove_prefix(prefix.size());
    auto major = take_number(rest);
    if (!major || !rest.starts_with('.')) return;
    rest.remove_prefix(1);
    auto minor = take_number(rest);
    if (!minor) return;
    machine.version = {*major, *minor};
    if (std::size_t plus = rest.find("+pve"); plus != rest.npos) {
      rest.remove_prefix(plus + 4);
      machine.pve = take_number(rest);
    }
    return;
  }
}

}  // namespace

Machine machine(std::string_view value) {
  Machine out;
  out.type = property(value, "type", "type");
  out.viommu = property(value, "viommu", "type");
  out.q35 = out.type.find("q35") != out.type.npos;
  read_version(out);
  return out;
}

Machine machine(const Vm& vm) { return machine(vm.text("machine")); }

bool is_ovmf(const Vm& vm) { return vm.text("bios") == "ovmf"; }

bool is_template(const Vm& vm) { return parse_boolean(vm.text("template")).value_or(false); }

std::string_view vga_type(const Vm& vm) { return property(vm.text("vga"), "type", "type"); }

std::vector<std::string_view> boot_order(const Vm& vm) {
  return list_items(property(vm.text("boot"), "order", "legacy"));
}

std::uint64_t memory_mib(const Vm& vm) {
  return number(property(vm.text("memory"), "current", "current")).value_or(default_memory);
}

bool is_windows(const Vm& vm) {
  std::string_view type = vm.text("ostype");
  return type == "wxp" || type == "wvista" || type.starts_with("w2k") || type.starts_with("win");
}

std::string_view architecture(const Vm& vm) {
  std::string_view arch = vm.text("arch");
  return arch.empty() ? "x86_64" : arch;
}

}  // namespace hostpci
