// `groups`: IOMMU groups with their members and a verdict.
#include "host/groups.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "cli/device_view.hpp"
#include "cli/log.hpp"
#include "text/escape.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

std::string addresses(const std::vector<const Device*>& devices) {
  std::vector<std::string> names;
  for (const Device* device : devices) names.push_back(device->address.str());
  return join(names, ", ");
}

std::string viability(const GroupVerdict& verdict) {
  auto viable = verdict.viable();
  if (!viable) return "viable or not is unknown: the driver of " + addresses(verdict.unknown) + " could not be read";
  if (*viable) return "viable now";
  std::vector<std::string> parts;
  for (const Device* device : verdict.blockers) parts.push_back(device->address.str() + " is on " + *device->driver);
  return "not viable now: " + join(parts, ", ");
}

std::string verdict_words(const GroupVerdict& verdict) {
  if (verdict.kind == GroupKind::bridges) return "bridges only, nothing to pass through";
  std::string kind = verdict.kind == GroupKind::isolated ? "isolated" : "shared by " + addresses(verdict.endpoints);
  return kind + ", " + viability(verdict);
}

void print_group(const DeviceView& view, int group, Output& out) {
  const Host& host = view.host();
  auto type = host.group_types.find(group);
  out << "group " << std::to_string(group)
      << (type == host.group_types.end() ? "" : " (" + printable(type->second) + ')') << ": "
      << printable(verdict_words(group_verdict(host, group))) << "\n";
  for (const Device* device : host.group(group)) {
    std::string used = view.used_by(*device);
    std::string line = device->address.str() + ' ' + view.names().class_name(*device) + ": " +
                       view.names().device(*device) + " [" + DeviceView::driver(*device) + ']' +
                       (used.empty() ? "" : ' ' + used);
    out << "  " << printable(line) << "\n";
  }
}

json::object group_json(const Host& host, int group) {
  GroupVerdict verdict = group_verdict(host, group);
  json::array devices, blockers;
  for (const Device* device : host.group(group)) devices.emplace_back(device->address.str());
  for (const Device* device : verdict.blockers)
    blockers.push_back({{"address", device->address.str()}, {"driver", utf8(*device->driver)}});
  auto type = host.group_types.find(group);
  auto viable = verdict.viable();
  return {{"group", group},
          {"type", type == host.group_types.end() ? json::value(nullptr) : json::value(utf8(type->second))},
          {"devices", std::move(devices)},
          {"verdict", name(verdict.kind)},
          {"viable", viable ? json::value(*viable) : json::value(nullptr)},
          {"blockers", std::move(blockers)}};
}

/// Asked for by number; all if none is.
std::optional<std::vector<int>> wanted_groups(const Host& host, const std::vector<std::string>& arguments,
                                              int& status) {
  std::vector<int> all = host.group_ids(), wanted;
  if (arguments.empty()) return all;
  for (const std::string& text : arguments) {
    auto id = number(text);
    if (!id) {
      log_error("`" + text + "` is no group number");
      return {};
    }
    if (std::find(all.begin(), all.end(), int(*id)) != all.end() && *id <= 0x7fffffff) {
      wanted.push_back(int(*id));
      continue;
    }
    log_error("no PCI device of this host is in an IOMMU group `" + text + "`" +
              (all.empty() ? "" : "; the last one is " + std::to_string(all.back())));
    status = findings;
  }
  return wanted;
}

}  // namespace

int run_groups(Invocation& invocation) {
  auto view = DeviceView::open(invocation.globals);
  if (!view) {
    log_error(view.error().message);
    return refused;
  }
  const Host& host = (*view)->host();
  Output& out = *invocation.out;
  int status = done;
  auto groups = wanted_groups(host, invocation.arguments, status);
  if (!groups) return usage;
  if (invocation.json()) {
    json::array list;
    for (int group : *groups) list.push_back(group_json(host, group));
    out << json::serialize(json::object{{"version", 1}, {"node", utf8(host.node)}, {"groups", std::move(list)}})
        << "\n";
    return status;
  }
  if (invocation.arguments.empty() && groups->empty())
    out << (host.groups_known ? "no IOMMU groups: the IOMMU is absent or off; see `hostpci explain host-iommu-absent`\n"
                              : "IOMMU groups are unknown: `/sys/kernel/iommu_groups` could not be read\n");
  for (int group : *groups) print_group(**view, group, out);
  return status;
}

}  // namespace hostpci
