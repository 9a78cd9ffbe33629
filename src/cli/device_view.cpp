// Joins a device with the VMs that name it, and puts its facts into words.
#include "cli/device_view.hpp"

#include <algorithm>

#include "config/boot_config.hpp"
#include "rules/facts.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::string use_words(const Use& use) {
  std::string kind(name(use.kind));
  std::replace(kind.begin(), kind.end(), '_', ' ');
  return kind + ' ' + use.name + (use.detail.empty() ? "" : " (" + use.detail + ')');
}

std::string vm_words(const VmUse& use) {
  return "VM " + std::to_string(use.vmid) + (use.mdev ? " (mdev)" : "") + (use.running ? " (running)" : "");
}

/// A cheap look before the file is parsed: most VMs pass nothing through.
std::vector<Vm> vms_with_devices(World& world) {
  std::vector<Failure> failures;
  std::vector<Vm> vms;
  for (const std::string& path : world.vm_paths({}, failures)) {
    auto text = world.system().read(path);
    if (text && text->find("hostpci") != std::string::npos) vms.push_back(read_vm(make_source(path, std::move(*text))));
  }
  return vms;
}

bool runs(const Host& host, std::uint32_t vmid) {
  return host.running &&
         std::any_of(host.running->begin(), host.running->end(), [&](const RunningVm& vm) { return vm.vmid == vmid; });
}

std::string reset_words(const Device& device) {
  if (!device.reset) return "reset ?";
  if (!*device.reset) return "no reset";
  return device.reset_method && !device.reset_method->empty() ? "reset " + *device.reset_method : "reset";
}

std::string vf_words(const Device& device) {
  if (device.physfn) return "VF of " + device.physfn->str();
  if (!device.sriov_totalvfs) return "VFs ?";
  if (*device.sriov_totalvfs == 0) return "";
  return "VFs " + (device.sriov_numvfs ? std::to_string(*device.sriov_numvfs) : "?") + '/' +
         std::to_string(*device.sriov_totalvfs);
}

std::string mdev_words(const Device& device) {
  if (!device.mdev_types) return "mdev ?";
  return device.mdev_types->empty() ? "" : "mdev " + count(device.mdev_types->size(), "type");
}

}  // namespace

Result<std::unique_ptr<DeviceView>> DeviceView::open(const Globals& globals) {
  auto world = World::open(globals);
  if (!world) return world.error();
  HostParts parts;
  parts.kernel = parts.files = parts.capabilities = false;
  auto host = (*world)->host(parts);
  if (!host) return host.error();
  if (auto failed = (*host)->unreadable.find("/sys/bus/pci/devices");
      failed != (*host)->unreadable.end() && (*host)->devices.empty())
    return Failure{failed->second};
  auto view = std::make_unique<DeviceView>();
  view->world_ = std::move(*world);
  view->host_ = *host;
  view->names_ = std::make_unique<PciNames>(view->world_->system());
  if (globals.host.empty() || globals.has_root()) view->find_vm_uses(*view->world_);
  return view;
}

void DeviceView::find_vm_uses(World& world) {
  std::vector<Vm> vms = vms_with_devices(world);
  if (vms.empty()) return;
  BootConfig boot;
  Facts facts = make_facts(*host_, world.mappings(*host_), boot, vms);
  for (const auto& [address, users] : facts.users)
    for (const User& user : users)
      vm_uses_[address].push_back(
          {user.vm->vm->vmid, user.assignment->key(), user.assignment->is_mdev(), runs(*host_, user.vm->vm->vmid)});
}

const std::vector<VmUse>& DeviceView::vms(const PciAddress& address) const {
  static const std::vector<VmUse> none;
  auto found = vm_uses_.find(address);
  return found == vm_uses_.end() ? none : found->second;
}

std::string DeviceView::used_by(const Device& device) const {
  std::vector<std::string> parts;
  for (const VmUse& use : vms(device.address)) parts.push_back(vm_words(use));
  if (!device.uses)
    parts.push_back("uses unknown");
  else
    for (const Use& use : *device.uses) parts.push_back(use_words(use));
  return join(parts, ", ");
}

std::string DeviceView::abilities(const Device& device) {
  std::vector<std::string> parts{reset_words(device)};
  if (device.rom == true) parts.push_back("ROM");
  for (std::string words : {vf_words(device), mdev_words(device)})
    if (!words.empty()) parts.push_back(std::move(words));
  if (device.nvidia_vgpu) parts.push_back("NVIDIA vGPU");
  return join(parts, ", ");
}

std::string DeviceView::driver(const Device& device) {
  if (!device.driver) return "?";
  return device.driver->empty() ? "-" : *device.driver;
}

std::string DeviceView::group(const Device& device) {
  if (!device.group) return "?";
  return *device.group < 0 ? "-" : std::to_string(*device.group);
}

std::string no_such_device(const Host& host, const std::string& text) {
  std::vector<std::string> names;
  // as it was typed: with the domain or without, with the function or without
  bool domain = std::count(text.begin(), text.end(), ':') > 1, function = text.find('.') != std::string::npos;
  for (const auto& [address, device] : host.devices) {
    std::string name = function ? address.str() : address.slot();
    names.push_back(!domain && name.substr(0, 5) == "0000:" ? name.substr(5) : name);
  }
  std::vector<std::string_view> views(names.begin(), names.end());
  std::string message = "this host has no PCI device `" + text + "`";
  if (auto near = closest(text, views)) message += "; did you mean `" + std::string(*near) + "`?";
  return message;
}

}  // namespace hostpci
