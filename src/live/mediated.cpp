// Making and removing mediated devices: lint's own rules decide what can be made, the running VMs what may go.
#include "live/mediated.hpp"

#include <algorithm>
#include <cctype>

#include "live/objections.hpp"
#include "rules/device.hpp"
#include "rules/device_mdev.hpp"
#include "rules/holders.hpp"
#include "rules/lint.hpp"
#include "rules/mdev_uuid.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

const std::string instances = "/sys/bus/mdev/devices/";
constexpr std::string_view vendor_attribute = "nvidia/current_vgpu_type";

Diagnostic& object(Sink& out, std::string rule, std::string path, std::string message) {
  Diagnostic d;
  d.rule = std::move(rule);
  d.message = std::move(message);
  d.place = Place(std::move(path));
  return out.add(std::move(d));
}

/// Refused acts have no writes.
MediatedAct act(Sink& out, std::vector<KernelWrite> writes, std::vector<std::string> given_up = {}) {
  bool refused = refuses(out.diagnostics);
  return {std::move(out.diagnostics), refused ? std::vector<KernelWrite>() : std::move(writes), std::move(given_up)};
}

/// What lint says of a line that nothing else stands beside. The words are for one who typed a command: the line is nowhere.
void object_as_lint(const Host& host, const Device& device, const std::string& type, Sink& out) {
  std::vector<Vm> vms{read_vm(make_source("", "hostpci0: " + device.address.str() + ",mdev=" + type + "\n"))};
  Mappings mappings;
  BootConfig boot;
  Facts facts = make_facts(host, mappings, boot, vms);
  for (Diagnostic& d : lint(facts, {.select = {"device-mdev", "device-nvidia", "device-gvtg"}, .host_rules = false})) {
    if (d.severity != Severity::error) continue;
    Diagnostic& told = object(out, d.rule, device_path(device.address), d.message);
    for (Label& label : d.labels)
      if (!label.place.source) told.labels.push_back(std::move(label));
    told.notes = std::move(d.notes);
    for (std::string& help : d.help)
      told.help.push_back(help.starts_with("remove `mdev`") ? "`hostpci mdev` lists the devices that have types" : std::move(help));
  }
}

/// What must be known for anything to be written, whatever the rules made of it.
void object_to_unknown_type(const Device& device, const std::string& type, Sink& out) {
  if (refuses(out.diagnostics)) return;
  if (!device.mdev_types)
    object(out, "device-mdev-unsupported", device_path(device.address, "mdev_supported_types"),
           "the types of `" + describe(device) + "` could not be read");
  else if (!find_type(device, type))
    object(out, "device-mdev-type-unknown", device_path(device.address, "mdev_supported_types"),
           "`" + describe(device) + "` has no mediated type `" + type + "`");
}

const MdevInstance* find_instance(const Host& host, std::string_view uuid) {
  if (!host.mdevs) return nullptr;
  for (const MdevInstance& instance : *host.mdevs)
    if (instance.uuid == uuid) return &instance;
  return nullptr;
}

void object_to_twin(const Host& host, const std::string& uuid, Sink& out) {
  const MdevInstance* twin = find_instance(host, uuid);
  if (!twin) return;
  Diagnostic& d = object(out, "device-mdev-leftover", instances + uuid, "mediated device `" + uuid + "` exists already");
  d.labels.push_back({Place(instances + uuid + "/mdev_type"), "`" + twin->type + "` of `" + twin->parent.str() + "`"});
  d.help.push_back("`hostpci mdev remove " + uuid + "` if nobody needs it");
}

/// A running VM whose process was started with the instance, or for which Proxmox VE made it.
std::optional<Holder> holder_of(const Host& host, const std::string& uuid) {
  auto started = mdev_holders(host);
  if (auto found = started.find(uuid); found != started.end()) return found->second;
  auto owner = mdev_owner(uuid);
  if (!owner || !host.running) return {};
  for (const RunningVm& vm : *host.running)
    if (vm.vmid == owner->vmid) return Holder{vm.vmid, "/run/qemu-server/" + std::to_string(vm.vmid) + ".pid"};
  return {};
}

void object_to_removal(const Host& host, const MdevInstance& instance, Sink& out) {
  auto holder = holder_of(host, instance.uuid);
  if (!holder) return;
  std::string vm = "VM " + std::to_string(holder->vmid);
  Diagnostic& d = object(out, "conflict-in-use", instances + instance.uuid,
                         "mediated device `" + instance.uuid + "` is in use by " + vm + ", which runs");
  d.labels.push_back({Place(holder->evidence), "shows that it runs with the device"});
  d.help.push_back("stop " + vm + " first");
}

KernelWrite removal(const std::string& uuid) { return {instances + uuid + "/remove", "1", Shows::absent, instances + uuid, {}}; }

MediatedAct remove_instances(const Host& host, const std::vector<const MdevInstance*>& doomed) {
  Sink out;
  std::vector<KernelWrite> writes;
  std::vector<std::string> given_up;
  for (const MdevInstance* instance : doomed) {
    object_to_removal(host, *instance, out);
    writes.push_back(removal(instance->uuid));
    given_up.push_back(instances + instance->uuid);
  }
  return act(out, std::move(writes), std::move(given_up));
}

MediatedAct refuse_missing(const Host& host, const std::string& uuid) {
  std::vector<std::string_view> names;
  if (host.mdevs)
    for (const MdevInstance& instance : *host.mdevs) names.push_back(instance.uuid);
  Sink out;
  Diagnostic& d = object(out, "device-mdev-leftover", instances + uuid, "there is no mediated device `" + uuid + "`");
  if (auto near = closest(uuid, names)) d.help.push_back("did you mean `" + std::string(*near) + "`?");
  return act(out, {});
}

/// "" where none is set.
std::string current_type(const Device& device) {
  std::string type = device.nvidia_current_type.value_or("");
  return type == "0" ? "" : type;
}

KernelWrite vendor_write(const Device& device, const std::string& id) {
  std::string path = device_path(device.address, vendor_attribute);
  return {path, id, Shows::text, path, id};
}

MediatedAct clear_type(const Host& host, const Device& device) {
  Sink out;
  std::string path = device_path(device.address, vendor_attribute), current = current_type(device);
  if (!device.nvidia_current_type)
    object(out, "device-nvidia-type-unavailable", path, "the vGPU type of `" + describe(device) + "` could not be read");
  else if (current.empty())
    object(out, "device-nvidia-type-unavailable", path, "`" + describe(device) + "` has no vGPU type set");
  object_to_holder(host, device, out);
  return act(out, {vendor_write(device, "0")}, {device_path(device.address)});
}

}  // namespace

std::optional<std::string> kernel_uuid(std::string_view text) {
  constexpr std::string_view shape = "00000000-0000-0000-0000-000000000000";
  if (text.size() != shape.size()) return {};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (shape[i] == '-' ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return {};
  return lower(text);
}

std::optional<std::string> vendor_type(const Device& device, std::string_view type) {
  if (!device.nvidia_vgpu) return {};
  std::string_view id = type.starts_with("nvidia-") ? type.substr(7) : type;
  return number(id) ? std::optional("nvidia-" + std::string(id)) : std::nullopt;
}

MediatedAct create_mediated(const Host& host, const Device& device, const std::string& type, const std::string& uuid) {
  Sink out;
  object_to_twin(host, uuid, out);
  object_as_lint(host, device, type, out);
  object_to_unknown_type(device, type, out);
  std::string create = device_path(device.address, "mdev_supported_types/" + type + "/create");
  return act(out, {{create, uuid, Shows::link, instances + uuid + "/mdev_type", type}});
}

MediatedAct create_mediated(const Host& host, const Device& device, const std::string& type) {
  std::string id = type.substr(type.find('-') + 1), current = current_type(device);
  Sink out;
  if (current == id) return {};
  object_to_holder(host, device, out);
  if (!current.empty()) {
    Diagnostic& d = object(out, "device-nvidia-type-unavailable", device_path(device.address, vendor_attribute),
                           "`" + describe(device) + "` has type `nvidia-" + current + "` already");
    d.help.push_back("`hostpci mdev remove " + device.address.str() + "` takes it back");
  } else {
    object_as_lint(host, device, type, out);
    object_to_unknown_type(device, type, out);
  }
  return act(out, {vendor_write(device, id)});
}

MediatedAct remove_mediated(const Host& host, const std::string& uuid) {
  const MdevInstance* instance = find_instance(host, uuid);
  return instance ? remove_instances(host, {instance}) : refuse_missing(host, uuid);
}

MediatedAct remove_mediated(const Host& host, const Device& device) {
  std::vector<const MdevInstance*> doomed;
  if (host.mdevs)
    for (const MdevInstance& instance : *host.mdevs)
      if (instance.parent == device.address) doomed.push_back(&instance);
  if (device.nvidia_vgpu && doomed.empty()) return clear_type(host, device);
  if (!doomed.empty()) return remove_instances(host, doomed);
  Sink out;
  object(out, "device-mdev-leftover", device_path(device.address), "`" + describe(device) + "` has no mediated device");
  return act(out, {});
}

void join(MediatedAct& act, MediatedAct more) {
  auto add = [](auto& to, auto& from) { to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end())); };
  add(act.objections, more.objections);
  add(act.writes, more.writes);
  add(act.given_up, more.given_up);
  if (refuses(act.objections)) act.writes.clear();
}

}  // namespace hostpci
