// Who has the VFIO device of a mediated device open: the links below /proc/PID/fd say.
#include <algorithm>
#include <map>

#include "live/mediated.hpp"
#include "live/objections.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

/// By node of /dev: the directory below /sys of the device behind it.
using Nodes = std::map<std::string, std::string>;

/// The node of its group, and since Linux 6.6 its own.
void add_nodes(const FileSystem& system, const std::string& directory, Nodes& nodes) {
  if (auto group = system.read_link(directory + "/iommu_group"))
    nodes["/dev/vfio/" + group->substr(group->rfind('/') + 1)] = directory;
  if (auto names = system.list(directory + "/vfio-dev"))
    for (const std::string& name : *names) nodes["/dev/vfio/devices/" + name] = directory;
}

std::string process_name(const FileSystem& system, const std::string& pid) {
  auto name = system.read("/proc/" + pid + "/comm");
  return name ? " (`" + std::string(trim(*name)) + "`)" : "";
}

void object_to_process(const FileSystem& system, const std::string& pid, Nodes& nodes, Sink& out) {
  std::string directory = "/proc/" + pid + "/fd";
  auto files = system.list(directory);
  if (!files) return;
  for (const std::string& file : *files) {
    auto node = system.read_link(directory + "/" + file);
    auto held = node ? nodes.find(*node) : nodes.end();
    if (held == nodes.end()) continue;
    Diagnostic d;
    d.rule = "conflict-in-use";
    d.message = "process " + pid + process_name(system, pid) + " has `" + held->first + "` open";
    d.place = Place(held->second);
    d.labels.push_back({Place(directory + "/" + file), "leads there"});
    d.help.push_back("stop the process first");
    out.add(std::move(d));
    nodes.erase(held);  // one is enough
  }
}

}  // namespace

void object_to_open_files(const FileSystem& system, MediatedAct& act) {
  Nodes nodes;
  for (const std::string& directory : act.given_up) add_nodes(system, directory, nodes);
  auto processes = nodes.empty() ? Result<std::vector<std::string>>(std::vector<std::string>()) : system.list("/proc");
  if (!processes) return;
  Sink found;
  for (const std::string& pid : *processes)
    if (number(pid)) object_to_process(system, pid, nodes, found);
  join(act, {std::move(found.diagnostics), {}, {}});
}

}  // namespace hostpci
