// `reset`: functions through the kernel's own reset, each named.
#include <boost/json.hpp>
#include <cerrno>

#include "cli/live.hpp"
#include "cli/log.hpp"
#include "cli/run.hpp"
#include "rules/device.hpp"
#include "rules/rule.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

KernelWrite reset_write(const Device& device) { return {device_path(device.address, "reset"), "1"}; }

Outlook outlook_of(LiveSession& session, const std::vector<const Device*>& devices) {
  Outlook all;
  for (const Device* device : devices) {
    for (Diagnostic& found : live_objections(session, *device, Act::reset)) all.objections.push_back(std::move(found));
    all.state.push_back(device->address.str() + ": " + driver_text(*device));
  }
  return all;
}

/// "reset by flr"; the kernel takes the first of several that works.
std::string outcome(const Device& device) {
  std::vector<std::string_view> methods = device.reset_method ? words(*device.reset_method) : std::vector<std::string_view>();
  if (methods.empty()) return "reset";
  std::string text = "reset by " + printable(methods.front());
  if (methods.size() == 1) return text;
  text += " (or where that does not work:";
  for (std::size_t i = 1; i < methods.size(); ++i) text += " " + printable(methods[i]);
  return text + ")";
}

void tell_json(const std::vector<const Device*>& devices, bool dry, Output& out) {
  json::array list;
  for (const Device* device : devices)
    list.push_back({{"address", device->address.str()},
                    {"driver", device->driver ? json::value(utf8(*device->driver)) : json::value(nullptr)},
                    {"resetMethod", device->reset_method ? json::value(utf8(*device->reset_method)) : json::value(nullptr)}});
  out << terminal_safe_json(json::serialize(json::object{{"version", 1}, {"dryRun", dry}, {"devices", std::move(list)}})) << "\n";
}

std::string explained(const Device& device, const Failure& failure, int milliseconds) {
  std::string named = "`" + device.address.str() + "`";
  std::string time = count(std::size_t(time_of(reset_write(device), milliseconds)) / 1000, "second");
  if (failure.code == EINPROGRESS) return named + ": the kernel is still at its reset after " + time;
  return named + " was not reset: " + failure.message;
}

/// Those before it were reset, or this one may be yet: then something was changed.
int fail(const Device& device, const Failure& failure, const std::string& before, int milliseconds) {
  log_error(explained(device, failure, milliseconds));
  if (!before.empty()) log_error("reset before it:" + before);
  return before.empty() && failure.code != EINPROGRESS ? refused : findings;
}

int reset_all(LiveSession& session, const std::vector<const Device*>& devices, bool tell, Output& out) {
  std::string before;
  for (const Device* device : devices) {
    if (Status reset = session.carry_out({reset_write(*device)}, out); !reset)
      return fail(*device, reset.error(), before, session.milliseconds());
    before += " `" + device->address.str() + "`";
    if (tell) out << device->address.str() << ": " << outcome(*device) << "\n";
  }
  return done;
}

}  // namespace

int run_reset(Invocation& invocation) {
  int status = done;
  HostParts parts = device_parts;
  parts.state = true;
  auto session = LiveSession::open_near(invocation, status, parts);
  if (!session) return status;
  std::optional<std::vector<const Device*>> devices;
  auto look = [&](int& wrong) -> std::optional<Outlook> {
    devices = session->devices(invocation.arguments, wrong);
    return devices ? std::optional(outlook_of(*session, *devices)) : std::nullopt;
  };
  if (auto answer = settle(invocation, *session, look, "Reset what the host uses?")) return *answer;
  if (invocation.json() && session->dry()) return tell_json(*devices, true, *invocation.out), done;
  status = reset_all(*session, *devices, !session->dry() && !invocation.json(), *invocation.out);
  if (invocation.json() && status == done) tell_json(*devices, false, *invocation.out);
  return status;
}

}  // namespace hostpci
