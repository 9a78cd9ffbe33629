// Questions to QEMU's monitor and their answers.
#include "live/qemu_monitor.hpp"

#include <boost/json.hpp>
#include <cerrno>

#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string text_of(const json::value* value) {
  return value && value->is_string() ? std::string(value->as_string().c_str()) : std::string();
}

/// {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 22}}}}
std::string version_of(const json::object& greeting) {
  std::vector<std::string> parts;
  json::error_code unknown;
  json::value all = greeting;
  for (const char* part : {"major", "minor", "micro"}) {
    const json::value* value = all.find_pointer(std::string("/QMP/version/qemu/") + part, unknown);
    if (value && value->is_int64()) parts.push_back(std::to_string(value->as_int64()));
  }
  return join(parts, ".");
}

}  // namespace

Result<json::object> QemuMonitor::next() {
  for (;;) {
    Result<std::string> line = process_.line(deadline_);
    if (!line) return line.error();
    json::error_code wrong;
    json::value value = json::parse(*line, wrong);
    if (!wrong && value.is_object()) return std::move(value.as_object());
  }
}

Result<std::string> QemuMonitor::greet() {
  for (;;) {
    Result<json::object> said = next();
    if (!said) return said.error();
    if (!said->contains("QMP")) continue;
    std::string version = version_of(*said);
    Result<json::value> ready = ask("qmp_capabilities");
    if (!ready) return ready.error();
    return version;
  }
}

Result<json::value> QemuMonitor::ask(std::string_view command, json::object arguments) {
  json::object question{{"execute", command}, {"id", ++asked_}};
  if (!arguments.empty()) question["arguments"] = std::move(arguments);
  if (Status sent = process_.send(json::serialize(question) + "\n"); !sent) return sent.error();
  for (;;) {
    Result<json::object> said = next();
    if (!said) return said.error();
    const json::value* id = said->if_contains("id");
    if (!id || *id != asked_) continue;
    if (const json::value* value = said->if_contains("return")) return *value;
    const json::value* error = said->if_contains("error");
    std::string reason = error && error->is_object() ? text_of(error->as_object().if_contains("desc")) : "";
    return Failure{"QEMU refuses `" + std::string(command) + "`: " + reason, EBADMSG};
  }
}

}  // namespace hostpci
