// `mapping`: the cluster's resource mappings against this host, with Proxmox VE's own verdict on each entry.
#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "cli/log.hpp"
#include "cli/mapping_change.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "host/pci_names.hpp"
#include "rules/refusals.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

enum class Mark : std::uint8_t { sound, refused, elsewhere, unknown };

std::string_view name(Mark mark) {
  constexpr std::string_view names[] = {"ok", "FAIL", "other node", "not judged"};
  return names[std::size_t(mark)];
}

/// One `map` line and what is said of it.
struct JudgedEntry {
  const Mapping* mapping = nullptr;
  const MappingEntry* entry = nullptr;
  Mark mark = Mark::unknown;
  std::vector<Refusal> problems;
};

/// What the command looks at.
class MappingView {
 public:
  static Result<std::unique_ptr<MappingView>> open(const Globals& globals) {
    auto world = World::open(globals);
    if (!world) return world.error();
    HostParts parts;
    parts.uses = parts.kernel = parts.capabilities = parts.running = false;
    auto host = (*world)->host(parts);
    if (!host) return host.error();
    auto view = std::make_unique<MappingView>();
    view->host_ = *host;
    view->mappings_ = &(*world)->mappings(**host);
    view->names_ = std::make_unique<PciNames>((*world)->system());
    view->world_ = std::move(*world);
    return view;
  }

  const Host& host() const { return *host_; }
  const Mappings& mappings() const { return *mappings_; }

  std::vector<JudgedEntry> judge(const Mapping& mapping) const {
    std::vector<JudgedEntry> judged;
    for (const MappingEntry& entry : mapping.entries) judged.push_back(judge(mapping, entry));
    return judged;
  }

  /// The first function that the entry names on this host.
  const Device* device(const MappingEntry& entry) const {
    if (host_->node.empty() || entry.node != host_->node) return nullptr;
    for (std::string_view path : entry.paths)
      if (auto functions = matching_functions(*host_, path); !functions.empty()) return host_->find(functions.front());
    return nullptr;
  }

  std::string device_text(const MappingEntry& entry) const {
    const Device* first = device(entry);
    if (!first) return "-";
    std::size_t functions = 0;
    for (std::string_view path : entry.paths) functions += matching_functions(*host_, path).size();
    return names_->device(*first) + (functions > 1 ? " (" + count(functions, "function") + ")" : "");
  }

  std::string device_name(const Device& device) const { return names_->device(device); }

 private:
  JudgedEntry judge(const Mapping& mapping, const MappingEntry& entry) const {
    JudgedEntry judged{&mapping, &entry, Mark::elsewhere, {}};
    if (!host_->node.empty() && entry.node != host_->node) return judged;
    judged.mark = Mark::unknown;
    if (host_->node.empty() || host_->devices.empty()) return judged;
    ResolvedLine line;
    check_mapping_entry(line, mapping, entry, *host_);
    judged.problems = std::move(line.refusals);
    judged.mark = judged.problems.empty() ? Mark::sound : Mark::refused;
    return judged;
  }

  std::unique_ptr<World> world_;
  const Host* host_ = nullptr;
  const Mappings* mappings_ = nullptr;
  std::unique_ptr<PciNames> names_;
};

std::string flags_of(const Mapping& mapping) {
  std::vector<std::string> flags;
  if (mapping.mdev) flags.push_back("mdev");
  if (mapping.live_migration) flags.push_back("live migration");
  return flags.empty() ? "-" : join(flags, ", ");
}

std::string expected_text(const JudgedEntry& judged) {
  const MappingEntry& e = *judged.entry;
  std::vector<std::string> parts{"id " + std::string(e.id)};
  if (!e.subsystem_id.empty()) parts.push_back("subsystem " + std::string(e.subsystem_id));
  if (!e.iommugroup.empty()) parts.push_back("group " + std::string(e.iommugroup));
  return join(parts, ", ");
}

void print_list(const MappingView& view, const std::vector<JudgedEntry>& entries, Output& out) {
  Table table({"ID", "NODE", "PATH", "EXPECTED", "FLAGS", "DEVICE HERE", "CHECK"});
  for (const JudgedEntry& j : entries)
    table.row({std::string(j.mapping->id), std::string(j.entry->node), std::string(j.entry->path), expected_text(j),
               flags_of(*j.mapping), view.device_text(*j.entry), std::string(name(j.mark))});
  out << table.str();
}

void print_check(const std::vector<JudgedEntry>& entries, Output& out) {
  Table table({"CHECK", "ID", "NODE", "PATH", "PROBLEM"});
  for (const JudgedEntry& j : entries) {
    std::vector<std::string> row{std::string(name(j.mark)), std::string(j.mapping->id), std::string(j.entry->node),
                                 std::string(j.entry->path)};
    std::vector<std::string> bare = row;
    bare.push_back(j.mark == Mark::elsewhere ? "judged on its own node"
                   : j.mark == Mark::unknown ? "the node's name or its devices are not known"
                                             : "-");
    if (j.problems.empty()) table.row(std::move(bare));
    for (const Refusal& problem : j.problems) {
      row.resize(4);
      row.push_back(problem.message + " [" + problem.rule + "]");
      table.row(row);
    }
  }
  out << table.str();
}

/// Sections and lines that Proxmox VE does not take as they are meant.
void print_faults(const Mappings& mappings, Output& out) {
  for (const Diagnostic& d : mappings.findings) {
    std::uint32_t line = d.place.source ? d.place.source->position(d.place.span.begin).line : 0;
    out << printable(d.place.file() + ":" + std::to_string(line) + ": " + d.message) << "\n";
  }
}

json::object entry_json(const MappingView& view, const JudgedEntry& j) {
  json::array problems;
  for (const Refusal& p : j.problems)
    problems.push_back(
        {{"rule", p.rule}, {"message", utf8(p.message)}, {"path", utf8(p.path)}, {"expected", utf8(p.expected)}});
  constexpr std::string_view words[] = {"ok", "failed", "other-node", "not-judged"};
  const Device* device = view.device(*j.entry);
  json::value here = nullptr;
  if (device) here = json::object{{"address", device->address.str()}, {"name", utf8(view.device_name(*device))}};
  return {{"node", utf8(j.entry->node)},
          {"path", utf8(j.entry->path)},
          {"id", utf8(j.entry->id)},
          {"subsystemId", utf8(j.entry->subsystem_id)},
          {"iommugroup", utf8(j.entry->iommugroup)},
          {"description", utf8(j.entry->description)},
          {"device", std::move(here)},
          {"check", words[std::size_t(j.mark)]},
          {"problems", std::move(problems)}};
}

void print_json(const MappingView& view, const std::vector<const Mapping*>& mappings, Output& out) {
  json::array list, faults;
  for (const Mapping* mapping : mappings) {
    json::array entries;
    for (const JudgedEntry& j : view.judge(*mapping)) entries.push_back(entry_json(view, j));
    list.push_back({{"id", utf8(mapping->id)},
                    {"description", utf8(mapping->description)},
                    {"mdev", mapping->mdev},
                    {"liveMigration", mapping->live_migration},
                    {"entries", std::move(entries)}});
  }
  for (const Diagnostic& d : view.mappings().findings)
    faults.push_back({{"line", d.place.source ? d.place.source->position(d.place.span.begin).line : 0},
                      {"message", utf8(d.message)}});
  json::object all{
      {"version", 1}, {"node", utf8(view.host().node)}, {"mappings", std::move(list)}, {"faults", std::move(faults)}};
  out << terminal_safe_json(json::serialize(all)) << "\n";
}

/// Those named, or all, by id; nothing if one does not exist.
std::optional<std::vector<const Mapping*>> chosen(const Mappings& mappings, const std::vector<std::string>& ids) {
  std::vector<const Mapping*> found;
  std::vector<std::string_view> names;
  for (const auto& [id, mapping] : mappings.by_id) names.push_back(id);
  for (const std::string& id : ids) {
    if (mappings.find(id)) continue;
    auto near = closest(id, names);
    log_error("there is no mapping `" + id + "`" + (near ? "; did you mean `" + std::string(*near) + "`?" : ""));
    return {};
  }
  for (const auto& [id, mapping] : mappings.by_id)
    if (ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end()) found.push_back(&mapping);
  return found;
}

bool failed(const MappingView& view, const std::vector<const Mapping*>& mappings) {
  for (const Mapping* mapping : mappings)
    for (const JudgedEntry& j : view.judge(*mapping))
      if (j.mark == Mark::refused) return true;
  return !view.mappings().findings.empty();
}

void print_text(const MappingView& view, const std::vector<const Mapping*>& mappings, bool list, Output& out) {
  std::vector<JudgedEntry> entries;
  for (const Mapping* mapping : mappings)
    for (JudgedEntry& j : view.judge(*mapping)) entries.push_back(std::move(j));
  if (list && !entries.empty())
    print_list(view, entries, out);
  else if (!entries.empty())
    print_check(entries, out);
  if (entries.empty() && mappings.empty()) out << "no mapping is defined\n";
  print_faults(view.mappings(), out);
}

}  // namespace

int run_mapping(Invocation& invocation) {
  std::vector<std::string> ids = invocation.arguments;
  const std::string verb = ids.front();
  ids.erase(ids.begin());
  if (changes_mapping(verb)) return run_mapping_change(invocation);
  if (verb != "list" && verb != "check") {
    log_error("`mapping` is followed by list, check, add, set or delete, not `" + verb + "`");
    return usage;
  }
  if (!invocation.options.values.empty()) {
    log_error("`--" + invocation.options.values.begin()->first + "` does not go with `mapping " + verb + "`");
    return usage;
  }
  auto view = MappingView::open(invocation.globals);
  if (!view) {
    log_error(view.error().message);
    return refused;
  }
  auto mappings = chosen((*view)->mappings(), ids);
  if (!mappings) return refused;
  if (invocation.json())
    print_json(**view, *mappings, *invocation.out);
  else
    print_text(**view, *mappings, verb == "list", *invocation.out);
  return verb == "check" && failed(**view, *mappings) ? findings : done;
}

}  // namespace hostpci
