// The conversation with a QEMU that was started to be looked at, and what it means.
#include "live/qemu.hpp"

#include <sys/wait.h>

#include <boost/json.hpp>
#include <cerrno>

#include "live/qemu_monitor.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// What QEMU's object model says of a property: numbers in decimal, flags as on and off. Empty: it has no such
/// property.
std::string shown(const json::value& value) {
  if (value.is_string()) return std::string(value.as_string().c_str());
  if (value.is_bool()) return value.as_bool() ? "on" : "off";
  if (value.is_int64()) return std::to_string(value.as_int64());
  return value.is_uint64() ? std::to_string(value.as_uint64()) : std::string();
}

std::optional<std::uint64_t> hexadecimal(std::string_view text) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  return number(text, 16);
}

/// Slot and function of "0x10", "0x0.1" or "1c.0" in one number, as PCI has them.
std::optional<std::uint64_t> place(std::string_view text) {
  std::size_t dot = text.find('.');
  auto slot = hexadecimal(text.substr(0, dot)), function = dot == text.npos ? 0 : hexadecimal(text.substr(dot + 1));
  if (!slot || !function) return {};
  return *slot * 8 + *function;
}

bool is_flag(std::string_view text, bool on) { return text == (on ? "on" : "off") || text == (on ? "1" : "0"); }

/// The wish and what was found mean the same.
bool same(const std::string& name, const std::string& wished, const std::string& found) {
  if (wished == found) return true;
  if (name == "addr") return place(wished) && std::to_string(*place(wished)) == found;
  auto value = wished.starts_with("0x") ? hexadecimal(wished) : number(wished);
  if (value && std::to_string(*value) == found) return true;
  return (is_flag(wished, true) && is_flag(found, true)) || (is_flag(wished, false) && is_flag(found, false));
}

std::string object_path(const QemuDevice& device) { return "/machine/peripheral/" + device.id; }

/// "/machine/peripheral/ich9-pcie-port-1/ich9-pcie-port-1" -> "ich9-pcie-port-1"
std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// A property that this QEMU does not have is left empty; that the device is not there is a failure.
Status ask_for(QemuMonitor& monitor, QemuDevice& device) {
  for (QemuProperty& property : device.properties) {
    bool bus = property.name == "bus";
    auto value =
        monitor.ask("qom-get", {{"path", object_path(device)}, {"property", bus ? "parent_bus" : property.name}});
    if (!value && value.error().code != EBADMSG) return value.error();
    if (!value) continue;
    std::string found = bus ? last_part(shown(*value)) : shown(*value);
    property.found = same(property.name, property.wished, found) ? property.wished : found;
  }
  auto type = monitor.ask("qom-get", {{"path", object_path(device)}, {"property", "type"}});
  return type ? Status(Done{}) : Status(type.error());
}

Status talk(QemuMonitor& monitor, QemuReport& report) {
  Result<std::string> version = monitor.greet();
  if (!version) return version.error();
  report.version = *version;
  auto state = monitor.ask("query-status");
  if (!state) return state.error();
  if (const json::object* status = state->if_object(); status && status->contains("status"))
    report.state = shown(status->at("status"));
  for (QemuDevice& device : report.devices)
    if (Status asked = ask_for(monitor, device); !asked) return asked;
  (void)monitor.ask("quit");
  return Done{};
}

std::string end_text(int status) {
  if (WIFSIGNALED(status)) return "QEMU was ended by signal " + std::to_string(WTERMSIG(status));
  return "QEMU ended with status " + std::to_string(WEXITSTATUS(status));
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n'))
    if (!trim(line).empty()) lines.emplace_back(trim(line));
  return lines;
}

}  // namespace

QemuReport try_qemu(const QemuTrial& trial) {
  QemuReport report;
  report.devices = trial.devices;
  Result<std::unique_ptr<QemuProcess>> process = QemuProcess::start(trial.program, trial.arguments);
  if (!process) {
    report.failure = process.error().message;
    return report;
  }
  Deadline deadline(trial.milliseconds);
  QemuMonitor monitor(**process, deadline);
  Status talked = talk(monitor, report);
  bool closed = !talked && talked.error().code == ECONNRESET;
  const std::string pid = std::to_string((*process)->pid());
  std::optional<int> status = (*process)->end(talked || closed ? deadline : Deadline(0));
  if (!status)
    report.failure = "QEMU (process " + pid + ") was killed, and the kernel has not ended it yet: a device may keep it";
  else if (closed)
    report.failure = end_text(*status);
  else if (!talked)
    report.failure = talked.error().message +
                     (talked.error().code == ETIMEDOUT
                          ? " within " + count(std::size_t(trial.milliseconds / 1000), "second") + ": it was killed"
                          : "");
  report.said = lines_of((*process)->said());
  return report;
}

}  // namespace hostpci
