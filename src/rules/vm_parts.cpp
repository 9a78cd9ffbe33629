// What the rules about a VM's own configuration share.
#include "rules/vm_parts.hpp"

#include <algorithm>

#include "config/machine.hpp"
#include "rules/device.hpp"
#include "rules/refused.hpp"

namespace hostpci {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// The word that begins at `at`, which moves behind it.
QemuWord take_word(std::string_view args, std::uint32_t& at, std::uint32_t base) {
  QemuWord word;
  std::uint32_t begin = at;
  for (char quote = 0; at < args.size() && (quote || !is_blank(args[at])); ++at) {
    char c = args[at];
    bool mark = quote ? c == quote : c == '"' || c == '\'';
    if (mark)
      quote = quote ? 0 : c;
    else
      word.text += c;
  }
  word.span = {base + begin, base + at};
  return word;
}

}  // namespace

std::vector<QemuWord> argument_words(const VmFacts& vm) {
  std::vector<QemuWord> found;
  const VmValue* value = vm.next.main().find("args");
  if (!value) return found;
  std::string_view args = value->value;
  std::uint32_t base = value->span.begin;
  if (args.size() > 1 && args.front() == '"' && args.back() == '"') {  // PVE takes off one outer pair
    args = args.substr(1, args.size() - 2);
    ++base;
  }
  for (std::uint32_t at = 0; at < args.size();) {
    if (is_blank(args[at]))
      ++at;
    else
      found.push_back(take_word(args, at, base));
  }
  return found;
}

bool is_option(const QemuWord& word, std::string_view name) {
  return word.text == "-" + std::string(name) || word.text == "--" + std::string(name);
}

std::vector<QemuWord> argument_values(const VmFacts& vm, std::string_view name) {
  std::vector<QemuWord> found;
  bool wanted = false;
  for (QemuWord& word : argument_words(vm)) {
    bool option = is_option(word, name);
    if (wanted) found.push_back(std::move(word));
    wanted = option && !wanted;
  }
  return found;
}

std::optional<Property> property_of(const VmFacts& vm, std::string_view key, std::string_view property,
                                    std::string_view bare) {
  const VmValue* value = vm.next.main().find(key);
  if (!value) return {};
  PropertyString parsed = parse_property_string(value->value, value->span.begin);
  const Property* found = parsed.find(property, property == bare ? bare : std::string_view());
  return found ? std::optional(*found) : std::nullopt;
}

std::string_view cpu_type(const VmFacts& vm) {
  auto type = property_of(vm, "cpu", "cputype", "cputype");
  return type ? type->value : std::string_view();
}

bool replaces_cpu(const VmFacts& vm) {
  std::vector<QemuWord> words = argument_words(vm);
  return std::any_of(words.begin(), words.end(), [](const QemuWord& w) { return is_option(w, "cpu"); });
}

bool is_x86_guest(const Facts& facts, const VmFacts& vm) {
  if (!vm.next.text("arch").empty()) return architecture(vm.next) == "x86_64";
  return facts.host->architecture.value_or("amd64") == "amd64" && vm.machine.type.substr(0, 4) != "virt";
}

bool has_emulated_card(std::string_view vga_type) { return vga_type != "none" && vga_type.substr(0, 6) != "serial"; }

std::optional<Fix> fix_property(const VmFacts& vm, std::string title, std::string_view key, std::string_view property,
                                std::string_view value, std::string_view otherwise, Safety safety) {
  const VmValue* line = vm.next.main().find(key);
  if (!line) return fix_value(vm, std::move(title), key, otherwise, safety);
  if (auto found = property_of(vm, key, property))
    return replace(vm, std::move(title), found->value_span, std::string(value), safety);
  std::string added = "," + std::string(property) + "=" + std::string(value);
  return replace(vm, std::move(title), {line->span.end, line->span.end}, std::move(added), safety);
}

bool is_integrated_gpu(const Host& host, const Device& device) {
  if (!device.is_gpu() || device.is_vf() || !device.id) return false;
  if (device.id->vendor == 0x8086) return device.address.str() == "0000:00:02.0";
  if (device.id->vendor != 0x1002) return false;
  std::vector<const Device*> beside = siblings(host, device);
  return std::any_of(beside.begin(), beside.end(), [](const Device* d) { return d->id && d->id->vendor == 0x1022; });
}

bool any_flag(const VmFacts& vm, HostpciKey key) {
  return std::any_of(vm.assignments.begin(), vm.assignments.end(),
                     [&](const Assignment& a) { return a.parsed().flag(key); });
}

}  // namespace hostpci
