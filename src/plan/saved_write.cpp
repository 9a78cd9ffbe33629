// The document of a plan: fields in a fixed order, so that the same plan gives the same bytes.
#include <boost/json.hpp>

#include "plan/saved_json.hpp"
#include "text/base64.hpp"
#include "text/digest.hpp"
#include "text/escape.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// A string, or {"base64": …} for bytes that are no UTF-8.
json::value bytes_value(const std::string& bytes) {
  if (utf8(bytes) == bytes) return json::value(bytes);
  return json::object{{"base64", base64(bytes)}};
}

json::value content_value(const std::optional<std::string>& bytes) {
  return bytes ? bytes_value(*bytes) : json::value(nullptr);
}

json::array strings(const std::vector<std::string>& list) {
  json::array array;
  for (const std::string& item : list) array.push_back(bytes_value(item));
  return array;
}

json::array commands(const std::vector<PlannedCommand>& list) {
  json::array array;
  for (const PlannedCommand& c : list)
    array.push_back(json::object{{"words", strings(c.words)}, {"reason", bytes_value(c.reason)}});
  return array;
}

json::array files(const std::vector<FileChange>& list) {
  json::array array;
  for (const FileChange& f : list)
    array.push_back(json::object{{"path", bytes_value(f.path)},
                                 {"before", content_value(f.before)},
                                 {"after", content_value(f.after)},
                                 {"mode", f.mode},
                                 {"reasons", strings(f.reasons)}});
  return array;
}

json::array losses(const std::vector<Loss>& list) {
  json::array array;
  for (const Loss& l : list)
    array.push_back(
        json::object{{"device", bytes_value(l.device)}, {"what", bytes_value(l.what)}, {"critical", l.critical}});
  return array;
}

json::array obstacles(const std::vector<Obstacle>& list) {
  json::array array;
  for (const Obstacle& o : list)
    array.push_back(json::object{{"file", bytes_value(o.file)}, {"line", o.line}, {"message", bytes_value(o.message)}});
  return array;
}

/// Pairs, because a path need not be UTF-8.
json::array evidence(const std::map<std::string, std::string>& read) {
  json::array array;
  for (const auto& [what, digest] : read)
    array.push_back(json::object{{"what", bytes_value(what)}, {"sha256", digest}});
  return array;
}

}  // namespace

boost::json::object plan_object(const SavedPlan& saved) {
  const Plan& plan = saved.plan;
  json::array vms;
  for (std::uint32_t vmid : plan.vms) vms.emplace_back(vmid);
  json::value machine = saved.origin.machine ? json::value(*saved.origin.machine) : json::value(nullptr);
  return {{"version", plan_format},
          {"kind", plan_kind},
          {"program", bytes_value(saved.origin.program)},
          {"node", bytes_value(saved.origin.node)},
          {"machine", std::move(machine)},
          {"vms", std::move(vms)},
          {"files", files(plan.files)},
          {"byHand", commands(plan.by_hand)},
          {"refresh", commands(plan.refresh)},
          {"undo", commands(plan.undo)},
          {"reboot", strings(plan.reboot)},
          {"losses", losses(plan.losses)},
          {"obstacles", obstacles(plan.obstacles)},
          {"notes", strings(plan.notes)},
          {"read", evidence(plan.read)}};
}

std::string plan_digest(const SavedPlan& saved) { return sha256_hex(json::serialize(plan_object(saved))); }

std::string write_plan(const SavedPlan& saved) {
  json::object all = plan_object(saved);
  all["digest"] = plan_digest(saved);
  return terminal_safe_json(json::serialize(all)) + "\n";
}

}  // namespace hostpci
