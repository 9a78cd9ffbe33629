// `mdev`: mediated types of the host's devices, their free instances, and who holds those that exist.
#include <algorithm>
#include <boost/json.hpp>

#include "cli/device_view.hpp"
#include "cli/log.hpp"
#include "cli/mdev_change.hpp"
#include "cli/run.hpp"
#include "cli/survey.hpp"
#include "rules/holders.hpp"
#include "rules/mdev_uuid.hpp"
#include "rules/suggestion.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

bool runs(const Host& host, std::uint32_t vmid) {
  return host.running &&
         std::any_of(host.running->begin(), host.running->end(), [&](const RunningVm& vm) { return vm.vmid == vmid; });
}

/// The running VM whose process was started with an instance of another name than Proxmox VE's.
std::optional<std::uint32_t> started_with(const Host& host, std::string_view uuid) {
  auto held = mdev_holders(host);
  auto found = held.find(std::string(uuid));
  return found == held.end() ? std::nullopt : std::optional(found->second.vmid);
}

std::string holder_text(const Host& host, std::string_view uuid) {
  auto owner = mdev_owner(uuid);
  if (!owner) {
    auto started = started_with(host, uuid);
    return started ? "VM " + std::to_string(*started) + " (running)" : "not Proxmox VE's";
  }
  return host.running ? owner->str() + (runs(host, owner->vmid) ? " (running)" : " (not running: left over)") : owner->str();
}

/// A device with mediated types or NVIDIA's framework, and its instances.
struct MediatedDevice {
  const Device* device = nullptr;
  std::vector<const MdevInstance*> instances;

  std::string current() const {  ///< the type NVIDIA's framework has set, or empty
    std::string type = device->nvidia_current_type.value_or("");
    return type.empty() || type == "0" ? "" : "nvidia-" + type;
  }
  std::string framework() const { return device->nvidia_vgpu ? "nvidia" : "mdev"; }
};

std::vector<MediatedDevice> mediated(const Host& host, const std::vector<AddressPattern>& wanted) {
  std::vector<MediatedDevice> found;
  for (const auto& [address, device] : host.devices) {
    MediatedDevice m{&device, {}};
    auto names = [a = address](const AddressPattern& p) {
      return p.whole_slot ? a.same_slot(p.address) : a == p.address;
    };
    if (!wanted.empty() && std::none_of(wanted.begin(), wanted.end(), names)) continue;
    if (host.mdevs)
      for (const MdevInstance& instance : *host.mdevs)
        if (instance.parent == address) m.instances.push_back(&instance);
    bool types = device.mdev_types && !device.mdev_types->empty();
    bool unknown = !wanted.empty() && !device.mdev_types;
    if (types || device.nvidia_vgpu || unknown || !m.instances.empty()) found.push_back(std::move(m));
  }
  return found;
}

std::string free_text(const MdevType& type) { return type.available ? std::to_string(*type.available) : "?"; }

/// "low_gm_size: 128MB, fence: 4": one line.
std::string one_line(std::string_view description) {
  std::vector<std::string> lines;
  for (std::string_view line : split(description, '\n'))
    if (!trim(line).empty()) lines.emplace_back(trim(line));
  return lines.empty() ? "-" : join(lines, ", ");
}

/// Lines that wish for an instance of the type on this device.
std::string wanted_by(const Facts& facts, const Device& device, std::string_view type) {
  std::vector<std::string> users;
  for (const VmFacts& vm : facts.vms)
    for (const Assignment& a : vm.assignments) {
      if (a.parsed().text(HostpciKey::mdev) != type || vm.foreign) continue;
      bool may =
          std::any_of(a.resolved.choices.begin(), a.resolved.choices.end(), [&](const std::vector<PciAddress>& choice) {
            return std::find(choice.begin(), choice.end(), device.address) != choice.end();
          });
      if (may) users.push_back("VM " + std::to_string(vm.vm->vmid) + " " + a.key());
    }
  return users.empty() ? "-" : join(users, ", ");
}

void print_types(const Facts& facts, const std::vector<MediatedDevice>& devices, Output& out) {
  Table table({"DEVICE", "TYPE", "NAME", "FREE", "WANTED BY", "DESCRIPTION"});
  bool any = false;
  for (const MediatedDevice& m : devices) {
    std::string address = m.device->address.str();
    if (!m.device->mdev_types)
      table.row({address, "?", "could not be read", "?", "-", "-"}), any = true;
    else
      for (const MdevType& t : *m.device->mdev_types) {
        table.row({address, t.type, t.name.empty() ? "-" : t.name, free_text(t), wanted_by(facts, *m.device, t.type),
                   one_line(t.description)});
        any = true;
      }
  }
  if (any) out << table.str();
}

void print_instances(const Host& host, const std::vector<MediatedDevice>& devices, Output& out) {
  Table table({"INSTANCE", "TYPE", "DEVICE", "HELD BY"});
  bool any = false;
  for (const MediatedDevice& m : devices)
    for (const MdevInstance* i : m.instances) {
      table.row({i->uuid, i->type.empty() ? "?" : i->type, m.device->address.str(), holder_text(host, i->uuid)});
      any = true;
    }
  if (any) out << "\n" << table.str();
}

void print_notes(const Host& host, const std::vector<MediatedDevice>& devices, Output& out) {
  for (const MediatedDevice& m : devices) {
    if (!m.device->nvidia_vgpu) continue;
    std::string set = m.current().empty() ? "no type is set" : "type `" + m.current() + "` is set";
    out << "note: "
        << printable(m.device->address.str() +
                     " has NVIDIA's own vGPU framework: Proxmox VE passes the function itself, no mdev is made; " + set)
        << "\n";
  }
  if (!host.mdevs) out << "note: which instances exist could not be read (/sys/bus/mdev/devices)\n";
}

void print_text(const Facts& facts, const std::vector<MediatedDevice>& devices, Output& out) {
  if (devices.empty()) {
    out << "no device here offers mediated types\n";
    return;
  }
  print_types(facts, devices, out);
  print_instances(*facts.host, devices, out);
  print_notes(*facts.host, devices, out);
}

json::object instance_json(const Host& host, const MdevInstance& instance) {
  json::object object{{"uuid", utf8(instance.uuid)},
                      {"type", utf8(instance.type)},
                      {"vm", nullptr},
                      {"key", nullptr},
                      {"running", nullptr}};
  auto owner = mdev_owner(instance.uuid);
  if (auto started = started_with(host, instance.uuid); started && !owner) object["vm"] = *started, object["running"] = true;
  if (!owner) return object;
  object["vm"] = owner->vmid;
  object["key"] = "hostpci" + std::to_string(owner->index);
  if (host.running) object["running"] = runs(host, owner->vmid);
  return object;
}

json::value types_json(const Facts& facts, const Device& device) {
  if (!device.mdev_types) return nullptr;
  json::array types;
  for (const MdevType& t : *device.mdev_types) {
    std::string wanted = wanted_by(facts, device, t.type);
    types.push_back({{"type", utf8(t.type)},
                     {"name", utf8(t.name)},
                     {"description", utf8(t.description)},
                     {"available", t.available ? json::value(*t.available) : json::value(nullptr)},
                     {"wantedBy", wanted == "-" ? "" : utf8(wanted)}});
  }
  return types;
}

void print_json(const Facts& facts, const std::vector<MediatedDevice>& devices, Output& out) {
  json::array list;
  for (const MediatedDevice& m : devices) {
    json::array instances;
    for (const MdevInstance* i : m.instances) instances.push_back(instance_json(*facts.host, *i));
    list.push_back({{"address", m.device->address.str()},
                    {"framework", m.framework()},
                    {"current", m.current().empty() ? json::value(nullptr) : json::value(utf8(m.current()))},
                    {"types", types_json(facts, *m.device)},
                    {"instances", std::move(instances)}});
  }
  json::object all{{"version", 1},
                   {"node", utf8(facts.host->node)},
                   {"instancesKnown", facts.host->mdevs.has_value()},
                   {"devices", std::move(list)}};
  out << terminal_safe_json(json::serialize(all)) << "\n";
}

/// The patterns; nothing, told, if one is no address or means no device. `status` is then the exit status.
std::optional<std::vector<AddressPattern>> patterns(const Host& host, const std::vector<std::string>& arguments,
                                                    int& status) {
  std::vector<AddressPattern> wanted;
  for (const std::string& text : arguments) {
    auto pattern = parse_address_pattern(text);
    bool there = pattern && !meant_devices(host, *pattern).empty();
    if (!there) {
      log_error(pattern ? no_such_device(host, text) : no_address(text));
      status = pattern ? refused : usage;
      return {};
    }
    wanted.push_back(*pattern);
  }
  return wanted;
}

}  // namespace

int run_mdev(Invocation& invocation) {
  if (!invocation.arguments.empty() && changes_mdev(invocation.arguments.front())) return run_mdev_change(invocation);
  if (!invocation.options.values.empty()) {
    log_error("`--" + invocation.options.values.begin()->first + "` goes with `mdev create` and `mdev remove` only");
    return usage;
  }
  auto survey = Survey::open(invocation.globals);
  if (!survey) {
    log_error(survey.error().message);
    return refused;
  }
  for (const Failure& failure : (*survey)->failures) log_warning(failure.message);
  int status = done;
  auto wanted = patterns(*(*survey)->host, invocation.arguments, status);
  if (!wanted) return status;
  std::vector<MediatedDevice> devices = mediated(*(*survey)->host, *wanted);
  if (invocation.json())
    print_json((*survey)->facts, devices, *invocation.out);
  else
    print_text((*survey)->facts, devices, *invocation.out);
  return done;
}

}  // namespace hostpci
