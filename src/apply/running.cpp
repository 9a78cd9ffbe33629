// The process of a VM: its number in PVE's file, its command line in /proc.
#include "apply/running.hpp"

#include <algorithm>
#include <string>

#include "text/words.hpp"

namespace hostpci {
namespace {

/// ".../kvm" or ".../qemu-system-x86_64"
bool is_qemu(std::string_view program) {
  std::string_view name = program.substr(program.rfind('/') + 1);
  return name.ends_with("kvm") || name.starts_with("qemu-");
}

/// The argument after `-pidfile`.
std::string_view pid_file_of(const std::vector<std::string_view>& arguments) {
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "-pidfile" || arguments[i] == "--pidfile") return arguments[i + 1];
  return {};
}

}  // namespace

bool is_running(const FileSystem& system, std::uint32_t vmid) {
  if (vmid == 0) return false;
  std::string pid_file = "/var/run/qemu-server/" + std::to_string(vmid) + ".pid";
  auto text = system.read(pid_file);
  if (!text) text = system.read(pid_file.substr(4));
  if (!text) return false;
  auto pid = number(trim(*text));
  if (!pid || *pid == 0) return false;
  auto line = system.read("/proc/" + std::to_string(*pid) + "/cmdline");
  if (!line) return false;
  auto arguments = split(*line, '\0');
  if (arguments.empty() || !is_qemu(arguments[0])) return false;
  std::string_view named = pid_file_of(arguments);
  return named == pid_file || named == std::string_view(pid_file).substr(4);
}

}  // namespace hostpci
