// What the rules about assigned devices share.
#include <algorithm>

#include "config/vm_edit.hpp"
#include "host/groups.hpp"
#include "rules/device.hpp"
#include "text/words.hpp"

namespace hostpci {

bool keeps_driver(const Assignment& a) { return a.parsed().text(HostpciKey::driver) == "keep"; }

bool takes(const Assignment& a) { return !a.is_mdev() && !keeps_driver(a) && !is_template(a.owner->next); }

bool is_any_bridge(const Device& d) { return d.is_bridge() || d.has_class(0x06); }

bool on_vfio(const Device& d) { return d.driver && is_vfio_driver(*d.driver); }

bool on_host_driver(const Device& d) { return d.driver && !d.driver->empty() && !is_keeper(*d.driver); }

std::string driver_text(const Device& d) {
  if (!d.driver) return "unknown driver";
  return d.driver->empty() ? "no driver" : "driver `" + *d.driver + "`";
}

std::string use_text(const Use& use) {
  std::string kind(name(use.kind));
  std::replace(kind.begin(), kind.end(), '_', ' ');
  return kind + " `" + use.name + "`" + (use.detail.empty() ? "" : " (" + use.detail + ")");
}

std::optional<bool> kernel_at_least(const Host& host, int major, int minor) {
  if (!host.kernel.release) return {};
  std::vector<std::string_view> parts = split(*host.kernel.release, '.');
  if (parts.size() < 2) return {};
  std::string_view second = parts[1].substr(0, parts[1].find_first_not_of("0123456789"));
  auto a = number(parts[0]), b = number(second);
  if (!a || !b) return {};
  return *a != std::uint64_t(major) ? *a > std::uint64_t(major) : *b >= std::uint64_t(minor);
}

const Assignment* assignment_of(const VmFacts& vm, int index) {
  for (const Assignment& a : vm.assignments)
    if (a.line().index == index) return &a;
  return nullptr;
}

bool names(const VmFacts& vm, const PciAddress& address) {
  return std::any_of(vm.assignments.begin(), vm.assignments.end(), [&](const Assignment& a) {
    return std::find(a.functions().begin(), a.functions().end(), address) != a.functions().end();
  });
}

std::vector<const Device*> other_members(const Facts& facts, const VmFacts& vm, int group) {
  std::vector<const Device*> others;
  for (const Device* d : facts.host->group(group))
    if (!is_any_bridge(*d) && !names(vm, d->address)) others.push_back(d);
  return others;
}

std::vector<const Device*> siblings(const Host& host, const Device& device) {
  std::vector<const Device*> result;
  PciAddress first = device.address;
  first.function = 0;
  for (auto at = host.devices.lower_bound(first); at != host.devices.end() && at->first.same_slot(first); ++at)
    if (at->first != device.address) result.push_back(&at->second);
  return result;
}

std::string list(const std::vector<const Device*>& devices) {
  std::string text;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (i) text += i + 1 == devices.size() ? " and " : ", ";
    text += "`" + describe(*devices[i]) + "`";
  }
  return text;
}

namespace {

/// "name=Y" or a lone "name": what a boolean module option says, or nothing if the word is about another one.
std::optional<bool> option_value(std::string_view word, std::string_view option) {
  if (word.substr(0, option.size()) != option) return {};
  std::string_view rest = word.substr(option.size());
  if (rest.empty()) return true;
  if (rest.front() != '=' || rest.size() < 2) return {};
  return rest[1] == 'y' || rest[1] == 'Y' || rest[1] == '1' || rest == "=on";
}

}  // namespace

std::optional<Place> vfio_option(const Facts& facts, std::string_view option) {
  std::optional<Place> place;
  for (const PlacedDirective& placed : facts.boot->directives(DirectiveKind::options, "vfio_pci"))
    for (const PlacedWord& word : placed.directive->words)
      if (auto on = option_value(word.text, option))
        place = *on ? std::optional(Place(placed.source, word.span)) : std::nullopt;
  if (place || !facts.host->kernel.command_line) return place;
  for (const KernelArgument& argument : parse_kernel_command_line(*facts.host->kernel.command_line))
    if (!argument.for_init && same_parameter(argument.name, "vfio_pci." + std::string(option)))
      if (auto on =
              option_value(std::string(option) + (argument.has_value ? "=" + std::string(argument.value) : ""), option))
        place = *on ? std::optional(Place("/proc/cmdline")) : std::nullopt;
  return place;
}

void show(Diagnostic& d, const Device& device, std::string_view attribute, std::string message) {
  d.labels.push_back({Place(device_path(device.address, attribute)), std::move(message)});
}

const HostElement* element_of(const Facts& facts, const Assignment& a, const Device& device) {
  for (const HostElement& element : a.parsed().hosts) {
    std::vector<PciAddress> found = matching_functions(*facts.host, element.text);
    if (std::find(found.begin(), found.end(), device.address) != found.end()) return &element;
  }
  return nullptr;
}

Place element_place(const Facts& facts, const Assignment& a, const Device& device) {
  if (const HostElement* element = element_of(facts, a, device)) return Place(a.owner->vm->source, element->span);
  return Findings::place(a, HostpciKey::mapping);
}

Diagnostic& at_device(Findings& out, const Facts& facts, const Assignment& a, const Device& device,
                      std::string message) {
  Diagnostic& d = out.at(a, std::move(message));
  d.place = element_place(facts, a, device);
  return d;
}

Fix replace(const VmFacts& vm, std::string title, Span span, std::string text, Safety safety) {
  return {std::move(title), safety, {{vm.vm->source->path, span, std::move(text)}}};
}

Fix drop_property(const Assignment& a, HostpciKey key, Safety safety) {
  const HostpciProperty* property = a.parsed().find(key);
  Span value = a.line().value.span, cut = property ? property->span : Span{value.begin, value.begin};
  const std::string& text = a.owner->vm->source->text;
  if (cut.begin > value.begin && text[cut.begin - 1] == ',') {
    --cut.begin;
  } else if (cut.end < value.end && text[cut.end] == ',') {
    ++cut.end;
  }
  return replace(*a.owner, "remove `" + std::string(name(key)) + "`", cut, "", safety);
}

std::optional<Fix> drop_line(const Assignment& a, std::string title) {
  const Vm& vm = *a.owner->vm;
  std::string key = a.key();
  if (const VmSection* pending = vm.pending(); pending && pending->find(key)) return {};
  Fix fix{std::move(title), Safety::unsafe, {}};
  for (Edit& edit : delete_key(vm, vm.main(), key))
    fix.edits.push_back({vm.source->path, edit.span, std::move(edit.text)});
  return fix;
}

}  // namespace hostpci
