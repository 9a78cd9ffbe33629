// `mapping add|set|delete`: what is asked, what it makes of pci.cfg, who would lose a device by it, and the writing.
#include "cli/mapping_change.hpp"

#include <algorithm>
#include <set>

#include "apply/transaction.hpp"
#include "apply/vm_place.hpp"
#include "cli/carry.hpp"
#include "cli/failed.hpp"
#include "cli/world.hpp"
#include "config/mapping_edit.hpp"
#include "config/mapping_users.hpp"
#include "grammar/hostpci.hpp"
#include "rules/mapping_entry.hpp"
#include "rules/refusals.hpp"
#include "text/diff.hpp"
#include "text/digest.hpp"
#include "text/escape.hpp"
#include "text/suggest.hpp"
#include "text/words.hpp"

namespace hostpci {
namespace {

constexpr HostParts device_parts{.uses = false, .kernel = false, .running = false, .capabilities = false};

/// The options that belong to a verb; the others have no meaning with it.
std::set<std::string_view> options_of(std::string_view verb) {
  if (verb == "delete") return {"node", "digest", "force", "dry-run"};
  std::set<std::string_view> all{"map", "device", "description", "live-migration-capable", "mdev", "digest", "force", "dry-run"};
  if (verb == "set") all.insert("delete");
  return all;
}

std::vector<std::string> values_of(const Options& options, std::string_view name) {
  auto found = options.values.find(name);
  return found == options.values.end() ? std::vector<std::string>() : found->second;
}

std::set<std::string> nodes_of(const Mapping* mapping) {
  std::set<std::string> nodes;
  for (const MappingEntry& entry : mapping ? mapping->entries : std::vector<MappingEntry>()) nodes.emplace(entry.node);
  return nodes;
}

class MappingCommand {
 public:
  explicit MappingCommand(Invocation& invocation)
      : invocation_(invocation), out_(*invocation.out), verb_(invocation.arguments[0]), dry_run_(invocation.options.has("dry-run")) {}

  int run() {
    if (int status = check_call()) return status;
    if (Status opened = open(); !opened) return failed(opened.error());
    if (int status = take_change()) return status;
    if (dry_run_) return show();
    if (auto status = recover_first(invocation_, system())) return *status;
    auto locks = lock_for_writing(system(), PveScope{{}, true}, refresh_runner(invocation_));
    return locks ? write(*locks) : failed(locks.error());
  }

 private:
  FileSystem& system() { return world_->system(); }
  const Options& options() const { return invocation_.options; }
  bool force() const { return options().has("force"); }

  int wrong(const std::string& message) {
    log_error(message);
    return usage;
  }

  int check_call() {
    if (invocation_.arguments.size() != 2) return wrong("`mapping " + verb_ + "` takes one ID");
    change_.id = invocation_.arguments[1];
    auto allowed = options_of(verb_);
    for (const auto& [name, values] : options().values)
      if (!allowed.count(name)) return wrong("`--" + name + "` does not go with `mapping " + verb_ + "`");
    bool source = options().has("map") || options().has("device");
    if (verb_ == "add" && !source) return wrong("`mapping add` needs `--map` or `--device`");
    if (verb_ == "set" && std::none_of(options().values.begin(), options().values.end(), [](const auto& option) {
          return option.first != "force" && option.first != "dry-run" && option.first != "digest";
        }))
      return wrong("nothing to set: give `--map`, `--device`, `--description`, `--mdev`, `--live-migration-capable` or `--delete`");
    if (!invocation_.globals.host.empty() && !invocation_.globals.has_root() && !dry_run_)
      return wrong("with a snapshot's facts the running cluster is not changed: add `--dry-run` or `--root`");
    return done;
  }

  Status open() {
    auto world = World::open(invocation_.globals);
    if (!world) return world.error();
    world_ = std::move(*world);
    auto host = world_->host(device_parts);
    if (!host) return host.error();
    host_ = *host;
    return Done{};
  }

  int take_change() {
    if (verb_ == "delete") return done;
    if (auto maps = values_of(options(), "map"); !maps.empty()) change_.maps = std::move(maps);
    if (int status = take_devices()) return status;
    for (const std::string& key : options().list("delete")) {
      if (key != "description" && key != "mdev" && key != "live-migration-capable") return wrong("`--delete` takes no `" + key + "`");
      change_.options[key] = std::nullopt;
    }
    for (const char* key : {"mdev", "live-migration-capable"})
      if (options().has(key)) change_.options[key] = options().flag(key) ? "1" : "0";
    if (options().has("description")) change_.options["description"] = std::string(trim(options().text("description")));
    auto errors = check_mapping_change(change_);
    for (const std::string& error : errors) log_error(error);
    return errors.empty() ? done : usage;
  }

  int take_devices() {
    change_.node = host_->node;
    for (const std::string& address : options().list("device")) {
      auto map = mapping_entry_of(*host_, address);
      if (!map) return failed(map.error());
      change_.node_maps.push_back(std::move(*map));
      auto pattern = parse_address_pattern(address);
      const Device* device = pattern ? host_->find(pattern->address) : nullptr;
      if (verb_ == "add" && device && is_mediated(*device) && !options().has("mdev")) change_.options["mdev"] = "1";
    }
    return done;
  }

  /// The file as it stands; a snapshot has its own where no root is given.
  Result<std::optional<std::string>> read() {
    if (invocation_.globals.host.empty() || invocation_.globals.has_root()) return read_target(system(), mapping_path);
    const std::string* text = host_->file(mapping_path);
    return text ? std::optional(*text) : std::optional<std::string>();
  }

  Result<std::string> changed(const std::string& text) const {
    if (verb_ == "add") return add_mapping(text, change_);
    if (verb_ == "set") return set_mapping(text, change_);
    return delete_mapping(text, change_.id, options().text("node"));
  }

  /// Sets before_ and after_ and tells what stands against the change.
  int compute() {
    auto text = read();
    if (!text) return failed(text.error());
    before_ = std::move(*text);
    std::string digest = options().text("digest"), old = before_.value_or("");
    if (!digest.empty() && digest != sha1_hex(old)) return failed(Failure{"pci.cfg was changed by someone else: it has another digest"});
    auto after = changed(old);
    if (!after) return failed(with_suggestion(after.error(), old));
    after_ = std::move(*after);
    return judge(old);
  }

  Failure with_suggestion(Failure failure, const std::string& text) const {
    if (!failure.message.starts_with("there is no mapping")) return failure;
    Mappings all = read_mappings(make_source(mapping_path, text));
    std::vector<std::string_view> names;
    for (const auto& [id, mapping] : all.by_id) names.push_back(id);
    if (auto near = closest(change_.id, names)) failure.message += "; did you mean `" + std::string(*near) + "`?";
    return failure;
  }

  int judge(const std::string& old) {
    Mappings before = read_mappings(make_source(mapping_path, old)), after = read_mappings(make_source(mapping_path, after_));
    std::vector<std::string> against = refusals_of(after.find(change_.id));
    auto losers = users_without(nodes_of(before.find(change_.id)), nodes_of(after.find(change_.id)));
    if (!losers) return failed(losers.error());
    against.insert(against.end(), losers->begin(), losers->end());
    for (const std::string& reason : against) force() || dry_run_ ? log_warning(reason) : log_error(reason);
    if (against.empty() || force() || dry_run_) return done;
    return failed(Failure{"nothing was changed; `--force` does it all the same"});
  }

  /// What Proxmox VE would say of this node's entries when a VM starts.
  std::vector<std::string> refusals_of(const Mapping* mapping) const {
    std::vector<std::string> messages;
    if (!mapping || verb_ == "delete" || host_->node.empty() || host_->devices.empty()) return messages;
    for (const MappingEntry& entry : mapping->entries) {
      ResolvedLine line;
      if (entry.node == host_->node) check_mapping_entry(line, *mapping, entry, *host_);
      for (const Refusal& refusal : line.refusals) messages.push_back(refusal.message + " [" + refusal.rule + "]");
    }
    return messages;
  }

  /// VMs that name the mapping on a node that has no entry of it any more.
  Result<std::vector<std::string>> users_without(const std::set<std::string>& old_nodes, const std::set<std::string>& new_nodes) {
    std::vector<std::string> messages;
    if (std::includes(new_nodes.begin(), new_nodes.end(), old_nodes.begin(), old_nodes.end())) return messages;
    auto users = mapping_users(system(), change_.id, host_->node);
    if (!users) return users.error();
    for (const MappingUser& user : *users) {
      bool loses = new_nodes.empty() || (old_nodes.count(user.node) && !new_nodes.count(user.node));
      if (loses) messages.push_back(user.text() + " uses mapping `" + change_.id + "` and would not start without it");
    }
    return messages;
  }

  int show() {
    if (int status = compute()) return status;
    out_ << printable_lines(unified_diff(mapping_path + 1, before_.value_or(""), after_));
    if (before_.value_or("") == after_) log_info("no change");
    return done;
  }

  int write(WriteLocks& locks) {
    if (int status = show()) return status;
    if (!out_.flush()) return refused;
    TransactionRequest request;
    request.what = as_typed(invocation_);
    if (before_.value_or("") == after_) return done;
    request.files.push_back({mapping_path, before_, after_, 0640, {}});
    auto result = carry_out(system(), request, locks);
    return result ? tell_result(invocation_, request, *result) : failed(result.error());
  }

  Invocation& invocation_;
  Output& out_;
  std::string verb_;
  bool dry_run_;
  std::unique_ptr<World> world_;
  const Host* host_ = nullptr;
  MappingChange change_;
  std::optional<std::string> before_;
  std::string after_;
};

}  // namespace

bool changes_mapping(const std::string& verb) { return verb == "add" || verb == "set" || verb == "delete"; }

int run_mapping_change(Invocation& invocation) { return MappingCommand(invocation).run(); }

}  // namespace hostpci
