// What a configuration of VMs may name beside PCI devices: USB devices with their controllers, links to disks, nodes.
#include <algorithm>
#include <cerrno>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

Fact<PciId> read_usb_id(const FileSystem& system, const std::string& directory) {
  auto vendor = system.read(directory + "/idVendor");
  auto product = vendor ? system.read(directory + "/idProduct") : vendor;
  if (!vendor || !product) return {};
  auto v = attribute_number(trim(*vendor), 16), p = attribute_number(trim(*product), 16);
  return v && p ? Fact<PciId>(PciId{std::uint16_t(*v), std::uint16_t(*p)}) : Fact<PciId>();
}

}  // namespace

void scan_usb(const FileSystem& system, Host& host) {
  const std::string directory = "/sys/bus/usb/devices";
  auto names = system.list(directory);
  if (!names && names.error().code == ENOENT && system.list("/sys/bus")) host.usb.emplace();
  if (!names) return;
  host.usb.emplace();
  for (const std::string& name : *names) {
    if (name.find(':') != name.npos) continue;  // an interface of a device
    auto target = system.read_link(directory + '/' + name);
    auto controller = target ? last_address(*target) : std::nullopt;
    if (controller) host.usb->emplace(name, UsbDevice{*controller, read_usb_id(system, directory + '/' + name)});
  }
}

void scan_nodes(const FileSystem& system, Host& host) {
  auto text = system.read("/etc/pve/corosync.conf");
  if (!text && text.error().code == ENOENT) host.nodes.emplace();
  if (!text) return;
  host.nodes.emplace();
  bool node = false;
  for (std::string_view line : split(*text, '\n')) {
    auto parts = words(line);
    if (parts.empty()) continue;
    if (parts.back() == "{") node = parts[0] == "node";
    if (parts[0] == "}") node = false;
    if (node && parts[0] == "name:" && parts.size() > 1) host.nodes->emplace_back(parts[1]);
  }
  std::sort(host.nodes->begin(), host.nodes->end());
}

void read_links(const FileSystem& system, const std::set<std::string>& paths, Host& host) {
  for (const std::string& path : paths)
    if (auto target = system.canonical(path); target && *target != path && system.stat(path))
      host.links[path] = base_name(*target);
}

}  // namespace hostpci
