// Reading the host: calls the parts that are wanted.
#include "host/scan.hpp"

#include "host/parts.hpp"
#include "host/pci_names.hpp"
#include "text/words.hpp"

namespace hostpci {

Fact<std::string> read_text(const FileSystem& system, const std::string& path) {
  auto bytes = system.read(path);
  return bytes ? Fact<std::string>(std::move(*bytes)) : Fact<std::string>();
}

std::string read_node_name(const FileSystem& system) {
  if (auto local = system.read_link("/etc/pve/local")) return std::string(base_name(*local));
  auto text = read_text(system, "/etc/hostname");
  if (!text) return "";
  std::string_view name = trim(*text);
  return std::string(name.substr(0, name.find('.')));
}

Host scan_host(const FileSystem& system, const HostParts& parts) {
  Host host;
  host.node = read_node_name(system);
  scan_devices(system, parts, host);
  if (parts.uses) scan_uses(system, host);
  if (parts.uses) scan_usb(system, host);
  if (parts.kernel) {
    scan_kernel(system, host);
    scan_kernel_log(system, host.kernel);
    scan_kernel_limits(system, host.kernel);
  }
  if (parts.files) scan_nodes(system, host);
  if (parts.files) scan_files(system, host);
  if (parts.files) scan_boot_evidence(system, host);
  if (parts.files || parts.kernel) scan_packages(system, host);
  if (parts.running) scan_running(system, host);
  if (parts.running) scan_mdevs(system, host);
  if (parts.capabilities) read_capabilities(system, host);
  return host;
}

}  // namespace hostpci
