// What PVE makes of a VM's hostpci lines on this host: which functions, in which order, or why it refuses.
#include "rules/resolve.hpp"

#include <algorithm>
#include <set>

#include "rules/refusals.hpp"
#include "rules/versions.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

/// Function digits 8 to f pass the schema, but no device has them.
bool function_out_of_range(std::string_view element) {
  std::size_t dot = element.rfind('.');
  return dot != element.npos && dot + 2 == element.size() && element[dot + 1] > '7';
}

void resolve_host(ResolvedLine& line, const LineContext& context) {
  if (!context.devices_known()) return;
  std::vector<PciAddress> functions;
  for (const HostElement& element : line.line.parsed.hosts) {
    std::vector<PciAddress> found = matching_functions(context.host, element.text);
    if (found.empty()) {
      bool range = function_out_of_range(element.text);
      Refusal& refusal = refuse(line, range ? "syntax-addr-function-range" : "device-device-missing", HostpciKey::host,
                                range ? "there is no function " + quoted(element.text) + ": functions are 0 to 7"
                                      : "there is no device " + quoted(element.text) + " on this host");
      refusal.span = element.span;
    }
    functions.insert(functions.end(), found.begin(), found.end());
  }
  line.choices.push_back(std::move(functions));
}

void resolve_entry(ResolvedLine& line, const MappingEntry& entry, const LineContext& context) {
  if (!context.devices_known()) return;
  check_mapping_entry(line, *line.mapping, entry, context.host);
  std::vector<PciAddress> functions;
  for (std::string_view path : entry.paths)
    for (const PciAddress& address : matching_functions(context.host, path)) functions.push_back(address);
  if (!functions.empty()) line.choices.push_back(std::move(functions));
}

void resolve_mapping(ResolvedLine& line, const LineContext& context, const Mappings& mappings) {
  std::string_view id = line.line.parsed.text(HostpciKey::mapping);
  line.mapping = mappings.find(id);
  if (!line.mapping) {
    refuse(line, "cluster-mapping-not-found", HostpciKey::mapping, "there is no mapping " + quoted(id));
    return;
  }
  if (context.host.node.empty()) return;
  std::size_t here = 0;
  for (const MappingEntry& entry : line.mapping->entries) {
    if (entry.node != context.host.node) continue;
    ++here;
    resolve_entry(line, entry, context);
  }
  if (here == 0)
    refuse(line, "cluster-mapping-not-found", HostpciKey::mapping,
           "mapping " + quoted(id) + " has no entry for node " + quoted(context.host.node));
}

bool has_nvidia_vgpu(const Host& host, const std::vector<PciAddress>& choice) {
  const Device* device = choice.empty() ? nullptr : host.find(choice.front());
  return device && device->nvidia_vgpu;
}

/// "nvidia-NUMBER": the name of a type of NVIDIA's own framework.
bool is_nvidia_type(std::string_view mdev) {
  return mdev.substr(0, 7) == "nvidia-" && number(mdev.substr(7)).has_value();
}

void resolve_mdev(ResolvedLine& line, const LineContext& context) {
  std::string_view type = line.line.parsed.text(HostpciKey::mdev);
  if (type.empty() || type == "0") return;
  auto many = [](const std::vector<PciAddress>& choice) { return choice.size() > 1; };
  auto vendor = [&](const std::vector<PciAddress>& choice) { return has_nvidia_vgpu(context.host, choice); };
  if (std::any_of(line.choices.begin(), line.choices.end(), many))
    refuse(
        line, "device-mdev-multifunction", HostpciKey::mdev,
        "a mediated device needs a single function, " + quoted("mdev=" + std::string(type)) + " is given for several");
  line.nvidia = is_nvidia_type(type) && std::any_of(line.choices.begin(), line.choices.end(), vendor);
  line.mdev = !line.nvidia;
}

void resolve_line(ResolvedLine& line, LineContext& context, const Mappings& mappings) {
  const Hostpci& parsed = line.line.parsed;
  bool host = !parsed.hosts.empty(), mapping = parsed.has(HostpciKey::mapping);
  if (host && mapping)
    refuse(line, "syntax-host-xor-mapping", HostpciKey::mapping, "both `host` and `mapping` are given, PVE takes one");
  else if (mapping)
    resolve_mapping(line, context, mappings);
  else if (host)
    resolve_host(line, context);
  else
    refuse(line, "syntax-host-xor-mapping", HostpciKey::host, "neither `host` nor `mapping` is given");
  resolve_mdev(line, context);
  check_machine(line, context);
}

/// Takes devices line by line, as PVE does: the first choice that is free.
class Chooser {
 public:
  void choose(ResolvedLine& line) {
    if (line.choices.empty()) return;
    line.functions = line.choices.front();
    if (line.mdev) {
      if (line.functions.size() > 1) line.functions.resize(1);
    } else if (line.choices.size() == 1) {
      take_only_choice(line);
    } else {
      take_free_choice(line);
    }
  }

 private:
  bool is_free(const std::vector<PciAddress>& choice) const {
    return std::none_of(choice.begin(), choice.end(), [&](const PciAddress& a) { return used_.count(a) != 0; });
  }

  void take_only_choice(ResolvedLine& line) {
    std::set<PciAddress> told;
    for (const PciAddress& address : line.functions)
      if (!used_.insert(address).second && told.insert(address).second)
        refuse(line, "device-duplicate-function", HostpciKey::host,
               "device " + quoted(address.str()) + " is assigned more than once");
  }

  void take_free_choice(ResolvedLine& line) {
    auto free = std::find_if(line.choices.begin(), line.choices.end(), [&](const auto& c) { return is_free(c); });
    if (free == line.choices.end()) {
      refuse(line, "device-duplicate-function", HostpciKey::mapping,
             "no device of mapping " + quoted(line.line.parsed.text(HostpciKey::mapping)) +
                 " is left: the lines before take them all");
      return;
    }
    line.functions = *free;
    take_only_choice(line);
  }

  std::set<PciAddress> used_;
};

void check_machine_version(Resolution& resolution, const LineContext& context) {
  if (!machine_too_new(context.machine, context.host)) return;
  auto have = *qemu_version(context.host);
  Refusal refusal;
  refusal.rule = "vm-machine-too-new";
  refusal.message = "machine type " + quoted(context.machine.type) + " is newer than the installed QEMU " +
                    std::to_string(have.first) + "." + std::to_string(have.second);
  if (const VmValue* value = context.vm.main().find("machine")) refusal.span = value->span;
  resolution.refusals.push_back(std::move(refusal));
}

void collect(Resolution& resolution, const ResolvedLine& line, std::size_t from) {
  resolution.refusals.insert(resolution.refusals.end(), line.refusals.begin() + std::ptrdiff_t(from),
                             line.refusals.end());
}

}  // namespace

std::vector<PciAddress> matching_functions(const Host& host, std::string_view element) {
  auto pattern = parse_address_pattern(element);
  if (!pattern) return {};
  PciAddress address = pattern->address;
  std::string name = pattern->whole_slot ? address.slot() : address.str();
  if (name != element && name != "0000:" + std::string(element)) return {};
  std::vector<PciAddress> found;
  if (pattern->whole_slot) address.function = 0;
  for (auto at = host.devices.lower_bound(address); at != host.devices.end() && at->first.same_slot(address); ++at)
    if (pattern->whole_slot || at->first == address) found.push_back(at->first);
  return found;
}

std::set<PciAddress> assigned_functions(const std::vector<Vm>& vms, const Host& host, const Mappings& mappings) {
  std::set<PciAddress> functions;
  auto add = [&](std::string_view element) {
    for (const PciAddress& address : matching_functions(host, element)) functions.insert(address);
  };
  for (const Vm& vm : vms)
    for (const HostpciLine& line : vm.next_hostpci()) {
      for (const HostElement& element : line.parsed.hosts) add(element.text);
      const Mapping* mapping = mappings.find(line.parsed.text(HostpciKey::mapping));
      if (!mapping) continue;
      for (const MappingEntry& entry : mapping->entries) std::for_each(entry.paths.begin(), entry.paths.end(), add);
    }
  return functions;
}

Resolution resolve(const Vm& vm, std::vector<HostpciLine> lines, const Host& host, const Mappings& mappings) {
  Resolution resolution;
  LineContext context{vm, host, machine(vm)};
  bool inert = is_template(vm);  // PVE neither attaches a template's devices nor checks them
  if (!inert) check_machine_version(resolution, context);
  for (HostpciLine& line : lines) {
    ResolvedLine& resolved = resolution.lines.emplace_back();
    resolved.line = std::move(line);
    resolve_line(resolved, context, mappings);
    if (inert) resolved.refusals.clear();
    collect(resolution, resolved, 0);
  }
  Chooser chooser;
  for (ResolvedLine& line : resolution.lines) {
    std::size_t before = line.refusals.size();
    chooser.choose(line);
    if (inert)
      line.refusals.clear();
    else
      collect(resolution, line, before);
  }
  return resolution;
}

}  // namespace hostpci
