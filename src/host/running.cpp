// Running virtual machines: PVE's pid files held against the processes they name.
#include <cerrno>

#include "host/parts.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

std::vector<std::string> split_arguments(std::string_view bytes) {
  if (!bytes.empty() && bytes.back() == '\0') bytes.remove_suffix(1);
  auto parts = split(bytes, '\0');
  return {parts.begin(), parts.end()};
}

bool is_emulator(std::string_view program) {
  std::string_view base = base_name(program);
  return base == "kvm" || base.substr(0, 5) == "qemu-" || base.substr(0, 4) == "qemu";
}

/// /var/run and /run are one directory.
std::string_view without_var(std::string_view path) { return path.substr(0, 9) == "/var/run/" ? path.substr(4) : path; }

/// PVE's own test (QemuServer/Helpers.pm vm_running_locally): the process is an emulator that was given this pid file.
bool belongs(const std::vector<std::string>& arguments, const std::string& pid_file) {
  if (arguments.empty() || !is_emulator(arguments[0])) return false;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if ((arguments[i] == "-pidfile" || arguments[i] == "--pidfile") && without_var(arguments[i + 1]) == pid_file)
      return true;
  return false;
}

/// A file that is there and cannot be read makes `known` false; one that is gone is a VM that has just stopped.
Fact<std::string> read_or_gone(const FileSystem& system, const std::string& path, bool& known) {
  auto bytes = system.read(path);
  if (bytes) return std::move(*bytes);
  // ESRCH: the process ended between open and read
  if (bytes.error().code != ENOENT && bytes.error().code != ESRCH) known = false;
  return {};
}

std::optional<RunningVm> read_running(const FileSystem& system, const std::string& pid_file, bool& known) {
  std::string_view name = base_name(pid_file);
  auto vmid = number(name.substr(0, name.size() - 4));
  if (!vmid || *vmid > 0xffffffff) return {};
  auto text = read_or_gone(system, pid_file, known);
  auto pid = text ? number(trim(*text)) : std::nullopt;
  if (!pid || *pid > 0xffffffff) return {};
  auto command = read_or_gone(system, "/proc/" + std::to_string(*pid) + "/cmdline", known);
  auto arguments = command ? split_arguments(*command) : std::vector<std::string>();
  if (!belongs(arguments, pid_file)) return {};
  return RunningVm{std::uint32_t(*vmid), std::uint32_t(*pid), std::move(arguments)};
}

}  // namespace

void scan_running(const FileSystem& system, Host& host) {
  const std::string directory = "/run/qemu-server";
  auto names = system.list(directory);
  if (!names) {
    // made by the first start after boot: none, if /run itself can be read
    if (names.error().code == ENOENT && system.list("/run")) host.running.emplace();
    return;
  }
  bool known = true;
  std::vector<RunningVm> running;
  for (const std::string& name : *names)
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".pid") == 0)
      if (auto vm = read_running(system, directory + '/' + name, known)) running.push_back(std::move(*vm));
  if (known) host.running = std::move(running);
}

}  // namespace hostpci
