// Facts written out as text, and texts as digests.
#include "plan/evidence.hpp"

#include <algorithm>

#include "text/digest.hpp"

namespace hostpci {
namespace {

/// Whose absence decides as well.
constexpr const char* deciding[] = {"/etc/default/grub",
                                    "/etc/kernel/cmdline",
                                    "/etc/kernel/proxmox-boot-uuids",
                                    "/etc/modules",
                                    "/etc/initramfs-tools/modules",
                                    "/etc/pve/mapping/pci.cfg",
                                    "/etc/pve/ha/resources.cfg"};

/// Configuration, kept as it is; what lies in /boot, /sys and /run is made by programs, or kept in part only. A path
/// that ends in a slash is a list of names.
bool is_configuration(const std::string& path) {
  if (path.ends_with('/')) return false;
  for (const char* place :
       {"/etc/", "/boot/loader/entries/", "/usr/", "/lib/", "/run/modprobe.d/", "/run/modules-load.d/"})
    if (path.starts_with(place)) return true;
  return false;
}

template <class T>
std::string text(const Fact<T>& fact) {
  if (!fact) return "?";
  if constexpr (std::is_same_v<T, std::string>)
    return *fact;
  else if constexpr (std::is_same_v<T, PciId>)
    return fact->str();
  else
    return std::to_string(*fact);
}

std::string text(const Fact<std::vector<std::string>>& fact) {
  if (!fact) return "?";
  std::string all;
  for (const std::string& item : *fact) all += item + ",";
  return all;
}

std::string device_text(const Device& d) {
  std::string line = d.address.str();
  for (const std::string& part :
       {text(d.class_code), text(d.id), text(d.subsystem), text(d.group), text(d.driver), text(d.boot_vga),
        text(d.sriov_totalvfs), text(d.sriov_numvfs), d.physfn ? d.physfn->str() : std::string()})
    line += "\t" + part;
  if (!d.uses) return line + "\t?\n";
  for (const Use& use : *d.uses)
    line += "\t" + std::string(name(use.kind)) + " " + use.name + " " + use.detail + (use.critical ? " !" : "");
  return line + "\n";
}

std::string devices_text(const Host& host) {
  std::string all;
  for (const auto& [address, device] : host.devices) all += device_text(device);
  return all;
}

std::string kernel_text(const Kernel& k) {
  std::string all;
  for (const std::string& part :
       {text(k.release), text(k.command_line), text(k.cpu_vendor), text(k.iommus), text(k.interrupt_remapping),
        text(k.efi), text(k.secure_boot), text(k.bootfb), text(k.dmar_table)})
    all += part + "\n";
  return all;
}

std::string running_text(const Host& host, const std::vector<std::uint32_t>& wanted) {
  std::string all;
  if (!host.running) return all;  // planned as if none ran
  for (std::uint32_t vmid : wanted)
    if (std::any_of(host.running->begin(), host.running->end(), [&](const RunningVm& r) { return r.vmid == vmid; }))
      all += std::to_string(vmid) + "\n";
  return all;
}

}  // namespace

std::map<std::string, std::string> evidence(const PlanInputs& inputs, const std::vector<std::uint32_t>& wanted) {
  auto place = [&](const std::string& path) { return inputs.resolve ? inputs.resolve(path) : path; };
  std::map<std::string, std::string> read;
  for (const auto& [path, bytes] : inputs.host.files)
    if (is_configuration(path)) read[place(path)] = sha256_hex(bytes);
  for (const Vm& vm : inputs.vms) read[place(vm.source->path)] = sha256_hex(vm.source->text);
  for (const char* path : deciding)
    if (!inputs.host.files.count(path) && !inputs.host.unreadable.count(path)) read.emplace(place(path), "");
  read["devices"] = sha256_hex(devices_text(inputs.host));
  read["kernel"] = sha256_hex(kernel_text(inputs.host.kernel));
  read["running"] = sha256_hex(running_text(inputs.host, wanted));
  return read;
}

std::vector<std::string> changed_evidence(const std::map<std::string, std::string>& then,
                                          const std::map<std::string, std::string>& now) {
  std::vector<std::string> changed;
  for (const auto& [what, digest] : then)
    if (auto found = now.find(what); (found == now.end() ? std::string() : found->second) != digest)
      changed.push_back(what);
  for (const auto& [what, digest] : now)
    if (!then.count(what) && !digest.empty()) changed.push_back(what);
  std::sort(changed.begin(), changed.end());
  return changed;
}

}  // namespace hostpci
