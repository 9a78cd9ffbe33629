// `config`: a VM's configuration as Proxmox VE understands it.
#include <boost/json.hpp>
#include <cerrno>
#include <map>

#include "cli/log.hpp"
#include "cli/run.hpp"
#include "cli/world.hpp"
#include "config/vm_lists.hpp"
#include "text/digest.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"

namespace hostpci {
namespace {

namespace json = boost::json;

/// A section as PVE holds it: values read as PVE reads them, the description decoded.
struct View {
  SectionKind kind = SectionKind::main;
  std::string name;
  std::map<std::string, std::string> values;
};

std::string_view kind_name(SectionKind kind) {
  switch (kind) {
    case SectionKind::main:
      return "main";
    case SectionKind::pending:
      return "pending";
    case SectionKind::special:
      return "special";
    default:
      return "snapshot";
  }
}

View view_of(const VmSection& section) {
  View view{section.kind, std::string(section.name), {}};
  for (const auto& [key, value] : section.values) view.values[std::string(key)] = loaded_value(key, value.value);
  bool described = section.has_description && (!section.description.empty() || section.kind == SectionKind::pending);
  if (described) view.values["description"] = section.description;
  return view;
}

/// What the next start will use: [PENDING] applied.
View next_view(const Vm& vm) {
  View view = view_of(vm.main());
  const VmSection* pending = vm.pending();
  if (!pending) return view;
  View changes = view_of(*pending);
  for (const PendingDelete& item : parse_pending_delete(changes.values["delete"])) view.values.erase(item.key);
  changes.values.erase("delete");
  for (auto& [key, value] : changes.values) view.values[key] = value;
  if (view.values["description"].empty()) view.values.erase("description");
  return view;
}

/// An empty [PENDING] is none: PVE does not keep it.
std::vector<View> all_views(const Vm& vm) {
  std::vector<View> views;
  for (const VmSection& section : vm.sections) {
    View view = view_of(section);
    if (view.kind != SectionKind::pending || !view.values.empty()) views.push_back(std::move(view));
  }
  return views;
}

json::object to_json(const View& view) {
  json::object values;
  for (const auto& [key, value] : view.values) values[utf8(key)] = utf8(value);
  return {{"kind", kind_name(view.kind)}, {"name", utf8(view.name)}, {"values", std::move(values)}};
}

void print_json(const Vm& vm, const std::vector<View>& views, Output& out) {
  json::array sections;
  for (const View& view : views) sections.push_back(to_json(view));
  json::object all{{"version", 1},
                   {"vmid", vm.vmid},
                   {"file", utf8(vm.source->path)},
                   {"digest", sha1_hex(vm.source->text)},
                   {"sections", std::move(sections)}};
  out << json::serialize(all) << "\n";
}

/// The description on one line, its line feeds as %0A, as `qm config` prints it.
void print_text(const View& view, Output& out) {
  for (const auto& [key, value] : view.values)
    out << printable(key) << ": " << (key == "description" ? encode_description(value) : printable(value)) << "\n";
}

std::string unknown_snapshot(const Vm& vm, const std::string& name) {
  std::vector<std::string_view> names;
  for (const VmSection& section : vm.sections)
    if (section.kind == SectionKind::snapshot) names.push_back(section.name);
  std::string whose = vm.vmid ? "VM " + std::to_string(vm.vmid) : "`" + vm.source->path + "`";
  std::string message = whose + " has no snapshot `" + name + "`";
  if (auto near = closest(name, names)) message += "; did you mean `" + std::string(*near) + "`?";
  return message;
}

int refuse(const std::string& message) {
  log_error(message);
  return refused;
}

}  // namespace

int run_config(Invocation& invocation) {
  const Options& options = invocation.options;
  if (options.has("pending") && options.has("snapshot")) {
    log_error("`--pending` and `--snapshot` exclude each other");
    return usage;
  }
  auto world = World::open(invocation.globals);
  if (!world) return refuse(world.error().message);
  FileSystem& system = (*world)->system();
  Result<std::string> path = vm_file(system, invocation.arguments[0]);
  if (!path) {
    log_error(path.error().message);
    return usage;
  }
  Result<std::string> text = system.read(*path);
  if (!text) return refuse(text.error().code == ENOENT ? no_such_vm(system, *path).message : text.error().message);
  Vm vm = read_vm(make_source(*path, std::move(*text)));

  std::vector<View> views;
  if (options.has("pending")) {
    views = {next_view(vm)};
  } else if (options.has("snapshot")) {
    const VmSection* snapshot = vm.snapshot(options.text("snapshot"));
    if (!snapshot) return refuse(unknown_snapshot(vm, options.text("snapshot")));
    views = {view_of(*snapshot)};
  } else {
    views = invocation.json() ? all_views(vm) : std::vector<View>{view_of(vm.main())};
  }
  if (invocation.json())
    print_json(vm, views, *invocation.out);
  else
    print_text(views.front(), *invocation.out);
  return done;
}

}  // namespace hostpci
